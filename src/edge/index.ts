import { refuseUnknown, type Card, type Declaration } from '../block.ts'
import { invalid } from '../errors.ts'
import { toCount, toMs } from '../units.ts'
import type { EdgeOptions, JwtAuth, Route, SessionAuth } from './config.ts'
import { Edge } from './edge.ts'
import type { Listen } from './listen.ts'
import { readyRoutes } from './routes.ts'

export type * from './config.ts'
export type { Edge } from './edge.ts'

const card: Card = {
  job: 'The one door of the service: finds the route, checks who asks, limits, answers from its cache or passes the request to a healthy instance.',
  reachFor:
    'As soon as there is more than one instance, or anything that every request needs: TLS, log-in checks, limits, caching.',
  costs: 'One more hop, and everything goes through it: run more than one, and keep business logic out.',
  alternative: 'nginx, HAProxy or Envoy in front; a layer-4 balancer when nobody needs to understand HTTP.',
}

/** Checks a JWT on a route: `auth: jwt({ jwks: 'https://…/jwks.json' })`. */
export function jwt(options: Omit<JwtAuth, 'kind'>): JwtAuth {
  refuseUnknown('edge jwt', options, ['jwks', 'issuer', 'audience', 'scopes'])
  return { kind: 'jwt', ...options }
}

/** Asks a sessions block on a route: `auth: session('sessions')`. */
export function session(sessions: string, options: { need?: 'required' | 'optional' } = {}): SessionAuth {
  refuseUnknown('edge session', options, ['need'])
  return { kind: 'session', sessions, ...options }
}

/** The service's edge: gateway, load balancer and cache in front of apps and buckets. */
export function edge(options: EdgeOptions): Declaration<Edge, EdgeOptions> {
  refuseUnknown('edge', options, ['listen', 'routes', 'trustedHops', 's3', 'drain', 'because', 'expect'])
  const routes = readyRoutes(options.routes)
  const listen = readListen(options.listen)
  const trustedHops = toCount('edge trustedHops', options.trustedHops ?? 0, { max: 16 })
  const drainMs = toMs('edge drain', options.drain ?? '10s', { max: 300_000 })
  const needs = ['discovery', ...new Set(options.routes.flatMap(namesIn))]
  return {
    kind: 'edge',
    card,
    options,
    schemes: ['local'],
    needs,
    open: (context) => Edge.open(context, { routes, listen, trustedHops, drainMs, s3: options.s3 ?? true }),
  }
}

function namesIn({ to, limit, auth }: Route): string[] {
  return [to, ...(limit === undefined ? [] : [limit]), ...(auth?.kind === 'session' ? [auth.sessions] : [])]
}

function readListen(listen: EdgeOptions['listen']): Listen {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(String(listen))
  const port = Number(match?.[2])
  if (!match || port > 65535)
    throw invalid(`edge listen: '${String(listen)}' is not valid; write a port of 0 to 65535, or 'host:port'`)
  return { host: match[1] ?? '127.0.0.1', port }
}
