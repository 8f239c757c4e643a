import type { BlockOptions } from '../block.ts'
import type { Duration, Size } from '../units.ts'

/** Which of the healthy instances gets a request: each in turn, or the one with the fewest requests under way. */
export type Balance = 'round-robin' | 'least-connections'

/**
 * Checks a JWT before a request passes. Its `sub` reaches the app as `x-ashlar-subject` (what a header cannot carry is
 * percent-encoded: read it with `decodeURIComponent`); the client's own copy of that header is dropped.
 */
export interface JwtAuth {
  kind: 'jwt'
  /**
   * Key set by URL, or as given. By URL it is fetched at first use, again after 10 min, and early for a token with an unknown key id, though
   * never twice within 10 s; when its server is down the last known keys stay. Without any keys yet requests are answered 503.
   */
  jwks: string | { keys: object[] }
  /** What `iss` must say. Default: not looked at. */
  issuer?: string
  /** What `aud` must say, or name among others. Default: not looked at. */
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

/** What of a route the edge keeps in memory and answers by itself. */
export interface RouteCache {
  /** Keep what the origin calls immutable (`Cache-Control: max-age=…, immutable`) as long as it says. Objects of a bucket are then sent as immutable. */
  immutable: true
  /** Memory for this route's entries. Default '64mb'. */
  maxBytes?: Size
  /** Larger bodies are not kept. Default '4mb'. */
  maxEntry?: Size
}

/** Which requests go where, and what is asked of them first. */
export interface Route {
  /** Exact (`/about`) or a prefix (`/img/*`). The longest match wins, whatever the order. */
  path: string
  /** Only for these hosts. Default: any. */
  host?: string
  /** Only these methods, in capitals; GET takes HEAD along. Default: any. */
  methods?: readonly string[]
  /** Name of an app or bucket block. */
  to: string
  /** Cut the prefix before it reaches the upstream. Default: true for a bucket, false for an app. */
  strip?: boolean
  /** Default 'round-robin'. */
  balance?: Balance
  auth?: JwtAuth | SessionAuth
  /**
   * Name of a limiter block; counted by subject, else by client address. Requests that the guard refuses count against their address; once
   * that is used up, the address is answered 429 without a look at what it presents.
   */
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
  /** No two for the same path, host and methods. */
  routes: readonly Route[]
  /**
   * Proxies in front of this edge, 0 to 16. Their X-Forwarded-For, -Proto and -Host are believed, counted from the right: each of them must set
   * or remove all three, or a client could write them. Default 0: a client's own are dropped.
   */
  trustedHops?: number
  /** Mount the S3 endpoint of bucket blocks that serve themselves, at /s3/. Default true when a route leads to such a bucket. */
  s3?: boolean
  /** When it closes, requests under way may end within this. 0 to 5m, default '10s'. */
  drain?: Duration
}
