import { getRequestListener } from '@hono/node-server'
import {
  refuseUnknown,
  type Block,
  type Card,
  type Declaration,
  type Health,
  type OpenContext,
  type Stats,
} from '../block.ts'
import type { Instance } from '../blocks/discovery/driver.ts'
import { drainServer } from '../drain.ts'
import { AshlarError, describe, invalid } from '../errors.ts'
import { gauge } from '../telemetry.ts'
import { toCount, toMs } from '../units.ts'
import { jwtGuard, sessionGuard, type Guard, type SessionStore } from './auth.ts'
import { ResponseCache } from './cache.ts'
import type { EdgeOptions, JwtAuth, Route, SessionAuth } from './config.ts'
import type { ObjectStore } from './objects.ts'
import { readyRoutes, type ReadyRoute } from './routes.ts'
import { EdgeServer, type LiveRoute, type RateLimit } from './server.ts'
import { agent, Upstream } from './upstream.ts'

export type * from './config.ts'

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

interface Listen {
  host: string
  port: number
}

function readListen(listen: EdgeOptions['listen']): Listen {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(String(listen))
  const port = Number(match?.[2])
  if (!match || port > 65535)
    throw invalid(`edge listen: '${String(listen)}' is not valid; write a port of 0 to 65535, or 'host:port'`)
  return { host: match[1] ?? '127.0.0.1', port }
}

interface Settings {
  routes: ReadyRoute[]
  listen: Listen
  trustedHops: number
  drainMs: number
  s3: boolean
}

/** What the edge needs of discovery. */
interface Registry {
  watch(service: string): Promise<{
    instances: readonly Instance[]
    onChange(changed: (instances: readonly Instance[]) => void): () => void
    end(): Promise<void>
  }>
}

/** An edge that listens in this process. */
export class Edge implements Block {
  readonly kind = 'edge'
  readonly driver = 'local'
  readonly name: string
  readonly address: Listen
  readonly #server: EdgeServer
  readonly #routes: LiveRoute[]
  readonly #drainMs: number
  readonly #undo: AsyncDisposableStack
  #closing: Promise<void> | undefined

  static async open(context: OpenContext, settings: Settings): Promise<Edge> {
    await using undo = new AsyncDisposableStack()
    const upstreams = new Map<string, Upstream>()
    const routes: LiveRoute[] = []
    for (const route of settings.routes) routes.push(await live(context, route, upstreams, undo))
    const server = new EdgeServer({
      name: context.name,
      routes,
      trustedHops: settings.trustedHops,
      s3: settings.s3 ? s3Of(context, routes) : undefined,
      log: context.log,
    })
    const address = await listenOn(server, { ...settings.listen, port: context.edgePort ?? settings.listen.port })
    return new Edge(context.name, address, server, routes, settings.drainMs, undo.move())
  }

  private constructor(
    name: string,
    address: Listen,
    server: EdgeServer,
    routes: LiveRoute[],
    drainMs: number,
    undo: AsyncDisposableStack,
  ) {
    this.name = name
    this.address = address
    this.#server = server
    this.#routes = routes
    this.#drainMs = drainMs
    this.#undo = undo
  }

