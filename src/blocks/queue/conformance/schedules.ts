import assert from 'node:assert/strict'
import { until, type Case } from '../../../conformance.ts'
import type { Job } from '../queue.ts'
import type { QueueHarness } from './harness.ts'
import { open, refusedWith } from './opening.ts'

export const scheduleCases: readonly Case<QueueHarness>[] = [
  {
    name: 'each tick of a schedule is sent once by all processes together, and told to the handler',
    async run(harness) {
      await using here = await open<string>(harness)
      await using there = await open<string>(harness)
      const jobs: Job<string>[] = []
      for (const each of [here, there]) each.work((job) => void jobs.push(job))
      await Promise.all([here, there].map((each) => each.schedule('beat', { cron: '* * * * * *', payload: 'now' })))
      await until('three ticks were handled', () => jobs.length >= 3, 20_000)
      assert.equal(await there.unschedule('beat'), true)
      const ticks = jobs.toSorted((a, b) => a.scheduledFor!.getTime() - b.scheduledFor!.getTime())
      for (const [n, { payload, schedule, scheduledFor, missed }] of ticks.entries()) {
        assert.deepEqual([payload, schedule, scheduledFor!.getMilliseconds()], ['now', 'beat', 0])
        const before = ticks[n - 1]?.scheduledFor!.getTime()
        // None twice, and what a busy machine left out is told.
        if (before !== undefined) assert.equal(scheduledFor!.getTime() - before, (missed + 1) * 1000)
      }
    },
  },
  {
    name: 'schedules are seen by all, replaced by name, and gone when unscheduled',
    async run(harness) {
      await using here = await open<number>(harness)
      await using there = await open<number>(harness)
      const cron = '0 3 29 2 *'
      await here.schedule('leap', { cron, timeZone: 'Europe/Berlin', payload: 1, missed: 'skip' })
      await here.schedule('other', { cron: '0 0 1 1 *', payload: 3 })
      const [first] = await there.schedules()
      const { next, ...rest } = first!
      assert.deepEqual(rest, {
        name: 'leap',
        cron,
        timeZone: 'Europe/Berlin',
        missed: 'skip',
        payload: 1,
        last: undefined,
      })
      assert.match(next.toISOString(), /-02-29T02:00:00.000Z$/)
      await there.schedule('leap', { cron, timeZone: 'UTC', payload: 2 })
      const [again] = await here.schedules()
      assert.deepEqual([again!.payload, again!.missed, again!.next.getUTCHours()], [2, 'one', 3])
      assert.equal(await here.unschedule('leap'), true)
      assert.equal(await there.unschedule('leap'), false)
      assert.deepEqual(
        (await there.schedules()).map(({ name }) => name),
        ['other'],
      )
    },
  },
  {
    name: 'a schedule that is nonsense, or never comes, is refused and not kept',
    async run(harness) {
      await using queue = await open<unknown>(harness)
      const bad = [
        ['x', { cron: '0 0 30 2 *', payload: 1 }],
        ['x', { cron: '61 * * * *', payload: 1 }],
        ['x', { cron: '* * * *', payload: 1 }],
        ['x', { cron: '* * * * *', payload: undefined }],
        ['x', { cron: '* * * * *', payload: 1, timeZone: 'Berlin' }],
        ['x', { cron: '* * * * *', payload: 1, missed: 'never' as 'skip' }],
        ['x', { cron: '* * * * *', payload: 1, timezone: 'UTC' }],
        ['no name', { cron: '* * * * *', payload: 1 }],
        ['', { cron: '* * * * *', payload: 1 }],
      ] as const
      for (const [name, options] of bad)
        await assert.rejects(queue.schedule(name, options), refusedWith('invalid_argument'), JSON.stringify(options))
      assert.deepEqual(await queue.schedules(), [])
    },
  },
]
