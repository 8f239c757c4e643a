import type { Block, BlockOptions } from '../../block.ts'
import type { Duration, Size } from '../../units.ts'

/**
 * What an app module exports by default: any Web-standard fetch handler. Hono is one. `request.signal` aborts when the client
 * leaves and when the app's timeout is over.
 */
export interface FetchHandler {
  fetch(request: Request): Response | Promise<Response>
}

export type AppModule = { default: FetchHandler }

export interface AppOptions extends BlockOptions {
  /** Processes that `ashlar dev` starts. 1 to 64, default 1. */
  instances?: number
  /** Address to listen on. Default '127.0.0.1'. With '0.0.0.0' or '::' the edge is told this machine's first outer address. */
  host?: string
  /** Default 0: any free port, found by the edge through discovery. */
  port?: number
  /** Largest request body. Default '10mb'; more is answered 413. */
  maxBody?: Size
  /** Longest time until the handler has an answer. 100ms to 1h, default '60s'; then 503, and `request.signal` aborts. */
  timeout?: Duration
  /** How long `close` waits for requests under way, after it has left discovery. Default '10s'. */
  drain?: Duration
}

/** One instance of the stateless app tier: a server in this process, registered in discovery. Opening it is serving. */
export interface App extends Block {
  readonly address: { host: string; port: number }
  /** Id under which discovery knows it. */
  readonly instance: string
}
