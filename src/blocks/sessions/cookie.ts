import { invalid } from '../../errors.ts'

/** How the session cookie is written and read. */
export interface CookieStyle {
  name: string
  sameSite: 'lax' | 'strict' | 'none'
  /** The browser forgets it after so long. The store decides; this only bounds how long a dead cookie is sent. */
  maxAgeMs: number
}

/** RFC 6265 section 6.1: browsers must take a cookie of so many bytes, attributes included, and may drop a larger one without a word. */
const maxBytes = 4096
/** Browsers cut longer lives to 400 days (RFC 6265bis). */
const maxAgeSeconds = 400 * 86_400
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** @throws `invalid_argument` when the name is not a token of RFC 6265 or carries a prefix that Ashlar sets itself */
export function checkCookieName(name: string): string {
  if (typeof name !== 'string' || !token.test(name))
    throw invalid(
      `sessions: cookie '${name}' is not a cookie name; write letters, digits and !#$%&'*+-.^_\`|~, 1 or more of them`,
    )
  if (/^__(host|secure)-/i.test(name))
    throw invalid(
      `sessions: cookie '${name}' must not start with __Host- or __Secure-; __Host- is put in front of it over https`,
    )
  return name
}

/**
 * The `Set-Cookie` value that hands out `value`, or takes the cookie back when it is `undefined`.
 * @throws `invalid_argument` over 4096 bytes, naming the size; for `SameSite=None` over plain http, which browsers drop
 */
export function writeCookie(style: CookieStyle, value: string | undefined, secure: boolean): string {
  if (style.sameSite === 'none' && !secure)
    throw invalid("sessions: browsers drop a cookie with sameSite 'none' over http; serve it over https or use 'lax'")
  const seconds = value === undefined ? 0 : Math.min(maxAgeSeconds, Math.max(1, Math.floor(style.maxAgeMs / 1000)))
  const parts = [
    `${fullName(style, secure)}=${value ?? ''}`,
    `Max-Age=${seconds}`,
    'Path=/',
    'HttpOnly',
    `SameSite=${style.sameSite[0]!.toUpperCase()}${style.sameSite.slice(1)}`,
    ...(secure ? ['Secure'] : []),
  ]
  return withinSize(parts.join('; '))
}

function withinSize(cookie: string): string {
  const bytes = Buffer.byteLength(cookie)
  if (bytes <= maxBytes) return cookie
  throw invalid(`sessions: the cookie is ${bytes} bytes long; browsers keep at most ${maxBytes}: shorten its name`)
}

/**
 * The value of the session cookie in a `Cookie` header (RFC 6265 section 4.2.1, read strictly). Over https only the `__Host-`
 * cookie counts, which no neighbour domain and no plain-http page can set. Two different values are an attack or a mistake: none counts.
 */
export function readCookie(style: CookieStyle, header: string | null, secure: boolean): string | undefined {
  if (!header) return undefined
  const name = fullName(style, secure)
  const values = new Set<string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && trim(pair.slice(0, at)) === name) values.add(trim(pair.slice(at + 1)))
  }
  return values.size === 1 ? values.values().next().value : undefined
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

function fullName({ name }: CookieStyle, secure: boolean): string {
  return secure ? `__Host-${name}` : name
}

/** Whether the client spoke https: by the request's own URL, or by `X-Forwarded-Proto`, which the edge sets (and strips from clients). */
export function isSecure(request: Request): boolean {
  if (request.url.startsWith('https:')) return true
  const proto = request.headers.get('x-forwarded-proto')?.split(',')[0]
  return proto !== undefined && trim(proto).toLowerCase() === 'https'
}
