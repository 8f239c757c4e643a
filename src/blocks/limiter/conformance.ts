import assert from 'node:assert/strict'
import { silent } from '../../block.ts'
import type { Case, Suite } from '../../conformance.ts'
import type { Code } from '../../errors.ts'
import type { Bucket, LimiterDriver } from './driver.ts'
import type { Limiter } from './limiter.ts'
import { OpenLimiter, type LimiterSettings } from './open.ts'

/** What a driver needs for the suite. */
export interface LimiterHarness {
  /**
   * One more driver on the same store, which is empty at first, as another process would open it; the harness closes it.
   * @param name of the block; default one and the same
   */
  driver(name?: string): Promise<LimiterDriver>
  codeOf(error: unknown): Code | undefined
}

const hour = 3_600_000
/** So slow that nothing comes in during a case. */
function still(capacity: number): Bucket {
  return { capacity, refillPerMs: 1 / hour }
}

async function handle(
  harness: LimiterHarness,
  bucket: Bucket,
  changes: Partial<LimiterSettings> = {},
): Promise<Limiter> {
  const settings = { bucket, failure: 'closed', deadlineMs: 5_000, ...changes } as const
  const codeOf = (error: unknown) => harness.codeOf(error)
  return new OpenLimiter({
    name: 'perUser',
    driver: await harness.driver(),
    scheme: 'tested',
    codeOf,
    settings,
    log: silent,
  })
}

function takes(key: string, ...costs: number[]) {
  return costs.map((cost) => ({ key, cost }))
}

