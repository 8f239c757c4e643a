import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { invalid } from '../errors.ts'
import type { Checked, Guard } from './auth.ts'
import type { JwtAuth } from './config.ts'
import { RemoteKeySet } from './key-set.ts'

const clockToleranceSeconds = 30
const longestToken = 8192

export function jwtGuard(auth: JwtAuth, keys = keysOf(auth)): Guard {
  const options = {
    clockTolerance: clockToleranceSeconds,
    ...(auth.issuer === undefined ? {} : { issuer: auth.issuer }),
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
  }
  return async ({ headers }) => {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(headers.authorization ?? '')?.[1]
    if (!token || token.length > longestToken) return { refused: 401, challenge: 'Bearer' }
    try {
      const { payload } = await jwtVerify(token, keys, options)
      return withScopes(payload, auth.scopes ?? [])
    } catch (error) {
      if (error instanceof errors.JOSEError) return { refused: 401, challenge: 'Bearer error="invalid_token"' }
      throw error
    }
  }
}

function withScopes({ sub, scope }: JWTPayload, needed: readonly string[]): Checked {
  const has = typeof scope === 'string' ? scope.split(' ') : []
  const missing = needed.find((each) => !has.includes(each))
  if (missing === undefined) return { subject: typeof sub === 'string' && sub !== '' ? sub : undefined }
  return { refused: 403, challenge: `Bearer error="insufficient_scope", scope="${missing}"` }
}

function keysOf({ jwks }: JwtAuth): JWTVerifyGetKey {
  if (typeof jwks === 'object') return createLocalJWKSet(jwks)
  if (!/^https?:/i.test(jwks) || !URL.canParse(jwks))
    throw invalid(`edge jwt: jwks '${jwks}' is not a URL; give the http(s) address of a key set, or { keys: […] }`)
  return new RemoteKeySet(jwks).key
}
