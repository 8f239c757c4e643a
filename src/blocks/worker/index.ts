import { randomUUID } from 'node:crypto'
import { refuseUnknown, type Card, type Declaration, type Health, type OpenContext, type Stats } from '../../block.ts'
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
  #started: AsyncDisposable | undefined
  #closing: Promise<void> | undefined

  static async open(context: OpenContext, load: () => Promise<unknown>, drainMs: number): Promise<Worker> {
    const module = (await load()) as Partial<WorkerModule>
    if (typeof module.default !== 'function')
      throw invalid(
        `worker '${context.name}': its module must export default a function that starts its consumers; it exports ${Object.keys(module).join(', ') || 'nothing'}`,
      )
    const opened = new OpenWorker(context.name, drainMs)
    opened.#started = (await module.default(opened.#stop.signal)) ?? undefined
    return opened
  }

  private constructor(name: string, drainMs: number) {
    this.name = name
    this.instance = `${name}-${randomUUID().slice(0, 8)}`
    this.#drainMs = drainMs
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

  async #end(): Promise<void> {
    this.#stop.abort()
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#drainMs)))
    await Promise.race([this.#started?.[Symbol.asyncDispose](), limit]).finally(() => clearTimeout(timer))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
