import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Log } from '../block.ts'
import { describe } from '../errors.ts'
import { count, observed } from '../telemetry.ts'
import type { Guard } from './auth.ts'
import { ageSeconds, immutableSeconds, type Entry, type ResponseCache } from './cache.ts'
import { forward } from './forward.ts'
import { clientAddress, requestHeaders, requestId } from './headers.ts'
import { headersOf, serveObject, type ObjectStore } from './objects.ts'
import { refuse } from './respond.ts'
import { matchRoute, safePath, type ReadyRoute } from './routes.ts'
import type { Upstream } from './upstream.ts'

/** What the edge needs of a limiter block. */
export interface RateLimit {
  take(key: string): Promise<{ allowed: boolean; headers: Record<string, string> }>
}

/** A route with all that it leads to, open. */
export interface LiveRoute extends ReadyRoute {
  readonly guard: Guard | undefined
  readonly limit: RateLimit | undefined
  readonly cache: ResponseCache | undefined
  readonly target: { upstream: Upstream } | { bucket: ObjectStore }
}

export interface EdgeServerOptions {
  name: string
  routes: readonly LiveRoute[]
  trustedHops: number
  /** Serves `/s3/…`, where a bucket has an endpoint of its own. */
  s3: ((incoming: IncomingMessage, response: ServerResponse) => void) | undefined
  log: Log
}

interface Asked {
  incoming: IncomingMessage
  response: ServerResponse
  path: string
  host: string
  address: string
  id: string
}

/** The edge's data path: check the request, find its route, guard, limit, cache, then pass it on. */
export class EdgeServer {
  readonly server: Server
  readonly #options: EdgeServerOptions

  constructor(options: EdgeServerOptions) {
    this.#options = options
    this.server = createServer(
      { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 300_000, maxHeaderSize: 32 * 1024 },
      (incoming, response) => {
        void this.#answer(incoming, response)
      },
    )
    this.server.maxHeadersCount = 200
    this.server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    })
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const of = { kind: 'edge', block: this.#options.name, driver: 'http', operation: 'request' }
    response.once('close', () =>
      count('ashlar_edge_responses_total', 'Answers by status class', {
        edge: this.#options.name,
        status: `${Math.floor(response.statusCode / 100)}xx`,
      }),
    )
    try {
      await observed(of, () => this.#route(incoming, response))
    } catch (error) {
      this.#options.log.error({ error: describe(error), path: incoming.url }, 'edge could not answer')
      refuse(response, 502)
    }
  }

  async #route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = soleHost(incoming)
    if (host === undefined) return refuse(response, 400, { connection: 'close' })
    // Keys of objects are opaque: the endpoint reads, and checks the signature of, exactly what was sent.
    if (this.#options.s3 && incoming.url?.startsWith('/s3/')) return this.#options.s3(incoming, response)
    const path = safePath(incoming.url ?? '')
    if (path === undefined) return refuse(response, 400, { connection: 'close' })
    const route = matchRoute(this.#options.routes, host, incoming.method ?? '', path) as LiveRoute | undefined
    if (!route) return refuse(response, 404)
    const id = requestId(incoming.headers['x-request-id'])
    response.setHeader('x-request-id', id)
    await this.#enter(route, {
      incoming,
      response,
      path,
      host,
      address: clientAddress(incoming, this.#options.trustedHops),
      id,
    })
  }

  async #enter(route: LiveRoute, asked: Asked): Promise<void> {
    const { incoming, response, address } = asked
    if (Number(incoming.headers['content-length'] ?? 0) > route.maxBodyBytes)
      return refuse(response, 413, { connection: 'close' })
    const checked = (await route.guard?.(incoming)) ?? { subject: undefined }
    if ('refused' in checked) return refuse(response, checked.refused, { 'www-authenticate': checked.challenge })
    const decision = await route.limit?.take(
      checked.subject === undefined ? `address:${address}` : `subject:${checked.subject}`,
    )
    if (decision && !decision.allowed) return refuse(response, 429, decision.headers)
    for (const [name, value] of Object.entries(decision?.headers ?? {})) response.setHeader(name, value)
    if (this.#fromCache(route, asked)) return
    await this.#pass(route, asked, checked.subject)
  }

  #fromCache({ cache }: LiveRoute, asked: Asked): boolean {
    const key = cache && cacheKey(asked)
    const entry = key === undefined ? undefined : cache!.get(key)
    if (!cache || key === undefined) return false
    count('ashlar_edge_cache_total', 'Look-ups in the edge cache', {
      edge: this.#options.name,
      outcome: entry ? 'hit' : 'miss',
    })
    if (entry) sendEntry(entry, asked)
    return entry !== undefined
  }

  async #pass(route: LiveRoute, asked: Asked, subject: string | undefined): Promise<void> {
    const { incoming, response, path, host, address, id } = asked
    const { target, route: declared, prefix, cache } = route
    const strips = declared.strip ?? 'bucket' in target
    const upstreamPath = strips ? `/${path.slice(prefix.length)}` : path
    const key = cache && cacheKey(asked)
    if ('bucket' in target)
      return this.#serveObject(route, target.bucket, decodeURIComponent(upstreamPath.slice(1)), asked, key)
    await forward({
      incoming,
      response,
      upstream: target.upstream,
      path: upstreamPath + incoming.url!.slice(path.length),
      headers: requestHeaders(incoming, { clientAddress: address, proto: 'http', host, requestId: id, subject }),
      timeoutMs: route.timeoutMs,
      maxBodyBytes: route.maxBodyBytes,
      heldBytes: key === undefined ? undefined : route.cacheEntryBytes,
      ...(key === undefined
        ? {}
        : { onWhole: (status, answer, headers, body) => keep(cache!, key, status, answer.headers, headers, body) }),
    })
  }

  async #serveObject(
    route: LiveRoute,
    bucket: ObjectStore,
    object: string,
    asked: Asked,
    key: string | undefined,
  ): Promise<void> {
    const { incoming, response } = asked
    const immutable = route.route.cache?.immutable === true
    if (key === undefined || incoming.method !== 'GET' || !immutable)
      return serveObject(bucket, object, incoming, response, immutable)
    const found = await bucket.head(object)
    if (!found || found.size > route.cacheEntryBytes) return serveObject(bucket, object, incoming, response, immutable)
    const entry = await wholeObject(bucket, object)
    if (!entry) return refuse(response, 404)
    route.cache!.set(key, entry)
    sendEntry(entry, asked)
  }
}

