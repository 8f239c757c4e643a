import type { Block, BlockOptions } from '../../block.ts'
import type { Duration } from '../../units.ts'

/**
 * What a worker module exports by default: starts consumers. Blocks close their own consumers; what is returned is disposed too.
 * The signal aborts when the worker closes, or when this function fails.
 */
export type WorkerModule = {
  default: (signal: AbortSignal) => void | AsyncDisposable | Promise<void | AsyncDisposable>
}

export interface WorkerOptions extends BlockOptions {
  /** Processes that `ashlar dev` starts. 1 to 64, default 1. */
  instances?: number
  /** How long `close` waits for what the module returned. Default '10s'. */
  drain?: Duration
}

/** A process's share of background work. Opening it is working. */
export interface Worker extends Block {
  readonly instance: string
}