const cases: Case<LimiterHarness>[] = [
  {
    name: 'a new bucket is full, gives what it holds and then says when to come back',
    async run(harness) {
      const limiter = await handle(harness, still(3))
      const answers = [
        await limiter.take('a'),
        await limiter.take('a'),
        await limiter.take('a'),
        await limiter.take('a'),
      ]
      assert.deepEqual(
        answers.map(({ allowed }) => allowed),
        [true, true, true, false],
      )
      assert.deepEqual(
        answers.map(({ remaining }) => remaining),
        [2, 1, 0, 0],
      )
      assert.deepEqual(
        answers.map(({ degraded }) => degraded),
        [false, false, false, false],
      )
      const refused = answers[3]!
      assert.ok(refused.retryAfterMs > hour * 0.99 && refused.retryAfterMs <= hour, `${refused.retryAfterMs}`)
      assert.ok(refused.resetMs > 3 * hour * 0.99 && refused.resetMs <= 3 * hour, `${refused.resetMs}`)
      assert.equal(answers[0]!.retryAfterMs, 0)
    },
  },
  {
    name: 'never gives more than it holds: 4 processes, 50 at once each, 5 tokens, exactly 5 pass',
    async run(harness) {
      const handles = await Promise.all([1, 2, 3, 4].map(() => handle(harness, still(5))))
      const all = await Promise.all(handles.flatMap((each) => Array.from({ length: 50 }, () => each.take('a'))))
      assert.equal(all.filter(({ allowed }) => allowed).length, 5)
      assert.ok(all.every(({ degraded }) => !degraded))
    },
  },
  {
    name: 'many keys from many processes at once: none over its limit, none under it, no deadlock',
    async run(harness) {
      const handles = await Promise.all([1, 2, 3, 4].map(() => handle(harness, still(7))))
      const keys = Array.from({ length: 40 }, (_, i) => `key${i}`)
      const passed = new Map<string, number>()
      const rounds = handles.flatMap((each, i) => {
        const order = i % 2 ? keys : keys.toReversed()
        return [0, 1, 2, 3].flatMap(() => order.map(async (key) => [key, await each.take(key)] as const))
      })
      for (const [key, { allowed, degraded }] of await Promise.all(rounds)) {
        assert.equal(degraded, false)
        if (allowed) passed.set(key, (passed.get(key) ?? 0) + 1)
      }
      assert.deepEqual(
        keys.map((key) => passed.get(key)),
        keys.map(() => 7),
      )
    },
  },
  {
    name: 'several takes in one call are decided in order, each by what is left',
    async run(harness) {
      const driver = await harness.driver()
      const answers = await driver.take(still(10), [...takes('a', 4, 4), ...takes('b', 10), ...takes('a', 4, 2, 1)])
      assert.deepEqual(
        answers.map(({ allowed }) => allowed),
        [true, true, true, false, true, false],
      )
      assert.deepEqual(
        answers.map(({ remaining }) => remaining),
        [6, 2, 0, 2, 0, 0],
      )
    },
  },
  {
    name: 'a refused take takes nothing',
    async run(harness) {
      const limiter = await handle(harness, still(5))
      await limiter.take('a', 3)
      for (let i = 0; i < 5; i++) assert.equal((await limiter.take('a', 3)).allowed, false)
      assert.equal((await limiter.take('a', 2)).allowed, true)
    },
  },
  {
    name: 'tokens come back at the rate, and after retryAfterMs the take passes',
    async run(harness) {
      const driver = await harness.driver()
      const bucket = { capacity: 2, refillPerMs: 1 / 50 }
      const [, , refused] = await driver.take(bucket, takes('a', 1, 1, 1))
      assert.ok(refused!.retryAfterMs > 0 && refused!.retryAfterMs <= 50, `${refused!.retryAfterMs}`)
      const started = performance.now()
      await new Promise((next) => setTimeout(next, refused!.retryAfterMs + 1))
      assert.equal((await driver.take(bucket, takes('a', 1)))[0]!.allowed, true)
      let passed = 3
      while (performance.now() - started < 400) passed += (await driver.take(bucket, takes('a', 1)))[0]!.allowed ? 1 : 0
      const ceiling = 2 + Math.ceil((performance.now() - started + refused!.retryAfterMs) / 50) + 1
      assert.ok(passed <= ceiling, `${passed} passed, at most ${ceiling} tokens were there`)
    },
  },
  {
    name: 'a bucket never holds more than its capacity, however long it is left alone',
    async run(harness) {
      const driver = await harness.driver()
      const bucket = { capacity: 3, refillPerMs: 1 / 20 }
      await driver.take(bucket, takes('a', 3))
      await new Promise((next) => setTimeout(next, 200)) // time for 10 tokens
      const answers = await driver.take(bucket, takes('a', 1, 1, 1, 1, 1))
      assert.equal(answers.filter(({ allowed }) => allowed).length, 3)
    },
  },
  {
    name: 'keys are apart, long and odd ones too, and so are blocks of other names',
    async run(harness) {
      const [mine, theirs] = [await harness.driver('mine'), await harness.driver('theirs')]
      const long = 'x'.repeat(10_000)
      const keys = [
        'a',
        'A',
        'a ',
        ' a',
        '\0',
        '\ud800',
        '\ud801',
        'ä',
        'a\u0308',
        '😀',
        `${long}1`,
        `${long}2`,
        'sha256:a',
        "'",
      ]
      const first = await mine.take(
        still(1),
        keys.map((key) => ({ key, cost: 1 })),
      )
      assert.deepEqual(
        first.map(({ allowed }) => allowed),
        keys.map(() => true),
      )
      const second = await mine.take(
        still(1),
        keys.map((key) => ({ key, cost: 1 })),
      )
      assert.deepEqual(
        second.map(({ allowed }) => allowed),
        keys.map(() => false),
      )
      assert.equal((await theirs.take(still(1), takes('a', 1)))[0]!.allowed, true)
    },
  },
  {
    name: 'reset fills one bucket, for every process',
    async run(harness) {
      const [here, there] = [await handle(harness, still(1)), await handle(harness, still(1))]
      await here.take('a')
      await here.take('b')
      await there.reset('a')
      assert.equal((await here.take('a')).allowed, true)
      assert.equal((await here.take('b')).allowed, false)
    },
  },
  {
    name: 'counts the buckets that are not full',
    async run(harness) {
      const driver = await harness.driver()
      await driver.take(still(5), [...takes('a', 1), ...takes('b', 2), ...takes('c', 1)])
      assert.equal((await driver.stats()).keys, 3)
      await driver.reset('a')
      assert.equal((await driver.stats()).keys, 2)
    },
  },
  {
    name: 'a call of 1000 takes of as many keys is one decision each',
    async run(harness) {
      const driver = await harness.driver()
      const many = Array.from({ length: 1000 }, (_, i) => ({ key: `key${i}`, cost: 1 + (i % 3) }))
      const answers = await driver.take(still(3), many)
      assert.deepEqual(
        answers.map(({ remaining }) => remaining),
        many.map(({ cost }) => 3 - cost),
      )
    },
  },
]

/** What `limiter` promises, whatever stands behind it. */
export const limiterSuite: Suite<LimiterHarness> = { block: 'limiter', cases }
