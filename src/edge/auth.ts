import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import type { IncomingMessage } from 'node:http'
import { invalid } from '../errors.ts'
import type { Client } from './client.ts'
import type { JwtAuth, SessionAuth } from './config.ts'
import { RemoteKeySet } from './key-set.ts'

/** What a check found: who it is, a stranger who may pass (`subject` undefined), or a refusal. */
export type Checked = { subject: string | undefined } | { refused: 401 | 403; challenge: string }

/** Checks one request. @throws when who asks cannot be found out now */
export type Guard = (incoming: IncomingMessage, client: Client) => Promise<Checked>

/** What the edge needs of the sessions block. */
export interface SessionStore {
  of(request: Request): Promise<{ user: string | undefined } | undefined>
}

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

export function sessionGuard(auth: SessionAuth, sessions: SessionStore): Guard {
  return async ({ headers: { cookie } }, { proto }) => {
    // The cookie's name depends on whether the client speaks https.
    const request = new Request(`${proto}://edge/`, cookie === undefined ? {} : { headers: { cookie } })
    const session = cookie === undefined ? undefined : await sessions.of(request)
    if (session?.user === undefined && auth.need !== 'optional') return { refused: 401, challenge: 'Cookie' }
    return { subject: session?.user }
  }
}
