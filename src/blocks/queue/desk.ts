import { refuseUnknown, type Health, type Stats } from '../../block.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError } from '../../errors.ts'
import { cached } from '../../lease/cached.ts'
import { healthOf } from '../../lease/health.ts'
import { Operations } from '../../lease/operations.ts'
import { count } from '../../telemetry.ts'
import { toCount } from '../../units.ts'
import type { DeadLetter, Jobs, QueueDriver } from './driver.ts'
import { checkId, checkIds, needs, progressText } from './options.ts'
import type { FoundJob } from './queue.ts'

export interface DeskSetup extends OpenedDriver<QueueDriver> {
  name: string
  /** @throws `closed` */
  refuseWhenClosed(): void
  /** After messages were canceled. */
  onCancel(): void
}

/** What operators ask of a queue: dead letters, messages by their ids, pause, health and figures. */
export class Desk {
  readonly #setup: DeskSetup
  readonly #driver: QueueDriver
  readonly #operations: Operations
  readonly #figures: () => Promise<Stats>

  constructor(setup: DeskSetup) {
    const { name, driver, scheme, codeOf } = setup
    this.#setup = setup
    this.#driver = driver
    this.#operations = new Operations('queue', name, scheme, codeOf)
    this.#figures = cached(1_000, () => figuresOf(driver))
  }

  dead(options: { limit?: number }): Promise<DeadLetter[]> {
    return this.#operations.run('dead', 'list dead letters', async () => {
      refuseUnknown('queue.dead', options, ['limit'])
      this.#refuseWithoutDeadLetters()
      return this.#driver.dead({ limit: toCount('limit', options.limit ?? 100, { min: 1, max: 10_000 }) })
    })
  }

  redrive(ids: readonly string[] | 'all'): Promise<number> {
    return this.#operations.run('redrive', 'redrive dead letters', async () => {
      this.#refuseWithoutDeadLetters()
      const redriven = await this.#driver.redrive(ids)
      count('ashlar_queue_redriven_total', 'Dead letters sent back', { block: this.#setup.name }, redriven)
      return redriven
    })
  }

  find(id: string): Promise<FoundJob | undefined> {
    return this.#operations.run('find', 'find a message', async () => {
      const found = await this.#jobs.find(checkId(id))
      if (!found) return undefined
      const { progress, ...rest } = found
      return { ...rest, progress: progress === undefined ? undefined : (JSON.parse(progress) as unknown) }
    })
  }

  cancel(ids: readonly string[]): Promise<number> {
    return this.#operations.run('cancel', 'cancel messages', async () => {
      const canceled = await this.#jobs.cancel(checkIds(ids))
      count('ashlar_queue_canceled_total', 'Messages canceled', { block: this.#setup.name }, canceled)
      if (canceled > 0) this.#setup.onCancel()
      return canceled
    })
  }

  progress(token: string, value: unknown): Promise<boolean> {
    return this.#operations.run('progress', 'tell progress', async () =>
      this.#jobs.progress(token, progressText(this.#setup.name, value)),
    )
  }

  setPaused(paused: boolean): Promise<void> {
    const operation = paused ? 'pause' : 'resume'
    return this.#operations.run(operation, operation, async () => {
      this.#setup.refuseWhenClosed()
      needs(this.#driver.capabilities, 'pause')
      await this.#driver.pausing!.set(paused)
    })
  }

  /** By a question that every engine answers fast, however long the queue is. */
  async health(): Promise<Health> {
    const { capabilities, pausing } = this.#driver
    const paused = pausing?.isPaused()
    const asked = paused ?? (capabilities.deadLetters ? this.#driver.dead({ limit: 1 }) : this.#figures())
    const health = await healthOf(asked, this.#driver.caution)
    return health.ok && (await paused) ? { ok: true, detail: 'paused: nothing is handed out until resume()' } : health
  }

  stats(): Promise<Stats> {
    return this.#operations.run('stats', 'read figures', async () => ({ ...(await this.#figures()) }))
  }

  /** Figures at most a second old, for gauges. */
  figures(): Promise<Stats> {
    return this.#figures()
  }

  get #jobs(): Jobs {
    this.#setup.refuseWhenClosed()
    needs(this.#driver.capabilities, 'jobs')
    return this.#driver.jobs!
  }

  #refuseWithoutDeadLetters(): void {
    if (this.#driver.capabilities.deadLetters) return
    const { name, scheme } = this.#setup
    const message = `queue '${name}': ${scheme}: cannot list dead letters; look at them with the engine's own tools`
    throw new AshlarError('unsupported', message)
  }
}

async function figuresOf(driver: QueueDriver): Promise<Stats> {
  const [stats, paused] = await Promise.all([driver.stats(), driver.pausing?.isPaused()])
  return { ...stats, ...(paused === undefined ? {} : { paused: paused ? 1 : 0 }) }
}
