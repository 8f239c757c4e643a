import assert from 'node:assert/strict'
import type { Schema } from '../../../block.ts'
import { altered, until, type Case } from '../../../conformance.ts'
import { AshlarError, isAshlarError } from '../../../errors.ts'
import { GiveUp } from '../../../lease/retry.ts'
import type { QueueHarness } from './harness.ts'
import type { Job } from '../queue.ts'
import { gate, open, refusedWith } from './opening.ts'

const even: Schema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value % 2 === 0 ? { value } : { issues: [{ message: 'must be even' }] },
  },
}

const handling: Case<QueueHarness>[] = [
  {
    name: 'every message is handled once while nothing fails, by workers in two processes',
    async run(harness) {
      await using here = await open<number>(harness)
      await using there = await open<number>(harness)
      const seen: number[] = []
      for (const each of [here, there]) each.work((job) => void seen.push(job.payload), { concurrency: 3 })
      await Promise.all(Array.from({ length: 50 }, (_, n) => here.send(n)))
      await here.sendMany(Array.from({ length: 50 }, (_, n) => 50 + n))
      await until('all are handled', () => seen.length >= 100)
      await until('all are settled', async () => Object.values(await here.stats()).every((figure) => figure === 0))
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        Array.from({ length: 100 }, (_, n) => n),
      )
    },
  },
  {
    name: 'whatever a handler throws is a failed attempt, and the last one makes a dead letter with a readable reason',
    needs: 'deadLetters',
    async run(harness) {
      await using queue = await open<string>(harness, { attempts: 2, backoff: 20 })
      const circular: Record<string, unknown> = {}
      circular['self'] = circular
      const thrown: Record<string, unknown> = { nothing: undefined, text: 'x', circular, error: new Error('broken') }
      const attempts: Record<string, number[]> = {}
      queue.work(({ payload, attempt }) => {
        ;(attempts[payload] ??= []).push(attempt)
        if (payload in thrown) throw thrown[payload]
      })
      for (const name of Object.keys(thrown)) await queue.send(name)
      await until('all are dead', async () => (await queue.dead()).length === 4)
      const dead = await queue.dead()
      for (const { body, error, attempts: tried } of dead) {
        assert.equal(tried, 2, body)
        assert.ok(error.length > 0, body)
      }
      assert.ok(dead.some(({ error }) => error === 'broken'))
      await queue.send('fine')
      await until('the worker is alive', () => attempts['fine'] !== undefined)
      assert.deepEqual(attempts['nothing'], [1, 2])
      assert.equal(await queue.redrive('all'), 4)
      await until('all are dead again', async () => (await queue.dead()).length === 4)
      assert.deepEqual(attempts['text'], [1, 2, 1, 2])
    },
  },
  {
    name: 'GiveUp makes a dead letter at once',
    needs: 'deadLetters',
    async run(harness) {
      await using queue = await open<string>(harness, { attempts: 100, backoff: 10 })
      queue.work(() => {
        throw new GiveUp('no such user')
      })
      const id = await queue.send('a')
      await until('it is dead', async () => (await queue.dead()).length === 1)
      const [dead] = await queue.dead()
      assert.deepEqual([dead!.id, dead!.error, dead!.attempts], [id, 'no such user', 1])
    },
  },
  {
    name: 'the lease is renewed while the handler runs',
    async run(harness) {
      await using queue = await open<string>(harness, { visibility: '1s' })
      await using other = await open<string>(harness, { visibility: '1s' })
      const done = gate()
      const jobs: Job<string>[] = []
      const handler = async (job: Job<string>) => {
        jobs.push(job)
        if (job.payload === 'slow') await done.opened
      }
      queue.work(handler)
      other.work(handler)
      await queue.send('slow')
      await until('it runs', () => jobs.length === 1)
      const startedMs = performance.now()
      await until('2.5 s have passed', () => performance.now() - startedMs > 2_500)
      await queue.send('next')
      await until('the next one runs', () => jobs.length >= 2)
      assert.deepEqual(
        jobs.map(({ payload }) => payload),
        ['slow', 'next'],
      )
      assert.equal(jobs[0]!.signal.aborted, false)
      done.open()
      await until('it is settled', async () => (await queue.stats())['leased'] === 0)
    },
  },
  {
    name: 'no more handlers run at the same time than asked for',
    async run(harness) {
      await using queue = await open<number>(harness)
      let running = 0
      let most = 0
      let done = 0
      const worker = queue.work(
        async () => {
          most = Math.max(most, ++running)
          await new Promise((resolve) => setTimeout(resolve, 5))
          running--
          done++
        },
        { concurrency: 2 },
      )
      await queue.sendMany(Array.from({ length: 20 }, (_, n) => n))
      await until('all are done', () => done === 20)
      await worker.close()
      assert.equal(most, 2)
    },
  },
  {
    name: 'a paused worker takes nothing until resumed',
    async run(harness) {
      await using queue = await open<number>(harness)
      const seen: number[] = []
      const worker = queue.work(({ payload }) => void seen.push(payload))
      await queue.send(1)
      await until('the first is handled', () => seen.length === 1)
      worker.pause()
      assert.equal(worker.running, false)
      await queue.send(2)
      await using other = await open<number>(harness)
      const others: number[] = []
      other.work(({ payload }) => void others.push(payload))
      await until('the other worker has it', () => others.length === 1)
      worker.resume()
      assert.equal(worker.running, true)
      await other.close()
      await queue.send(3)
      await until('the third is handled', () => seen.length === 2)
      assert.deepEqual([seen, others], [[1, 3], [2]])
    },
  },
]

