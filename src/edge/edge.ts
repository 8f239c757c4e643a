import type { Block, Health, OpenContext, Stats } from '../block.ts'
import { drainServer } from '../drain.ts'
import { listenOn, type Listen } from './listen.ts'
import { openRoute } from './open-route.ts'
import type { ReadyRoute } from './routes.ts'
import { s3Of } from './s3.ts'
import { EdgeServer, type LiveRoute } from './server.ts'
import type { Upstream } from './upstream.ts'

/** The edge's options, read. */
export interface Settings {
  routes: ReadyRoute[]
  listen: Listen
  trustedHops: number
  drainMs: number
  s3: boolean
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
    for (const route of settings.routes) routes.push(await openRoute(context, route, upstreams, undo))
    const server = new EdgeServer({
      name: context.name,
      routes,
      trustedHops: settings.trustedHops,
      s3: settings.s3 ? s3Of(context, routes) : undefined,
      log: context.log,
    })
    const address = await listenOn(server.server, {
      ...settings.listen,
      port: context.edgePort ?? settings.listen.port,
    })
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
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #upstreams(): Upstream[] {
    return [...new Set(this.#routes.flatMap(({ target }) => ('upstream' in target ? target.upstream : [])))]
  }
}
