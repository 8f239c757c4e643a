import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/servers/postgres.ts'
import { silent } from '../block.ts'
import { until } from '../conformance.ts'
import { openSql } from '../postgres/open.ts'
import { PostgresSchedules, type ScheduleRow } from '../postgres/schedule.ts'
import { readCron } from './cron.ts'
import { MemorySchedules } from './schedule-memory.ts'
import { advanceOf, Schedules, type Tick } from './schedules.ts'

const minuteMs = 60_000

function rowOf(cron: string, nextMs: number, missed = 'one', timeZone = 'UTC'): ScheduleRow {
  return { name: 'job', cron, timeZone, missed, body: '1', nextMs, lastMs: null, skipped: 0 }
}

/** Runs a store by a virtual clock, in steps; answers the ticks it sent. */
async function play(row: ScheduleRow, fromMs: number, toMs: number, stepMs: number): Promise<Tick[]> {
  let now = fromMs
  const store = new MemorySchedules(() => now)
  const sent: Tick[] = []
  await store.put(row)
  for (; now <= toMs; now += stepMs) {
    const fire = async (due: ScheduleRow, nowMs: number) => {
      const { ticks, ...advance } = advanceOf(due, nowMs)
      sent.push(...ticks)
      return advance
    }
    while (await store.tick(fire, []));
  }
  return sent
}

test('half past two in Berlin comes once on the days when clocks change', async () => {
  for (const [from, to] of [
    ['2025-03-29T12:00Z', '2025-03-31T12:00Z'],
    ['2025-10-25T12:00Z', '2025-10-27T12:00Z'],
  ]) {
    const [fromMs, toMs] = [Date.parse(from!), Date.parse(to!)]
    const cron = '30 2 * * *'
    const row = rowOf(cron, readCron(cron, 'Europe/Berlin').next(fromMs)!, 'one', 'Europe/Berlin')
    const sent = await play(row, fromMs, toMs, minuteMs)
    const days = sent.map(({ scheduledFor }) => scheduledFor.toLocaleDateString('sv', { timeZone: 'Europe/Berlin' }))
    assert.deepEqual(days, from!.startsWith('2025-03') ? ['2025-03-30', '2025-03-31'] : ['2025-10-26', '2025-10-27'])
    assert.ok(sent.every(({ missed }) => missed === 0))
  }
})

test('after a pause the missed ticks become one, that says how many there were', async () => {
  const start = Date.parse('2025-06-01T00:00:00Z')
  const sent = await play(rowOf('* * * * * *', start), start + 110_000, start + 112_000, 1_000)
  assert.deepEqual(
    sent.map(({ scheduledFor, missed }) => [scheduledFor.getTime() - start, missed]),
    [
      [110_000, 110],
      [111_000, 0],
      [112_000, 0],
    ],
  )
})

test('missed ticks are skipped, or all sent within bounds, where that is asked for', async () => {
  const start = Date.parse('2025-06-01T00:00:00Z')
  const skip = rowOf('*/5 * * * *', start, 'skip')
  const late = advanceOf(skip, start + 14 * minuteMs)
  assert.deepEqual(late, { ticks: [], nextMs: start + 15 * minuteMs, lastMs: null, skipped: 3 })
  const then = advanceOf({ ...skip, ...late, lastMs: null }, start + 15 * minuteMs)
  assert.deepEqual([then.ticks.length, then.ticks[0]!.missed, then.skipped], [1, 3, 0])
  const all = advanceOf(rowOf('*/5 * * * *', start, 'all'), start + 14 * minuteMs)
  assert.deepEqual(
    all.ticks.map(({ scheduledFor, missed }) => [(scheduledFor.getTime() - start) / minuteMs, missed]),
    [
      [0, 0],
      [5, 0],
      [10, 0],
    ],
  )
  const many = advanceOf(rowOf('* * * * * *', start, 'all'), start + 500_000)
  assert.deepEqual([many.ticks.length, many.ticks[0]!.missed, many.ticks[1]!.missed], [100, 401, 0])
})

test('what is due in a month is waited for in pieces, without a run and without haste', async () => {
  const store = new MemorySchedules()
  let looks = 0
  let sent = 0
  const dueInMs = () => (looks++, store.dueInMs().then((ms) => ms && Math.max(ms, 30 * 86_400_000)))
  const open = async () => Object.assign(Object.create(store) as MemorySchedules, bound(store), { dueInMs })
  const schedules = new Schedules({ open, send: async () => sent++, block: 'test', log: silent })
  await store.put(rowOf('0 0 1 1 *', Date.now() + 30 * 86_400_000))
  schedules.start()
  await until('it looked', () => looks > 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.deepEqual([looks, sent], [1, 0])
  await schedules.close()
})

/** Methods that keep their private fields, whatever object they are called on. */
function bound(store: MemorySchedules) {
  return {
    now: () => store.now(),
    tick: store.tick.bind(store),
    hints: () => store.hints(),
    wait: store.wait.bind(store),
    list: () => store.list(),
    close: () => store.close(),
  }
}

test('one that cannot be sent is tried again later, and the others go on', async () => {
  const store = new MemorySchedules()
  const sent: string[] = []
  const schedules = new Schedules({
    open: async () => store,
    async send(ticks) {
      if (ticks[0]!.schedule === 'bad') throw new Error('too large')
      sent.push(ticks[0]!.schedule)
    },
    block: 'test',
    log: silent,
  })
  await store.put({ ...rowOf('0 0 1 1 *', Date.now() - 1), name: 'bad' })
  await store.put({ ...rowOf('0 0 1 1 *', Date.now() - 1), name: 'good' })
  schedules.start()
  await until('the other one was sent', () => sent.length === 1)
  assert.deepEqual(sent, ['good'])
  const [bad] = await store.list()
  assert.ok(bad!.nextMs < Date.now())
  await schedules.close()
})

test('of many processes one sends a tick of the database, in one transaction with the move', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await sql.query('create table sent (round int)')
  const stores = await Promise.all([1, 2, 3, 4].map(() => PostgresSchedules.open(db.url, 'queue:jobs')))
  await stores[0]!.put(rowOf('0 0 1 1 *', Date.now() - 1_000))
  const undone = stores[0]!.tick(async (_due, _nowMs, tx) => {
    await tx.sql.query('insert into sent values (-1)')
    throw new Error('undone')
  }, [])
  await assert.rejects(undone, /undone/)
  for (let round = 0; round < 10; round++) {
    await sql.query(`update ashlar.schedules set next_at = clock_timestamp() - interval '1 s'`)
    const fired = await Promise.all(
      stores.map((store) =>
        store.tick(async (due, nowMs, tx) => {
          await tx.sql.query('insert into sent values ($1)', [round])
          return advanceOf(due, nowMs)
        }, []),
      ),
    )
    assert.equal(fired.filter(Boolean).length, 1)
  }
  const { rows } = await sql.query<{ round: number }>('select round from sent order by round')
  assert.deepEqual(
    rows.map(({ round }) => round),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  for (const store of stores) await store.close()
})