const endings: Case<QueueHarness>[] = [
  {
    name: 'close waits for running handlers and settles them',
    async run(harness) {
      const queue = await open<string>(harness)
      const [started, finish] = [gate(), gate()]
      queue.work(async () => {
        started.open()
        await finish.opened
      })
      await queue.send('a')
      await started.opened
      const closed = queue.close()
      finish.open()
      await closed
      const stats = await (await harness.driver()).stats()
      assert.deepEqual([stats.ready, stats.delayed, stats.leased], [0, 0, 0])
    },
  },
  {
    name: 'past the drain deadline the signal aborts and the message is given back at once, uncounted',
    needs: 'uncounted',
    async run(harness) {
      const queue = await open<string>(harness, { visibility: '12h' })
      const started = gate()
      let job: Job<string> | undefined
      queue.work(
        async (each) => {
          job = each
          started.open()
          await new Promise(() => undefined)
        },
        { drain: 50 },
      )
      await queue.send('a')
      await started.opened
      await queue.close()
      assert.equal(job!.signal.aborted, true)
      await using next = await open<string>(harness)
      const attempts: number[] = []
      next.work(({ attempt }) => void attempts.push(attempt))
      await until('the next worker has it', () => attempts.length === 1)
      assert.deepEqual(attempts, [1])
    },
  },
  {
    name: 'a worker that loses its lease learns it by the signal, and its result no longer counts',
    async run(harness) {
      const driver = await harness.driver()
      let tokens: readonly string[] = []
      const extend = async (asked: readonly string[]) => ((tokens = asked), asked.map(() => false))
      const stolen = altered(driver, { extend })
      await using queue = await open<string>({ ...harness, driver: async () => stolen }, { visibility: '1s' })
      let signal: AbortSignal | undefined
      let deliveries = 0
      queue.work(async (job) => {
        if (++deliveries > 1) return
        signal = job.signal
        await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
        await until('it runs elsewhere', () => deliveries > 1)
      })
      await queue.send('a')
      await until('it was delivered again', () => deliveries === 2)
      assert.equal(signal!.aborted, true)
      assert.ok(isAshlarError(signal!.reason, 'conflict'))
      assert.equal(tokens.length, 1)
    },
  },
  {
    name: 'a closed queue refuses, and closing twice is harmless',
    async run(harness) {
      const queue = await open<number>(harness)
      queue.work(() => undefined)
      await queue.close()
      await queue.close()
      await assert.rejects(queue.send(1), refusedWith('closed'))
      assert.throws(() => queue.work(() => undefined), refusedWith('closed'))
    },
  },
]

/** A driver whose methods may be replaced one by one. */
const payloads: Case<QueueHarness>[] = [
  {
    name: 'a payload that breaks the schema is refused when sent',
    async run(harness) {
      await using queue = await open<number>(harness, { schema: even })
      await assert.rejects(
        queue.send(3),
        (error) => isAshlarError(error, 'invalid_argument') && /even/.test(error.message),
      )
      await assert.rejects(queue.sendMany([2, 3]), refusedWith('invalid_argument'))
      assert.equal((await queue.stats())['ready'], 0)
      await queue.send(2)
    },
  },
  {
    name: 'a message that breaks the schema when received is dead at once, with the reason',
    needs: 'deadLetters',
    async run(harness) {
      await using sender = await open<unknown>(harness)
      await using queue = await open<number>(harness, { schema: even, backoff: '1h' })
      const seen: number[] = []
      queue.work(({ payload }) => void seen.push(payload))
      await sender.sendMany([3, 4])
      await until('one is dead, one is handled', async () => (await queue.dead()).length === 1 && seen.length === 1)
      assert.deepEqual(seen, [4])
      assert.match((await queue.dead())[0]!.error, /must be even/)
    },
  },
  {
    name: 'what is too large or no JSON is refused, others are unharmed',
    async run(harness) {
      await using queue = await open<unknown>(harness)
      const { maxBytes } = (await harness.driver()).capabilities
      const circular: unknown[] = []
      circular.push(circular)
      for (const payload of ['中'.repeat(Math.ceil(maxBytes / 3)), undefined, () => 1, 1n, circular])
        await assert.rejects(queue.send(payload), refusedWith('invalid_argument'))
      await queue.send('x'.repeat(maxBytes - 2))
      assert.deepEqual(await queue.sendMany([]), [])
    },
  },
]

const once: Case<QueueHarness>[] = [
  {
    name: 'once runs effects one time for a message and name, also when the delivery fails afterwards',
    async run(harness) {
      await using queue = await open<string>(harness, { backoff: 10 })
      const effects: string[] = []
      const answers: unknown[] = []
      queue.work(async (job) => {
        const run = (name: string) => job.once(name, async () => (effects.push(`${job.payload} ${name}`), 'done'))
        answers.push(await run('mail'), await run('bill'))
        if (job.attempt < 3) throw new Error('after the effects')
      })
      await queue.send('a')
      await until('three attempts', () => answers.length === 6)
      assert.deepEqual(effects, ['a mail', 'a bill'])
      assert.deepEqual(answers, ['done', 'done', undefined, undefined, undefined, undefined])
    },
  },
  {
    name: 'effects of once that fail are tried again',
    async run(harness) {
      await using queue = await open<string>(harness, { backoff: 10 })
      let tries = 0
      let done = 0
      queue.work(async (job) => {
        await job.once('mail', async () => {
          if (++tries < 3) throw new AshlarError('unavailable', 'not yet')
          done++
        })
      })
      await queue.send('a')
      await until('it is done', () => done === 1)
      assert.equal(tries, 3)
    },
  },
]

export const portableCases: readonly Case<QueueHarness>[] = [...handling, ...endings, ...payloads, ...once]
