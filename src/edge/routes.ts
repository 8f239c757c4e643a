import { refuseUnknown } from '../block.ts'
import { invalid } from '../errors.ts'
import { toBytes, toMs } from '../units.ts'
import type { Route } from './config.ts'

/** A route ready for matching, with its options read. */
export interface ReadyRoute {
  readonly route: Route
  /** The path without `*`, decoded. */
  readonly prefix: string
  readonly exact: boolean
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  readonly cacheBytes: number
  readonly cacheEntryBytes: number
}

const known = ['path', 'host', 'methods', 'to', 'strip', 'balance', 'auth', 'limit', 'cache', 'maxBody', 'timeout']

/** Reads and checks routes. @throws `invalid_argument` naming the route and the option */
export function readyRoutes(routes: readonly Route[]): ReadyRoute[] {
  const ready = routes.map(readyRoute)
  ready.forEach((each, index) => {
    const twin = ready.findIndex((other) => keyOf(other.route) === keyOf(each.route))
    if (twin !== index) throw invalid(`edge: the route ${keyOf(each.route)} is there twice; remove one`)
  })
  // The longest prefix first; an exact path before a prefix of the same length; a named host before any host, named methods before any.
  return ready.sort(
    (a, b) =>
      b.prefix.length - a.prefix.length ||
      Number(b.exact) - Number(a.exact) ||
      Number(b.route.host !== undefined) - Number(a.route.host !== undefined) ||
      Number(b.route.methods !== undefined) - Number(a.route.methods !== undefined),
  )
}

function keyOf({ path, host, methods }: Route): string {
  return `${methods ? methods.join('|') + ' ' : ''}${host ?? ''}${path}`
}

function readyRoute(route: Route): ReadyRoute {
  const at = `edge route '${route.path}'`
  for (const name of Object.keys(route))
    if (!known.includes(name)) throw invalid(`${at}: option '${name}' is not known; known are ${known.join(', ')}`)
  if (!/^\/[^*?#]*\*?$/.test(route.path) || !/(^|\/)\*$|^[^*]*$/.test(route.path))
    throw invalid(`${at}: a path starts with / and may end with /*, such as '/about' or '/img/*'`)
  if (typeof route.to !== 'string' || route.to === '') throw invalid(`${at}: to must name an app or bucket block`)
  if (route.balance && !['round-robin', 'least-connections'].includes(route.balance))
    throw invalid(`${at}: balance '${route.balance}' is not known; known are round-robin, least-connections`)
  const odd = route.methods?.find((method) => !/^[A-Z]+$/.test(method))
  if (odd !== undefined) throw invalid(`${at}: method '${odd}' is not valid; write methods in capitals, such as 'GET'`)
  if (route.cache) {
    refuseUnknown(`${at} cache`, route.cache, ['immutable', 'maxBytes', 'maxEntry'])
    if (!route.cache.immutable)
      throw invalid(`${at}: only immutable answers can be cached; write cache: { immutable: true }, or leave it out`)
  }
  return {
    route,
    prefix: decoded(at, route.path.replace(/\*$/, '')),
    exact: !route.path.endsWith('*'),
    maxBodyBytes: toBytes(`${at} maxBody`, route.maxBody ?? '10mb'),
    timeoutMs: toMs(`${at} timeout`, route.timeout ?? '30s', { min: 10, max: 3_600_000 }),
    cacheBytes: toBytes(`${at} cache.maxBytes`, route.cache?.maxBytes ?? '64mb'),
    cacheEntryBytes: toBytes(`${at} cache.maxEntry`, route.cache?.maxEntry ?? '4mb'),
  }
}

function decoded(at: string, path: string): string {
  const escaped = path.replace(/[^\u0021-\u007e]+/gu, encodeURIComponent)
  if (safePath(escaped) === undefined)
    throw invalid(
      `${at}: the edge refuses requests for it: a dot segment, a backslash, or an escape that is broken or hides a slash or dot`,
    )
  return decodeURIComponent(escaped)
}

/**
 * The route for a request, `undefined` when none fits. `path` is without the query; it is compared decoded, as an app would
 * read it: `/%61dmin` is `/admin`. A route for GET also takes HEAD.
 */
export function matchRoute(
  routes: readonly ReadyRoute[],
  host: string,
  method: string,
  path: string,
): ReadyRoute | undefined {
  const read = decodeURIComponent(path)
  return routes.find(({ route, prefix, exact }) => {
    if (route.host !== undefined && route.host.toLowerCase() !== host) return false
    if (route.methods && !takes(route.methods, method)) return false
    return exact ? read === prefix : read.startsWith(prefix) || read + '/' === prefix
  })
}

function takes(methods: readonly string[], method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

/** The path without a route's prefix, still encoded. An escape never hides a slash, so segments can be counted. */
export function withoutPrefix(path: string, { prefix, exact }: ReadyRoute): string {
  if (exact) return '/'
  return `/${path
    .split('/')
    .slice(prefix.split('/').length - 1)
    .join('/')}`
}

/**
 * The request target in origin form, from origin or absolute form (whose authority must then be the Host, RFC 9112 §3.2.2);
 * `undefined` for one that two parsers could read differently.
 */
export function originForm(target: string, host: string | undefined): string | undefined {
  if (target.startsWith('/')) return target
  const [, authority, rest] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  if (rest === undefined || authority?.toLowerCase() !== host?.toLowerCase()) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * The path of a target in origin form, or `undefined` for one that two parsers could read differently: no leading slash, a
 * broken or a meaning-changing escape (`%2F`, `%5C`, `%00`, an escaped dot), a dot segment, a backslash, what is not ASCII.
 */
export function safePath(target: string): string | undefined {
  const path = target.split('?', 1)[0]!
  if (!path.startsWith('/') || /[^\u0021-\u007e]|[\\#]/.test(target)) return undefined
  if (/%(?![0-9a-f]{2})|%(2f|5c|00|2e)/i.test(path) || /(^|\/)\.{1,2}(\/|$)/.test(path)) return undefined
  try {
    decodeURIComponent(path)
    return path
  } catch {
    return undefined
  }
}
