import { createMiddleware } from 'hono/factory'
import { Refusal } from './refusal.ts'

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

const own = URL.parse(process.env.ASHLAR_PUBLIC_URL ?? '')
/** Where the browser may send an upload: the bucket answers at the edge's own address. */
const bucketOrigin = own ? ` ${own.origin}` : ''

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'", // a photo's dominant colour is a style attribute
  "img-src 'self' data: blob:",
  "font-src 'self'",
  `connect-src 'self'${bucketOrigin}`,
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

/** Headers that keep a browser from being turned against its user. In development also which process answered. */
export const secureHeaders = createMiddleware(async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'private, no-cache')
  if (process.env.ASHLAR_DEV === '1') c.res.headers.set('x-instance', String(process.pid))
})

/** One site, one address: to a browser `localhost` and `127.0.0.1` are two, and cookies and upload links belong to one. */
export const oneAddress = createMiddleware(async (c, next) => {
  const asked = new URL(c.req.url)
  if (own && c.req.method === 'GET' && asked.hostname === 'localhost' && asked.host !== own.host)
    return c.redirect(own.origin + asked.pathname + asked.search, 307)
  return next()
})

/** Refuses what the page of another site makes a browser send. SameSite cookies do so too; this does not depend on them. */
export const sameOrigin = createMiddleware(async (c, next) => {
  if (!safe.has(c.req.method) && !isOwn(c.req.raw.headers))
    throw new Refusal(403, 'forbidden', 'This request came from another site.')
  await next()
})

/** Every browser of today names the site or at least the origin; a program that sends neither carries no one's cookies. */
export function isOwn(request: Headers): boolean {
  const site = request.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = request.get('origin')
  if (origin === null) return true
  return URL.canParse(origin) && new URL(origin).host === (request.get('x-forwarded-host') ?? request.get('host'))
}

/** A path of this site, whatever a link said: `//evil.example`, `/.//evil.example` and the like become the home page. */
export function safePath(path = '/'): string {
  const url = URL.parse(path, 'http://shutter.invalid')
  // What is left when dots are resolved must not begin with two slashes either: a browser would read a host there.
  const isOurs = path.startsWith('/') && url?.host === 'shutter.invalid' && !url.pathname.startsWith('//')
  return isOurs ? url.pathname + url.search : '/'
}
