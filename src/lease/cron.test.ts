import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../errors.ts'
import { dueTicks, readCron } from './cron.ts'

function ticksOf(cron: string, timeZone: string, from: string, to: string): string[] {
  const times = readCron(cron, timeZone)
  const found: string[] = []
  for (let at = times.next(Date.parse(from) - 1); at !== undefined && at < Date.parse(to); at = times.next(at))
    found.push(new Date(at).toISOString().slice(0, 16))
  return found
}

test('a job at a fixed hour runs once on each day, also when clocks change', () => {
  const spring = ticksOf('30 2 * * *', 'Europe/Berlin', '2025-03-29T12:00Z', '2025-03-31T12:00Z')
  assert.deepEqual(spring, ['2025-03-30T01:00', '2025-03-31T00:30'])
  const autumn = ticksOf('30 2 * * *', 'Europe/Berlin', '2025-10-25T12:00Z', '2025-10-27T12:00Z')
  assert.deepEqual(autumn, ['2025-10-26T00:30', '2025-10-27T01:30'])
  const lists = ticksOf('30 2,14 * * *', 'America/New_York', '2025-11-02T04:00Z', '2025-11-03T05:00Z')
  assert.equal(lists.length, 2)
  const year = ticksOf('30 2 * * *', 'Europe/Berlin', '2024-12-31T23:00Z', '2025-12-31T23:00Z')
  assert.equal(year.length, 365)
})

test('a job with an interval keeps it when clocks change', () => {
  const autumn = ticksOf('*/30 * * * *', 'Europe/Berlin', '2025-10-26T00:00Z', '2025-10-26T02:00Z')
  assert.equal(autumn.length, 4)
})

test('what never comes is refused, at once; the 29th of February does come', () => {
  for (const cron of ['0 0 31 4 *', '0 0 30 2 *', '0 0 31 2,4,jun *', '0 0 0 31 APR *', '0 0 31 11 *'])
    assert.throws(() => readCron(cron, 'UTC'), isRefused(/never comes/), cron)
  assert.deepEqual(ticksOf('0 0 29 2 *', 'UTC', '2025-01-01T00:00Z', '2029-01-01T00:00Z'), ['2028-02-29T00:00'])
  assert.equal(ticksOf('0 0 31 4 1', 'UTC', '2025-01-01T00:00Z', '2026-01-01T00:00Z').length, 4)
})

test('nonsense is refused, naming the value and the form', () => {
  const bad = [
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '0 0 0 * *',
    '0 0 * * 8',
    '*/0 * * * *',
    '@daily',
    'a b c d e',
  ]
  for (const cron of [...bad, '* * * * * * *', '? 0 * * *', '5-1 * * * *', undefined as unknown as string])
    assert.throws(() => readCron(cron, 'UTC'), isRefused(/five fields/), cron)
  for (const zone of ['Mars/Olympus', '', 'Berlin'])
    assert.throws(() => readCron('0 0 * * *', zone), isRefused(/timeZone.*Europe\/Berlin/), zone)
})

function isRefused(says: RegExp): (error: unknown) => boolean {
  return (error) => isAshlarError(error, 'invalid_argument') && says.test(error.message)
}

test('missed ticks are counted to 1000, and the newest are found however long the pause was', () => {
  const now = Date.parse('2025-06-01T00:00:00.500Z')
  const seconds = readCron('* * * * * *', 'UTC')
  const short = dueTicks(seconds, now - 110_500, now, 1)
  assert.deepEqual(short, { ticks: [now - 500], count: 111 })
  const month = dueTicks(seconds, now - 30 * 86_400_000 - 500, now, 3)
  assert.deepEqual(month, { ticks: [now - 2_500, now - 1_500, now - 500], count: 1000 })
  const minutes = readCron('* * * * *', 'UTC')
  assert.equal(dueTicks(minutes, now - 500 - 365 * 86_400_000, now, 100).ticks.length, 100)
  assert.deepEqual(dueTicks(minutes, now - 500, now, 100), { ticks: [now - 500], count: 1 })
})
