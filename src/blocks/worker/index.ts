import { randomUUID } from 'node:crypto'
import {
  refuseUnknown,
  type Card,
  type Declaration,
  type Health,
  type Log,
  type OpenContext,
  type Stats,
} from '../../block.ts'
import { orAfter } from '../../deadline.ts'
import { invalid } from '../../errors.ts'
import { toCount, toMs } from '../../units.ts'
import type { Worker, WorkerModule, WorkerOptions } from './worker.ts'

export type * from './worker.ts'

const card: Card = {
  job: 'Does the slow part of the work in processes of its own, fed by queues, topics and streams.',
  reachFor:
    'When a request would have to wait for something slow or unreliable: resizing, e-mail, indexing, calls to others.',
  costs: 'The result comes later, and work may come twice: handlers must bear repetition.',
  alternative: 'Do it inside the request: simpler, as long as it is quick and may fail with it.',
}

/** Background work: `worker(() => import('./workers.ts'))`. The module's default export starts its consumers. */
export function worker(load: () => Promise<unknown>, options: WorkerOptions = {}): Declaration<Worker, WorkerOptions> {
  refuseUnknown('worker', options, ['instances', 'drain', 'because', 'expect'])
  toCount('worker instances', options.instances ?? 1, { min: 1, max: 64 })
  const drainMs = toMs('worker drain', options.drain ?? '10s', { max: 300_000 })
  return {
    kind: 'worker',
    card,
    options,
    schemes: ['local'],
    needs: [],
    open: (context) => OpenWorker.open(context, load, drainMs),
  }
}

class OpenWorker implements Worker {
  readonly kind = 'worker'
  readonly driver = 'local'
  readonly name: string
  readonly instance: string
  readonly #stop = new AbortController()
  readonly #drainMs: number
  readonly #log: Log
  #started: AsyncDisposable | undefined
  #closing: Promise<void> | undefined

  static async open(context: OpenContext, load: () => Promise<unknown>, drainMs: number): Promise<Worker> {
    const module = (await load()) as Partial<WorkerModule>
    if (typeof module.default !== 'function')
      throw invalid(
        `worker '${context.name}': its module must export default a function that starts its consumers; it exports ${Object.keys(module).join(', ') || 'nothing'}`,
      )
    const opened = new OpenWorker(context, drainMs)
    await opened.#start(module.default)
    return opened
  }

  private constructor({ name, log }: OpenContext, drainMs: number) {
    this.name = name
    this.instance = `${name}-${randomUUID().slice(0, 8)}`
    this.#drainMs = drainMs
    this.#log = log
  }

  /** What was started before a start failed is told to stop, too. */
  async #start(start: WorkerModule['default']): Promise<void> {
    try {
      const started = (await start(this.#stop.signal)) ?? undefined
      if (started !== undefined && typeof started[Symbol.asyncDispose] !== 'function')
        throw invalid(
          `worker '${this.name}': its function returned ${typeof started}, which cannot be closed; return nothing, or an object with [Symbol.asyncDispose]`,
        )
      this.#started = started
    } catch (error) {
      this.#stop.abort()
      throw error
    }
  }

  async health(): Promise<Health> {
    return this.#closing ? { ok: false, detail: 'draining' } : { ok: true }
  }

  async stats(): Promise<Stats> {
    return {}
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  /** @throws what the returned object's disposal threw within the time */
  async #end(): Promise<void> {
    this.#stop.abort()
    const ended = await orAfter(dispose(this.#started), this.#drainMs, () => 'late')
    if (ended === 'late')
      this.#log.warn({ worker: this.name, drainMs: this.#drainMs }, 'worker was still busy when its drain time ended')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function dispose(started: AsyncDisposable | undefined): Promise<void> {
  await started?.[Symbol.asyncDispose]()
}
