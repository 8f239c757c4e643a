import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../../../test/context.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { queue, type Job } from './index.ts'

test('ticks that nobody could send are made good when a worker starts again: one run, told how many were missed', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const first = await queue<string>('jobs', { url: db.url })
  await first.schedule('beat', { cron: '0 0 1 1 *', payload: 'x' })
  await first.close()
  await sql.query(
    `update ashlar.schedules set cron = '*/10 * * * *', next_at = date_trunc('hour', now()) - interval '3 h'`,
  )
  await using jobs = await queue<string>('jobs', { url: db.url })
  const seen: Job<string>[] = []
  jobs.work((job) => void seen.push(job))
  await until('it is handled', () => seen.length === 1)
  assert.ok(seen[0]!.missed >= 18, String(seen[0]!.missed))
  const [schedule] = await jobs.schedules()
  assert.ok(schedule!.next.getTime() > schedule!.last!.getTime())
  assert.ok(seen.some(({ scheduledFor }) => scheduledFor!.getTime() === schedule!.last!.getTime()))
})

test('an engine without transactions gets ticks through the outbox', async () => {
  await using db = await testDatabase()
  const context = contextOf('memory:', 'jobs', { databaseUrl: db.url, relays: true })
  await using jobs = await queue<string>().open(context)
  const seen: Job<string>[] = []
  jobs.work((job) => void seen.push(job))
  await jobs.schedule('beat', { cron: '* * * * * *', payload: 'x' })
  await until('two ticks are handled', () => seen.length >= 2, 20_000)
  assert.notDeepEqual(seen[0]!.scheduledFor, seen[1]!.scheduledFor)
  assert.equal(seen[0]!.schedule, 'beat')
})

test('what was sent otherwise has no schedule', async () => {
  await using jobs = await queue<number>('jobs', { url: 'memory:' })
  const seen: Job<number>[] = []
  jobs.work((job) => void seen.push(job))
  await jobs.send(1)
  await until('it is handled', () => seen.length === 1)
  assert.deepEqual([seen[0]!.schedule, seen[0]!.scheduledFor, seen[0]!.missed], [undefined, undefined, 0])
})

test('an engine that has no database beside it refuses schedules, and says what to set', async () => {
  const memory = await import('./memory.ts')
  const drivers = {
    other: async () => ({
      ...memory,
      open: (of: never) => memory.open({ ...(of as object), url: 'memory:' } as never),
    }),
  }
  await using jobs = await queue<number>({ drivers }).open(contextOf('other:x', 'jobs'))
  jobs.work(() => undefined)
  await assert.rejects(
    jobs.schedule('beat', { cron: '* * * * *', payload: 1 }),
    (error) => isAshlarError(error, 'unsupported') && /DATABASE_URL/.test(error.message),
  )
})
