import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import { isAshlarError } from '../../../errors.ts'
import type { Job } from '../queue.ts'
import { longMs, message, never, one, shortMs, take, values, wait, type QueueHarness } from './harness.ts'
import { gate, open, refusedWith } from './opening.ts'

const finding: Case<QueueHarness>[] = [
  {
    name: 'a message is found by its id until it is done, with its state, deliveries and progress',
    needs: 'jobs',
    async run(harness) {
      const [driver, other] = [await harness.driver(), await harness.driver()]
      const [id, late] = await driver.send([message('job'), message('late', { delayMs: longMs })])
      const find = async (each: string) => {
        const found = await other.jobs!.find(each)
        assert.ok(found && Math.abs(found.sentAt.getTime() - Date.now()) < longMs)
        return [found.id, found.state, found.attempt, found.progress]
      }
      assert.deepEqual(await find(id!), [id, 'ready', 0, undefined])
      assert.deepEqual(await find(late!), [late, 'delayed', 0, undefined])
      const { token } = await one(driver)
      assert.equal(await driver.jobs!.progress(token, '{"done":0.5}'), true)
      assert.deepEqual(await find(id!), [id, 'leased', 1, '{"done":0.5}'])
      await driver.settle([{ token, outcome: 'retry', delayMs: longMs, error: 'x' }])
      assert.deepEqual(await find(id!), [id, 'delayed', 1, '{"done":0.5}'])
      assert.equal(await driver.jobs!.progress(token, '1'), false)
      for (const unknown of ['nobody', '999999999999', '-1', '1.5', 'a'.repeat(300)])
        assert.equal(await driver.jobs!.find(unknown), undefined, unknown)
    },
  },
  {
    name: 'a dead letter is found by its id, and again when it was redriven; what is done is not',
    needs: 'jobs',
    async run(harness) {
      const driver = await harness.driver()
      const [id] = await driver.send([message('job')])
      await driver.settle([{ token: (await one(driver)).token, outcome: 'dead', error: 'x' }])
      const dead = await driver.jobs!.find(id!)
      assert.deepEqual([dead!.state, dead!.attempt], ['dead', 1])
      await driver.redrive('all')
      assert.equal((await driver.jobs!.find(id!))!.state, 'ready')
      const again = await one(driver)
      assert.equal((await driver.jobs!.find(id!))!.state, 'leased')
      await driver.settle([{ token: again.token, outcome: 'done' }])
      assert.equal(await driver.jobs!.find(id!), undefined)
    },
  },
]

const canceling: Case<QueueHarness>[] = [
  {
    name: 'canceled messages are lent no more, whether they waited, were delayed, or were redriven; dead letters stay',
    needs: 'jobs',
    async run(harness) {
      const driver = await harness.driver()
      const [dead, redriven] = await driver.send([message('dead'), message('redriven')])
      await driver.settle((await wait(driver)).map(({ token }) => ({ token, outcome: 'dead', error: 'x' })))
      await driver.redrive([redriven!])
      const [first, late, last] = await driver.send([message(1), message(2, { delayMs: shortMs }), message(3)])
      assert.equal(await driver.jobs!.cancel([first!, late!, redriven!, dead!, first!, 'nobody', '999999999999']), 3)
      assert.equal(await driver.jobs!.cancel([first!]), 0)
      assert.equal(await driver.jobs!.find(first!), undefined)
      assert.deepEqual(
        (await take(driver)).map(({ id }) => id),
        [last],
      )
      assert.deepEqual(
        (await driver.dead({ limit: 10 })).map(({ id }) => id),
        [dead],
      )
      const { ready, delayed } = await driver.stats()
      assert.deepEqual([ready, delayed], [0, 0])
    },
  },
  {
    name: 'a canceled delivery holds its token no longer',
    needs: 'jobs',
    async run(harness) {
      const driver = await harness.driver()
      const [id] = await driver.send([message('job')])
      const { token } = await one(driver, shortMs)
      assert.equal(await driver.jobs!.cancel([id!]), 1)
      assert.deepEqual(await driver.extend([token], longMs), [false])
      assert.deepEqual(await driver.settle([{ token, outcome: 'retry', delayMs: 0, error: 'x' }]), [false])
      assert.deepEqual(await driver.receive({ max: 1, leaseMs: longMs, waitMs: 2 * shortMs, signal: never }), [])
    },
  },
  {
    name: 'when the first or a later message of a key is canceled, the others of the key run on',
    needs: 'jobs',
    async run(harness) {
      const driver = await harness.driver()
      const ids = await driver.send([1, 2, 3].map((n) => message(n, { key: 'k' })))
      assert.equal(await driver.jobs!.cancel([ids[1]!]), 1)
      assert.equal(await driver.jobs!.cancel([ids[0]!]), 1)
      assert.deepEqual(values(await wait(driver)), [3])
    },
  },
  {
    name: 'cancel aborts the signal of a running handler, and its result does not count',
    needs: 'jobs',
    async run(harness) {
      await using queue = await open<string>(harness, { visibility: '12h' })
      const jobs: Job<string>[] = []
      const finish = gate()
      queue.work(async (job) => {
        jobs.push(job)
        assert.equal(await job.progress({ step: 1 }), true)
        await finish.opened
        throw new Error('its result')
      })
      const id = await queue.send('a')
      await until('it told its progress', async () => (await queue.find(id))?.progress !== undefined)
      assert.deepEqual((await queue.find(id))!.progress, { step: 1 })
      assert.equal(await queue.cancel([id]), 1)
      await until('its signal aborts', () => jobs[0]!.signal.aborted)
      assert.ok(isAshlarError(jobs[0]!.signal.reason, 'conflict'))
      assert.equal(await jobs[0]!.progress('late'), false)
      finish.open()
      await queue.send('b')
      await until('the next one runs', () => jobs.length === 2)
      assert.equal(await queue.find(id), undefined)
    },
  },
]

