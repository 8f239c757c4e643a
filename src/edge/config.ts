import type { BlockOptions } from '../block.ts'
import type { Duration, Size } from '../units.ts'

export type Balance = 'round-robin' | 'least-connections'

/** Checks a JWT before a request passes. Claims reach the app as `x-ashlar-subject`; the client's own copy of that header is dropped. */
export interface JwtAuth {
  kind: 'jwt'
  /** Key set by URL (fetched, cached, rotated), or as given. */
  jwks: string | { keys: object[] }
  issuer?: string
  audience?: string
  /** Every one of these scopes is needed. */
  scopes?: readonly string[]
}

/** Asks the sessions block; the user reaches the app as `x-ashlar-subject`. */
export interface SessionAuth {
  kind: 'session'
  /** Name of the sessions block. */
  sessions: string
  /** 'required' (default): 401 without one. 'optional': pass as a stranger. */
  need?: 'required' | 'optional'
}

export interface RouteCache {
  /** Keep for ever what the origin calls immutable (`Cache-Control: immutable`, or any 200 under a versioned path). */
  immutable?: boolean
  /** Memory for this route's entries. Default '64mb'. */
  maxBytes?: Size
  /** Larger bodies are not kept. Default '4mb'. */
  maxEntry?: Size
}

export interface Route {
  /** Exact (`/about`) or a prefix (`/img/*`). The longest match wins, whatever the order. */
  path: string
  /** Only for these hosts. Default: any. */
  host?: string
  methods?: readonly string[]
  /** Name of an app or bucket block. */
  to: string
  /** Cut the prefix before it reaches the upstream. Default: true for a bucket, false for an app. */
  strip?: boolean
  balance?: Balance
  auth?: JwtAuth | SessionAuth
  /** Name of a limiter block; counted by subject, else by client address. */
  limit?: string
  cache?: RouteCache
  /** Largest request body, counted, chunked or not: 413. Default '10mb'. */
  maxBody?: Size
  /** Until the upstream's answer begins. Default '30s'; then 504. */
  timeout?: Duration
}

export interface EdgeOptions extends BlockOptions {
  /** Port on 127.0.0.1, or 'host:port'. When taken: the next free one in `dev`, an error otherwise. */
  listen: number | `${string}:${number}`
  routes: readonly Route[]
  /** Proxies in front of this edge whose X-Forwarded-For is believed, counted from the right. Default 0: the client's is dropped. */
  trustedHops?: number
  /** Mount the S3 endpoint of bucket blocks that serve themselves, at /s3/. Default true when a route leads to such a bucket. */
  s3?: boolean
  drain?: Duration
}