function soleHost({ rawHeaders, headers, httpVersion }: IncomingMessage): string | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return undefined
  const host = (headers.host ?? '').toLowerCase()
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(:\d{1,5})?$/.test(host) ? host.replace(/:\d+$/, '') : undefined
}

/** Only plain GETs are looked up: a range or a request with credentials of its own goes to the origin. */
function cacheKey({ incoming, host }: Asked): string | undefined {
  const { method, headers, url } = incoming
  return method === 'GET' && headers.range === undefined && headers.authorization === undefined
    ? `${host} ${url}`
    : undefined
}

function keep(
  cache: ResponseCache,
  key: string,
  status: number,
  headers: IncomingMessage['headers'],
  raw: string[],
  body: Buffer,
): void {
  const maxAgeSeconds = immutableSeconds(status, headers)
  if (maxAgeSeconds > 0) cache.set(key, { status, headers: raw, body, storedAtMs: performance.now(), maxAgeSeconds })
}

function sendEntry(entry: Entry, { incoming, response }: Asked): void {
  const etag =
    entry.headers[entry.headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'etag') + 1]
  const known = incoming.headers['if-none-match']
  const headers = [...entry.headers, 'Age', String(ageSeconds(entry))]
  for (let index = 0; index < headers.length; index += 2) response.setHeader(headers[index]!, headers[index + 1]!)
  if (etag !== undefined && known?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)) {
    response.removeHeader('content-length')
    response.writeHead(304).end()
  } else {
    response.writeHead(entry.status).end(entry.body)
  }
}

async function wholeObject(bucket: ObjectStore, key: string): Promise<Entry | undefined> {
  const object = await bucket.get(key)
  if (!object) return undefined
  const body = Buffer.concat(await object.body.toArray())
  const headers = Object.entries({ ...headersOf(object, true), 'content-length': String(body.byteLength) }).flat()
  return { status: 200, headers, body, storedAtMs: performance.now(), maxAgeSeconds: 31_536_000 }
}
