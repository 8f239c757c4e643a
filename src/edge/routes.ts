import { invalid } from '../errors.ts'
import { toBytes, toMs } from '../units.ts'
import type { Route } from './config.ts'

/** A route ready for matching, with its options read. */
export interface ReadyRoute {
  readonly route: Route
  /** The path without `*`. */
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
  // The longest prefix first; an exact path before a prefix of the same length; a named host before any host.
  return ready.sort(
    (a, b) =>
      b.prefix.length - a.prefix.length ||
      Number(b.exact) - Number(a.exact) ||
      Number(b.route.host !== undefined) - Number(a.route.host !== undefined),
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
  return {
    route,
    prefix: route.path.replace(/\*$/, ''),
    exact: !route.path.endsWith('*'),
    maxBodyBytes: toBytes(`${at} maxBody`, route.maxBody ?? '10mb'),
    timeoutMs: toMs(`${at} timeout`, route.timeout ?? '30s', { min: 10, max: 3_600_000 }),
    cacheBytes: toBytes(`${at} cache.maxBytes`, route.cache?.maxBytes ?? '64mb'),
    cacheEntryBytes: toBytes(`${at} cache.maxEntry`, route.cache?.maxEntry ?? '4mb'),
  }
}

/** The route for a request, `undefined` when none fits. `path` is without the query. */
export function matchRoute(
  routes: readonly ReadyRoute[],
  host: string,
  method: string,
  path: string,
): ReadyRoute | undefined {
  return routes.find(({ route, prefix, exact }) => {
    if (route.host !== undefined && route.host.toLowerCase() !== host) return false
    if (route.methods && !route.methods.includes(method)) return false
    return exact ? path === prefix : path.startsWith(prefix) || path + '/' === prefix
  })
}

/**
 * The path of a request target in origin form, or `undefined` for one that two parsers could read differently: no leading
 * slash, a broken or a meaning-changing escape (`%2F`, `%5C`, `%00`, an escaped dot), a dot segment, a backslash, control bytes.
 */
export function safePath(target: string): string | undefined {
  const path = target.split('?', 1)[0]!
  if (!path.startsWith('/') || /[\u0000-\u0020\u007f\\#]/.test(target)) return undefined
  if (/%(?![0-9a-f]{2})|%(2f|5c|00|2e)/i.test(path) || /(^|\/)\.{1,2}(\/|$)/.test(path)) return undefined
  try {
    decodeURIComponent(path)
    return path
  } catch {
    return undefined
  }
}