const pausing: Case<QueueHarness>[] = [
  {
    name: 'a paused queue lends nothing to anybody, also to those who open it later, until it is resumed',
    needs: 'pause',
    async run(harness) {
      const [driver, other] = [await harness.driver(), await harness.driver()]
      await driver.send([message('running'), message('waiting')])
      const { token } = await one(driver)
      assert.equal(await driver.pausing!.isPaused(), false)
      await driver.pausing!.set(true)
      const late = await harness.driver()
      for (const each of [driver, other, late]) {
        assert.equal(await each.pausing!.isPaused(), true)
        assert.deepEqual(await take(each), [])
      }
      const waiting = wait(other)
      await driver.send([message('sent meanwhile')])
      assert.deepEqual(await driver.extend([token], longMs), [true])
      assert.deepEqual(await driver.settle([{ token, outcome: 'done' }]), [true])
      assert.deepEqual(await take(late), [])
      await late.pausing!.set(false)
      const lent = await waiting
      assert.equal(new Set(values([...lent, ...(await take(driver))])).size, 2)
    },
  },
  {
    name: 'while paused running handlers finish, stats and health tell it, and resume lets workers go on',
    needs: 'pause',
    async run(harness) {
      await using here = await open<number>(harness)
      await using there = await open<number>(harness)
      const seen: number[] = []
      const [started, finish] = [gate(), gate()]
      here.work(async ({ payload }) => {
        seen.push(payload)
        started.open()
        if (payload === 1) await finish.opened
      })
      await here.send(1)
      await started.opened
      await there.pause()
      await there.pause()
      await until('the stats tell it', async () => (await here.stats())['paused'] === 1)
      const { ok, detail } = await here.health()
      assert.deepEqual([ok, /paused/.test(detail!)], [true, true])
      await here.send(2)
      finish.open()
      await until('the first is settled', async () => (await here.stats())['leased'] === 0)
      assert.deepEqual(seen, [1])
      await there.resume()
      await until('the second is handled', () => seen.length === 2)
      await until('the stats tell it', async () => (await here.stats())['paused'] === 0)
      assert.deepEqual(await here.health(), { ok: true })
    },
  },
]

const refusing: Case<QueueHarness>[] = [
  {
    name: 'bad ids and a progress that is too large or no JSON are refused',
    needs: 'jobs',
    async run(harness) {
      await using queue = await open<number>(harness)
      const refused = refusedWith('invalid_argument')
      for (const id of ['', 'a'.repeat(257), 7 as unknown as string]) await assert.rejects(queue.find(id), refused)
      await assert.rejects(queue.cancel('7' as unknown as string[]), refused)
      await assert.rejects(queue.cancel(Array.from({ length: 10_001 }, () => '1')), refused)
      assert.equal(await queue.cancel([]), 0)
      const errors: unknown[] = []
      queue.work(async (job) => {
        for (const value of ['中'.repeat(400), undefined, 1n])
          await job.progress(value).catch((error: unknown) => errors.push(error))
        await job.progress('x'.repeat(1022))
        errors.push('end')
      })
      await queue.send(1)
      await until('the handler came to its end', () => errors.includes('end'))
      assert.deepEqual(errors.slice(0, 3).map(refused), [true, true, true])
    },
  },
]

export const jobCases: readonly Case<QueueHarness>[] = [...finding, ...canceling, ...pausing, ...refusing]
