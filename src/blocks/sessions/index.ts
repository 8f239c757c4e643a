import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { invalid } from '../../errors.ts'
import { toMs } from '../../units.ts'
import { checkCookieName, writeCookie } from './cookie.ts'
import type { SessionDriver } from './driver.ts'
import { OpenSessions, type SessionSettings } from './open.ts'
import type { SessionOptions, Sessions } from './sessions.ts'

export type { Session, SessionOptions, Sessions } from './sessions.ts'
export type { NewSession, SessionDriver, StoredSession } from './driver.ts'

const card: Card = {
  job: 'Remembers who is logged in, where every app instance can see it, so that no instance has to.',
  reachFor:
    'As soon as there are two app instances: without it users must be pinned to one, which then can neither be removed nor replaced unnoticed.',
  costs: 'One look-up in the store for each request, and log-ins depend on the store being there.',
  alternative:
    'A signed token that the client carries: no look-up at all, but it cannot be taken back before it runs out, and its size travels with each request.',
}

const minMs = 60_000
const maxMs = 400 * 86_400_000

/** @throws `invalid_argument` */
function settingsOf(options: SessionOptions): SessionSettings {
  const idleMs = toMs('sessions idle', options.idle ?? '7d', { min: minMs, max: maxMs })
  const absoluteMs = toMs('sessions absolute', options.absolute ?? Math.max(idleMs, 30 * 86_400_000), {
    min: idleMs,
    max: maxMs,
  })
  const sameSite = options.sameSite ?? 'lax'
  if (!['lax', 'strict', 'none'].includes(sameSite))
    throw invalid(`sessions sameSite: '${sameSite}' is not known; allowed are 'lax', 'strict', 'none'`)
  const settings = {
    name: checkCookieName(options.cookie ?? 'sid'),
    sameSite,
    idleMs,
    absoluteMs,
    maxAgeMs: absoluteMs,
  }
  writeCookie(settings, 'x'.repeat(43), true) // a name too long for browsers is refused now and not at the first log-in
  return settings
}

function kindOf<Data extends object>(): Kind<Sessions<Data>, SessionOptions, SessionDriver> {
  return {
    kind: 'sessions',
    card,
    options: ['idle', 'absolute', 'cookie', 'sameSite'],
    drivers: {
      postgres: () => import('./postgres.ts'),
      memory: () => import('./memory.ts'),
    },
    check: (options) => void settingsOf(options),
    build: ({ name }, opened, options) => new OpenSessions<Data>({ ...opened, name, settings: settingsOf(options) }),
  }
}

/** Sessions of a blueprint: `logins: sessions<{ cart: string[] }>({ idle: '7d' })`. @throws `invalid_argument` */
export function sessions<Data extends object = Record<string, unknown>>(
  options?: SessionOptions,
): Declaration<Sessions<Data>, SessionOptions>
/**
 * Sessions alone.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using logins = await sessions('logins', { url: 'postgres://localhost/shop' })
 * const session = await logins.create(user)
 * response.headers.append('set-cookie', logins.cookie(session, request))
 */
export function sessions<Data extends object = Record<string, unknown>>(
  name: string,
  options?: SessionOptions & AloneOptions,
): Promise<Sessions<Data>>
export function sessions<Data extends object>(
  first: string | SessionOptions = {},
  options: SessionOptions & AloneOptions = {},
): Declaration<Sessions<Data>, SessionOptions> | Promise<Sessions<Data>> {
  const kind = kindOf<Data>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
