import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { IncomingMessage } from 'node:http'
import { invalid } from '../errors.ts'
import type { JwtAuth, SessionAuth } from './config.ts'

/** What a check found: who it is, a stranger who may pass (`subject` undefined), or a refusal. */
export type Checked = { subject: string | undefined } | { refused: 401 | 403; challenge: string }

/** Checks one request. */
export type Guard = (incoming: IncomingMessage) => Promise<Checked>

/** What the edge needs of the sessions block. */
export interface SessionStore {
  of(request: Request): Promise<{ user: string | undefined } | undefined>
}

// One look at a remote key set per 10 s at the most, whatever key ids strangers make up; good keys stay meanwhile.
const keySetCooldownMs = 10_000
const clockToleranceSeconds = 30

export function jwtGuard(auth: JwtAuth): Guard {
  const keys = keySet(auth)
  return async (incoming) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(incoming.headers.authorization ?? '')?.[1]
    if (!token || token.length > 8192) return { refused: 401, challenge: 'Bearer' }
    try {
      const { payload } = await jwtVerify(token, keys, {
        clockTolerance: clockToleranceSeconds,
        ...(auth.issuer === undefined ? {} : { issuer: auth.issuer }),
        ...(auth.audience === undefined ? {} : { audience: auth.audience }),
      })
      const has = (typeof payload.scope === 'string' ? payload.scope : '').split(' ')
      const missing = (auth.scopes ?? []).find((scope) => !has.includes(scope))
      return missing
        ? { refused: 403, challenge: `Bearer error="insufficient_scope", scope="${missing}"` }
        : { subject: payload.sub }
    } catch (error) {
      if (error instanceof errors.JOSEError) return { refused: 401, challenge: 'Bearer error="invalid_token"' }
      throw error
    }
  }
}

function keySet({ jwks }: JwtAuth): JWTVerifyGetKey {
  if (typeof jwks === 'object') return createLocalJWKSet(jwks)
  if (!URL.canParse(jwks))
    throw invalid(`edge jwt: jwks '${jwks}' is not a URL; give the address of a key set, or { keys: […] }`)
  return createRemoteJWKSet(new URL(jwks), { cooldownDuration: keySetCooldownMs, timeoutDuration: 5_000 })
}

export function sessionGuard(auth: SessionAuth, sessions: SessionStore): Guard {
  return async (incoming) => {
    const cookie = incoming.headers.cookie
    const request = new Request('http://edge/', cookie === undefined ? {} : { headers: { cookie } })
    const session = cookie === undefined ? undefined : await sessions.of(request)
    if (session?.user === undefined && auth.need !== 'optional') return { refused: 401, challenge: 'Cookie' }
    return { subject: session?.user }
  }
}
