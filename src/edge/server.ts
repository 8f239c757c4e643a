import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Log } from '../block.ts'
import { describe, isAshlarError } from '../errors.ts'
import { count, observed, traceHeaders, withTrace } from '../telemetry.ts'
import { readAsked, type Asked } from './asked.ts'
import type { Guard } from './auth.ts'
import type { ResponseCache } from './cache.ts'
import { cacheKey, keep, sendEntry, wholeObject } from './cached.ts'
import { siteOf } from './client.ts'
import { forward } from './forward.ts'
import { requestHeaders } from './headers.ts'
import type { RateLimit, Strangers } from './limit.ts'
import { createListener, usualLimits, type ListenerLimits } from './listener.ts'
import { serveObject, type ObjectStore } from './objects.ts'
import { refuse } from './respond.ts'
import { matchRoute, withoutPrefix, type ReadyRoute } from './routes.ts'
import type { Upstream } from './upstream.ts'

/** A route with all that it leads to, open. */
export interface LiveRoute extends ReadyRoute {
  readonly guard: Guard | undefined
  readonly limit: RateLimit | undefined
  /** Bounds what the guard is asked, where there is a limit. */
  readonly strangers: Strangers | undefined
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
  limits?: ListenerLimits
}

type Entered = { subject: string | undefined } | 'refused'

/** The edge's data path: check the request, find its route, guard, limit, cache, then pass it on. */
export class EdgeServer {
  readonly server: Server
  readonly #options: EdgeServerOptions

  constructor(options: EdgeServerOptions) {
    this.#options = options
    this.server = createListener(
      (incoming, response) => void this.#answer(incoming, response),
      options.limits ?? usualLimits,
    )
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const of = { kind: 'edge', block: this.#options.name, driver: 'http', operation: 'request' }
    incoming.on('error', () => undefined)
    response.on('error', () => undefined)
    response.once('close', () =>
      count('ashlar_edge_responses_total', 'Answers by status class', {
        edge: this.#options.name,
        status: `${Math.floor(response.statusCode / 100)}xx`,
      }),
    )
    try {
      await withTrace(traceOf(incoming), () => observed(of, () => this.#route(incoming, response)))
    } catch (error) {
      this.#options.log.error({ error: describe(error), path: pathOf(incoming) }, 'edge could not answer')
      const passing = isAshlarError(error) && error.retryable
      refuse(response, passing ? 503 : 502, passing ? { 'retry-after': '1' } : {})
    }
  }

  async #route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { trustedHops, s3, routes } = this.#options
    const asked = readAsked(incoming, response, { trustedHops, s3: s3 !== undefined })
    if (!asked) return
    const { path, client, id } = asked
    if (s3 && path.startsWith('/s3/')) return s3(incoming, response)
    const method = incoming.method ?? ''
    const route = matchRoute(routes, siteOf(client.host), method, path) as LiveRoute | undefined
    if (!route) return refuse(response, 404)
    response.setHeader('x-request-id', id)
    if (Number(incoming.headers['content-length'] ?? 0) > route.maxBodyBytes) return refuse(response, 413)
    const entered = await enter(route, asked)
    if (entered === 'refused' || this.#fromCache(route, asked)) return
    await pass(route, asked, entered.subject)
  }

  #fromCache({ cache, target }: LiveRoute, asked: Asked): boolean {
    const key = cache && cacheKey(asked, 'bucket' in target)
    if (!cache || key === undefined) return false
    const entry = cache.get(key)
    count('ashlar_edge_cache_total', 'Look-ups in the edge cache', {
      edge: this.#options.name,
      outcome: entry ? 'hit' : 'miss',
    })
    if (entry) sendEntry(entry, asked)
    return entry !== undefined
  }
}

/** Without the query, which may hold secrets. */
function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split('?', 1)[0]
}

/** Guard, then limit: by subject where somebody was recognised, else by address. */
async function enter({ guard, limit, strangers }: LiveRoute, asked: Asked): Promise<Entered> {
  const { incoming, response, client } = asked
  const waits = guard && strangers?.waits(client.address)
  if (waits) return refused(response, 429, waits)
  const checked = (await guard?.(incoming, client)) ?? { subject: undefined }
  if ('refused' in checked) {
    const over = await strangers?.refused(client.address)
    return over
      ? refused(response, 429, over)
      : refused(response, checked.refused, { 'www-authenticate': checked.challenge })
  }
  const { subject } = checked
  const decision = await limit?.take(subject === undefined ? `address:${client.address}` : `subject:${subject}`)
  if (decision && !decision.allowed) return refused(response, 429, decision.headers)
  for (const [name, value] of Object.entries(decision?.headers ?? {})) response.setHeader(name, value)
  return { subject }
}

/** The caller's trace, which this request continues. */
function traceOf({ headers: { traceparent, tracestate } }: IncomingMessage): Record<string, string> {
  if (typeof traceparent !== 'string') return {}
  return { traceparent, ...(typeof tracestate === 'string' ? { tracestate } : {}) }
}

function refused(response: ServerResponse, status: number, headers: Record<string, string>): 'refused' {
  refuse(response, status, headers)
  return 'refused'
}

async function pass(route: LiveRoute, asked: Asked, subject: string | undefined): Promise<void> {
  const { incoming, response, target, path, client, id } = asked
  const upstreamPath = (route.route.strip ?? 'bucket' in route.target) ? withoutPrefix(path, route) : path
  if ('bucket' in route.target) return passObject(route, route.target.bucket, upstreamPath, asked)
  const { cache } = route
  const key = cache && cacheKey(asked, false)
  await forward({
    incoming,
    response,
    upstream: route.target.upstream,
    path: upstreamPath + target.slice(path.length),
    headers: requestHeaders(incoming, {
      clientAddress: client.address,
      proto: client.proto,
      host: client.host,
      requestId: id,
      subject,
      trace: traceHeaders(),
    }),
    timeoutMs: route.timeoutMs,
    maxBodyBytes: route.maxBodyBytes,
    heldBytes: key === undefined ? undefined : route.cacheEntryBytes,
    ...(key === undefined ? {} : { onWhole: (...whole) => keep(cache!, key, ...whole) }),
  })
}

async function passObject(route: LiveRoute, bucket: ObjectStore, path: string, asked: Asked): Promise<void> {
  const { incoming, response } = asked
  const object = decodeURIComponent(path.slice(1))
  const key = route.cache && cacheKey(asked, true)
  const found = key === undefined ? undefined : await bucket.head(object)
  if (key === undefined || !found || found.size > route.cacheEntryBytes)
    return serveObject(bucket, object, incoming, response, route.cache !== undefined)
  const entry = await wholeObject(bucket, object)
  if (!entry) return refuse(response, 404)
  route.cache!.set(key, entry)
  sendEntry(entry, asked)
}
