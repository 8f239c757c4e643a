import { wrap, type Health, type Log, type Stats } from '../../block.ts'
import { Breaker } from '../../breaker.ts'
import { withinMs } from '../../deadline.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe, invalid, type Code } from '../../errors.ts'
import { Gather } from '../../gather.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import { LocalBuckets } from './bucket.ts'
import type { Bucket, LimiterDriver, Take, Taken } from './driver.ts'
import { headersOf, policyHeader } from './headers.ts'
import type { Decision, Limiter } from './limiter.ts'

/** Checked options. */
export interface LimiterSettings {
  bucket: Bucket
  failure: 'open' | 'closed' | 'local'
  deadlineMs: number
}

const maxKeyLength = 65_536
const maxWaiting = 20_000
const maxLocalKeys = 100_000
const resetMs = 5_000
const healthMs = 1_500
/** A refusal without an engine says: not yet, ask again in a second. */
const closedRetryMs = 1_000
/** No user's key by accident: `reset` of it is the cheapest question that also proves that writing works. */
const healthKey = '\0health'

interface Parts extends OpenedDriver<LimiterDriver> {
  name: string
  settings: LimiterSettings
  log: Log
}

/** The portable type: batching, deadline, failure policy, headers, telemetry. */
export class OpenLimiter implements Limiter {
  readonly kind = 'limiter'
  readonly name: string
  readonly driver: string
  readonly #driver: LimiterDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #settings: LimiterSettings
  readonly #log: Log
  readonly #policy: string
  readonly #breaker: Breaker
  readonly #takes: Gather<Take, Taken>
  readonly #local = new LocalBuckets(maxLocalKeys)
  readonly #dropGauge: () => void
  readonly #counts = { allowed: 0, refused: 0, degraded: 0 }
  #wasDegraded = false
  #closing: Promise<void> | undefined

  constructor({ name, driver, scheme, codeOf, settings, log }: Parts) {
    this.name = name
    this.driver = scheme
    this.#driver = driver
    this.#codeOf = codeOf
    this.#settings = settings
    this.#log = log
    this.#policy = policyHeader(settings.bucket)
    this.#breaker = new Breaker({ deadlineMs: settings.deadlineMs })
    this.#takes = new Gather((takes) => this.#breaker.ask(() => driver.take(settings.bucket, takes)), { maxWaiting })
    this.#dropGauge = gauge('ashlar_limiter_keys', 'Buckets that are not full', this.#labels(), async () =>
      this.#closing ? undefined : (await driver.stats()).keys,
    )
  }

  async take(key: string, cost = 1): Promise<Decision> {
    checkKey(key)
    this.#checkCost(cost)
    return this.#run('take', async () => {
      try {
        const taken = await withinMs(this.#takes.ask({ key, cost }), this.#settings.deadlineMs)
        return this.#decide(taken, false)
      } catch (error) {
        this.#noteDegraded(error)
        return this.#decide(this.#withoutEngine({ key, cost }), true)
      }
    })
  }

  async reset(key: string): Promise<void> {
    checkKey(key)
    await this.#run('reset', async () => {
      this.#local.reset(key)
      try {
        await withinMs(this.#driver.reset(key), resetMs)
      } catch (error) {
        throw wrap(error, { block: this.name, driver: this.driver, doing: 'reset' }, this.#codeOf)
      }
    })
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, detail: 'closed' }
    try {
      await withinMs(this.#driver.reset(healthKey), healthMs)
      return { ok: true }
    } catch (error) {
      return { ok: false, detail: `${describe(error)}; decided by failure: '${this.#settings.failure}'` }
    }
  }

  /** `keys` of the fleet; `allowed`, `refused` and `degraded` decisions of this process since it opened. */
  stats(): Promise<Stats> {
    return this.#run('stats', async () => {
      const { keys } = await withinMs(this.#driver.stats(), resetMs).catch((error: unknown) => {
        throw wrap(error, { block: this.name, driver: this.driver, doing: 'stats' }, this.#codeOf)
      })
      return { keys, ...this.#counts }
    })
  }

  close(): Promise<void> {
    this.#closing ??= Promise.resolve(this.#dropGauge()).then(() => this.#driver.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkCost(cost: number): void {
    const { capacity } = this.#settings.bucket
    if (Number.isSafeInteger(cost) && cost >= 1 && cost <= capacity) return
    throw invalid(
      `${this.name}: cost ${String(cost)} is out of range; a bucket holds ${capacity} tokens, so write a whole number of 1 to ${capacity} or raise burst`,
    )
  }

  #withoutEngine(take: Take): Taken {
    const { failure, bucket } = this.#settings
    if (failure === 'local') return this.#local.take(bucket, take)
    if (failure === 'open') return { allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 0 }
    return { allowed: false, remaining: 0, retryAfterMs: closedRetryMs, resetMs: closedRetryMs }
  }

  #decide(taken: Taken, degraded: boolean): Decision {
    const outcome = taken.allowed ? 'allowed' : 'refused'
    this.#counts[outcome]++
    if (degraded) this.#counts.degraded++
    else if (this.#wasDegraded) this.#noteRecovered()
    count('ashlar_limiter_decisions_total', 'Decisions of limiters', {
      ...this.#labels(),
      outcome,
      degraded: String(degraded),
    })
    return { ...taken, degraded, headers: headersOf(this.#policy, taken, !degraded) }
  }

  #noteDegraded(error: unknown): void {
    if (this.#wasDegraded) return
    this.#wasDegraded = true
    const fields = { block: this.name, driver: this.driver, failure: this.#settings.failure, error: describe(error) }
    this.#log.warn(fields, 'the limiter decides without its engine')
  }

  #noteRecovered(): void {
    this.#wasDegraded = false
    this.#log.info({ block: this.name, driver: this.driver }, 'the limiter has its engine again')
  }

  #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return observed({ kind: this.kind, block: this.name, driver: this.driver, operation }, async () => {
      if (this.#closing)
        throw new AshlarError('closed', `${this.name}: the limiter is closed`, {
          block: this.name,
          driver: this.driver,
        })
      return work()
    })
  }

  #labels() {
    return { block: this.name, driver: this.driver }
  }
}

function checkKey(key: unknown): void {
  if (typeof key === 'string' && key.length >= 1 && key.length <= maxKeyLength) return
  const what = typeof key === 'string' ? `a text of ${key.length} characters` : `a ${typeof key}`
  throw invalid(`limiter: key is ${what}; write a text of 1 to ${maxKeyLength} characters`)
}
