import type { v1 } from '@google-cloud/pubsub'
import { withinMs } from '../deadline.ts'
import { status, statusOf } from './errors.ts'
import { loadPubSub, type PubSubPackage } from './load.ts'
import { parsePubSubUrl } from './url.ts'

export interface Clients {
  publisher: v1.PublisherClient
  subscriber: v1.SubscriberClient
}

export interface CallOptions {
  /** When the call is given up. */
  limitMs?: number
  signal?: AbortSignal
  /** The server may be silent so long without being dead. */
  isWait?: boolean
}

const limitMs = 12_000
const retiredMs = 30_000

/** What gRPC needs, whose own reconnecting waits up to two minutes. Without a pool of our own, a dead connection would be shared. */
const channel = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
}

type Call = ((request: object, options: object) => Promise<[unknown]> & { cancel(): void }) | undefined

/** The connections to one project: calls with a time limit, none of them tried again. */
export class Link {
  readonly project: string
  readonly #make: () => Promise<Clients>
  #clients: Promise<Clients>
  #latest: Clients
  readonly #retired = new Set<Clients>()

  private constructor(project: string, make: () => Promise<Clients>, first: Clients) {
    this.project = project
    this.#make = make
    this.#latest = first
    this.#clients = Promise.resolve(first)
  }

  /** @throws `invalid_argument` `unsupported`, and what the client throws without credentials */
  static async open(url: string): Promise<Link> {
    const make = await maker(url)
    return new Link(parsePubSubUrl(url).project, make, await make())
  }

  get clients(): Clients {
    return this.#latest
  }

  /** @param method of one of the clients, as it calls it; `of` names the resource that requests are routed by */
  async call<Answer>(
    of: keyof Clients,
    method: string,
    request: object,
    options: CallOptions & { route: Record<string, string> },
  ): Promise<Answer> {
    const { signal, isWait = false } = options
    const clients = await this.#clients
    const call = clients[of].innerApiCalls[method] as Call
    const headers = { 'x-goog-request-params': new URLSearchParams(options.route).toString() }
    const calling = call!(request, { timeout: options.limitMs ?? limitMs, retry: null, otherArgs: { headers } })
    const cancel = () => calling.cancel()
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return (await calling)[0] as Answer
    } catch (error) {
      if (statusOf(error) === status.deadline && !isWait) this.#renew(clients)
      throw error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** A server that does not answer at all may be behind a dead connection, which gRPC would keep: the next call takes a new one. */
  #renew(old: Clients): void {
    if (this.#latest !== old) return
    this.#clients = this.#make().then(
      (fresh) => (this.#latest = fresh),
      () => old,
    )
    this.#retired.add(old)
    setTimeout(() => void (this.#latest !== old && this.#retire(old)), retiredMs).unref()
  }

  async #retire(clients: Clients): Promise<void> {
    this.#retired.delete(clients)
    await Promise.allSettled([clients.publisher.close(), clients.subscriber.close()])
  }

  async close(): Promise<void> {
    const latest = await this.#clients
    await Promise.all([latest, ...this.#retired].map((clients) => this.#retire(clients)))
  }
}

async function maker(url: string): Promise<() => Promise<Clients>> {
  const { project, endpoint, isEmulator, keyFile } = parsePubSubUrl(url)
  const { PubSub, v1 } = await loadPubSub()
  const pubsub = new PubSub({
    projectId: project,
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
    ...(keyFile === undefined ? {} : { keyFilename: keyFile }),
    emulatorMode: isEmulator,
  })
  // An emulator needs no credentials, and the search for them would ask the network.
  const noSearch = isEmulator ? { clientOptions: { universeDomain: 'googleapis.com' } } : {}
  const config = { ...(await pubsub.getClientConfig()), ...noSearch, ...channel } as ConstructorParameters<
    PubSubPackage['v1']['PublisherClient']
  >[0]
  return async () => {
    const clients = { publisher: new v1.PublisherClient(config), subscriber: new v1.SubscriberClient(config) }
    const ready = Promise.all([clients.publisher.initialize(), clients.subscriber.initialize()])
    await withinMs(ready, limitMs, `Pub/Sub: no credentials within ${limitMs} ms`)
    return clients
  }
}
