import { randomUUID } from 'node:crypto'
import { refuseUnknown, type Card, type Declaration, type Health, type OpenContext, type Stats } from '../../block.ts'
import { invalid } from '../../errors.ts'
import { listen } from '../../listen.ts'
import { toBytes, toCount, toMs } from '../../units.ts'
import type { App, AppModule, AppOptions } from './app.ts'
import { reachable } from './reachable.ts'
import { AppServer } from './server.ts'

export type * from './app.ts'
export { healthPath } from './server.ts'

const card: Card = {
  job: 'Runs your request handler in several identical processes. None keeps anything of a user in memory, so any of them can answer any request.',
  reachFor:
    'When one process is not enough, or must be replaced without anyone noticing. It is what makes scaling out possible at all.',
  costs: 'Whatever a request needs to remember must live in a shared store: sessions, cache, database.',
  alternative: 'One big process with its state in memory: simpler until it is full, or dies.',
}

const known = ['instances', 'host', 'port', 'maxBody', 'timeout', 'drain', 'because', 'expect']

/** What `app` needs of the discovery block (whatever opened it). */
interface Registry {
  register(
    service: string,
    address: { host: string; port: number; meta?: Record<string, string>; id?: string },
  ): Promise<{ end(): Promise<void> }>
}

/** An app tier: `app(() => import('./app.ts'), { instances: 2 })`. The module's default export has `fetch(request)`. */
export function app(load: () => Promise<unknown>, options: AppOptions = {}): Declaration<App, AppOptions> {
  const limits = checked(options)
  return {
    kind: 'app',
    card,
    options,
    schemes: ['local'],
    needs: ['discovery'],
    open: (context) => OpenApp.open(context, load, limits),
  }
}

function checked(options: AppOptions) {
  refuseUnknown('app', options, known)
  return {
    instances: toCount('app instances', options.instances ?? 1, { min: 1, max: 64 }),
    host: options.host ?? '127.0.0.1',
    port: toCount('app port', options.port ?? 0, { max: 65535 }),
    maxBodyBytes: toBytes('app maxBody', options.maxBody ?? '10mb', { min: 1 }),
    timeoutMs: toMs('app timeout', options.timeout ?? '60s', { min: 100, max: 3_600_000 }),
    drainMs: toMs('app drain', options.drain ?? '10s', { max: 300_000 }),
  }
}

class OpenApp implements App {
  readonly kind = 'app'
  readonly driver = 'local'
  readonly name: string
  readonly instance: string
  readonly address: { host: string; port: number }
  readonly #server: AppServer
  readonly #registration: { end(): Promise<void> }
  readonly #drainMs: number
  #requests = 0
  #closing: Promise<void> | undefined

  static async open(
    context: OpenContext,
    load: () => Promise<unknown>,
    limits: ReturnType<typeof checked>,
  ): Promise<App> {
    const module = (await load()) as Partial<AppModule>
    if (typeof module.default?.fetch !== 'function')
      throw invalid(
        `app '${context.name}': its module must export default { fetch(request) }; it exports ${Object.keys(module).join(', ') || 'nothing'}`,
      )
    const of = { kind: 'app', block: context.name, driver: 'local', operation: 'request' }
    const server = new AppServer(module.default, { ...limits, of, log: context.log })
    const port = await listen(server.server, limits.port, limits.host)
    const address = { host: reachable(limits.host), port }
    const instance = `${context.name}-${randomUUID().slice(0, 8)}`
    const registration = await (context.block('discovery') as unknown as Registry)
      .register(context.name, { ...address, id: instance })
      .catch(async (error: unknown) => {
        await server.drain(0)
        throw error
      })
    return new OpenApp(context.name, instance, address, server, registration, limits.drainMs)
  }

  private constructor(
    name: string,
    instance: string,
    address: { host: string; port: number },
    server: AppServer,
    registration: { end(): Promise<void> },
    drainMs: number,
  ) {
    this.name = name
    this.instance = instance
    this.address = address
    this.#server = server
    this.#registration = registration
    this.#drainMs = drainMs
    server.server.on('request', () => this.#requests++)
  }

  async health(): Promise<Health> {
    return this.#closing ? { ok: false, detail: 'draining' } : { ok: true }
  }

  async stats(): Promise<Stats> {
    const connections = await new Promise<number>((resolve) =>
      this.#server.server.getConnections((_, count) => resolve(count ?? 0)),
    )
    return { requests: this.#requests, connections }
  }

  /** Leaves discovery first, so that no new request comes, then finishes those under way. */
  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  async #drain(): Promise<void> {
    this.#server.startDraining()
    await this.#registration.end().catch(() => undefined)
    await this.#server.drain(this.#drainMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