  /** Well as long as it listens; `detail` names apps without a healthy instance. */
  async health(): Promise<Health> {
    const bare = [
      ...new Set(
        this.#upstreams()
          .filter(({ endpoints }) => endpoints.every(({ outUntilMs }) => outUntilMs > performance.now()))
          .map(({ name }) => name),
      ),
    ]
    return { ok: !this.#closing, ...(bare.length > 0 ? { detail: `no healthy instance of ${bare.join(', ')}` } : {}) }
  }

  async stats(): Promise<Stats> {
    const caches = [...new Set(this.#routes.flatMap(({ cache }) => cache ?? []))]
    const hits = caches.reduce((sum, cache) => sum + cache.hits, 0)
    const looks = caches.reduce((sum, cache) => sum + cache.hits + cache.misses, 0)
    const instances = this.#upstreams().reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    return {
      instances,
      cacheHits: hits,
      cacheLooks: looks,
      ...(looks === 0 ? {} : { hitRate: hits / looks }),
      cacheBytes: caches.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  /** Requests passed to each instance so far, by instance id. */
  get requests(): Record<string, number> {
    return Object.fromEntries(
      this.#upstreams().flatMap(({ endpoints }) => endpoints.map(({ id, requests }) => [id, requests])),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  /** No new connections; requests under way may end within the drain time. */
  async #drain(): Promise<void> {
    await drainServer(this.#server.server, this.#drainMs)
    await this.#undo.disposeAsync()
    agent.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #upstreams(): Upstream[] {
    return [...new Set(this.#routes.flatMap(({ target }) => ('upstream' in target ? target.upstream : [])))]
  }
}

async function live(
  context: OpenContext,
  ready: ReadyRoute,
  upstreams: Map<string, Upstream>,
  undo: AsyncDisposableStack,
): Promise<LiveRoute> {
  const { route } = ready
  return {
    ...ready,
    guard: guardOf(context, route),
    limit: route.limit === undefined ? undefined : (context.block(route.limit) as unknown as RateLimit),
    cache: route.cache ? new ResponseCache(ready.cacheBytes) : undefined,
    target: await targetOf(context, route, upstreams, undo),
  }
}

function guardOf(context: OpenContext, { auth }: Route): Guard | undefined {
  if (!auth) return undefined
  return auth.kind === 'jwt'
    ? jwtGuard(auth)
    : sessionGuard(auth, context.block(auth.sessions) as unknown as SessionStore)
}

/** A bucket is open in this process; anything else is an app, found through discovery. */
async function targetOf(
  context: OpenContext,
  route: Route,
  upstreams: Map<string, Upstream>,
  undo: AsyncDisposableStack,
): Promise<LiveRoute['target']> {
  const bucket = openBucket(context, route.to)
  if (bucket) return { bucket }
  const key = `${route.to} ${route.balance ?? 'round-robin'}`
  const known = upstreams.get(key)
  if (known) return { upstream: known }
  const watch = await (context.block('discovery') as unknown as Registry).watch(route.to)
  undo.defer(() => watch.end())
  const upstream = undo.adopt(new Upstream(route.to, watch, route.balance ?? 'round-robin'), (each) => each.close())
  undo.defer(
    gauge(
      'ashlar_edge_instances',
      'Instances known to the edge',
      { edge: context.name, upstream: route.to },
      () => upstream.endpoints.length,
    ),
  )
  upstreams.set(key, upstream)
  return { upstream }
}

function openBucket(context: OpenContext, name: string): ObjectStore | undefined {
  try {
    const block = context.block(name)
    return block.kind === 'bucket' ? (block as unknown as ObjectStore) : undefined
  } catch {
    return undefined
  }
}

interface Endpoint extends Block {
  endpoint?: (request: Request) => Promise<Response>
}

/** The S3 endpoints of the buckets that serve themselves, told apart by the first path segment after `/s3/`. */
function s3Of({ service }: OpenContext, routes: readonly LiveRoute[]) {
  const buckets = routes.flatMap(({ target }) => ('bucket' in target ? (target.bucket as unknown as Endpoint) : []))
  const byName = new Map(
    buckets
      .filter(({ endpoint }) => endpoint)
      .map((bucket) => [service ? `${service}.${bucket.name}` : bucket.name, bucket]),
  )
  if (byName.size === 0) return undefined
  const answer = (request: Request) => {
    const bucket = byName.get(decodeURIComponent(new URL(request.url).pathname).split('/')[2] ?? '')
    return (
      bucket?.endpoint?.(request) ??
      new Response('<Error><Code>NoSuchBucket</Code></Error>', {
        status: 404,
        headers: { 'content-type': 'application/xml' },
      })
    )
  }
  const listener = getRequestListener(answer, { overrideGlobalObjects: false })
  return (incoming: Parameters<typeof listener>[0], response: Parameters<typeof listener>[1]) =>
    void listener(incoming, response)
}

function listenOn({ server }: EdgeServer, { host, port }: Listen): Promise<Listen> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new AshlarError(
          'unavailable',
          `edge: cannot listen on ${host}:${port}: ${describe(error)}; choose another port, or stop what uses it`,
          { cause: error },
        ),
      ),
    )
    server.listen(port, host, () => resolve({ host, port: (server.address() as { port: number }).port }))
  })
}
