import { Cron } from 'croner'
import { describe, invalid } from '../errors.ts'

const maxCounted = 1_000
const maxWalked = 10_000

/** When a schedule is due: its times are called ticks, in milliseconds since 1970. */
export interface Times {
  /** The first tick after this moment; `undefined`: there is none any more. */
  next(afterMs: number): number | undefined
}

/** The ticks of a span that is over. */
export interface Due {
  /** The newest ones, oldest first. */
  ticks: number[]
  /** How many there were in all; counting ends at 1000. */
  count: number
}

/**
 * Five fields (minute, hour, day, month, weekday), or six with the second first. At changes of the clock Debian's rule: jobs
 * at fixed hours run once a day, those that a gap swallows right after it; others keep their interval.
 * @throws `invalid_argument` for what cannot be read, and for dates that never come
 */
export function readCron(cron: string, timeZone: string): Times {
  const pattern = typeof cron === 'string' ? cron.trim() : ''
  const fields = pattern.split(/\s+/)
  const form = `write five fields (minute, hour, day, month, weekday) such as '30 2 * * *', or six with the second first`
  if ((fields.length !== 5 && fields.length !== 6) || pattern.includes('?'))
    throw invalid(`cron: '${cron}' is not valid; ${form}`)
  checkTimeZone(timeZone)
  if (isNever(fields.slice(-3))) throw never(pattern)
  try {
    const job = new Cron(pattern, {
      mode: '5-or-6-parts',
      timezone: timeZone,
      fixedTimeRule: 'no-wildcard',
      paused: true,
    })
    if (!job.nextRun()) throw never(pattern)
    return { next: (afterMs) => job.nextRun(new Date(afterMs))?.getTime() }
  } catch (error) {
    throw invalid(`cron: '${pattern}' is not valid (${describe(error)}); ${form}`, { cause: error })
  }
}

/** @throws `invalid_argument` */
function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw invalid(`timeZone: '${timeZone}' is not known; write a name such as 'Europe/Berlin' or 'UTC'`)
  }
}

function never(pattern: string): Error {
  return invalid(`cron: '${pattern}' never comes; correct its day or month`)
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const longestDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Whether no month has such a day: seen from the fields, where a search would walk through all years. */
function isNever([day, month, weekday]: string[]): boolean {
  const days = firstNumbers(day!, [])
  const months = firstNumbers(month!, monthNames)
  if (weekday !== '*' || !days || !months) return false
  return months.every((each) => Math.min(...days) > (longestDays[each - 1] ?? 31))
}

/** Where each item of a list begins; `undefined` when it is no plain list of numbers or names. */
function firstNumbers(field: string, names: readonly string[]): number[] | undefined {
  const found = field.split(',').map((item) => {
    const index = names.indexOf(item.toLowerCase())
    return index < 0 ? (/^\d{1,2}$/.test(item) ? Number(item) : NaN) : index + 1
  })
  return found.some(Number.isNaN) ? undefined : found
}

/** The ticks from `fromMs`, which is one, to `nowMs`: at most so many of the newest. */
export function dueTicks(times: Times, fromMs: number, nowMs: number, max: number): Due {
  const first = walk(times, fromMs, nowMs, maxCounted)
  if (first.length < maxCounted) return { ticks: first.slice(-max), count: first.length }
  return { ticks: newest(times, fromMs, nowMs, max), count: maxCounted }
}

/** After a long pause of a frequent schedule: looks back in ever longer steps, not through all of them. */
function newest(times: Times, fromMs: number, nowMs: number, max: number): number[] {
  for (let spanMs = 2_000; ; spanMs *= 2) {
    const start = Math.max(fromMs - 1, nowMs - spanMs)
    const ticks = walk(times, times.next(start), nowMs, maxWalked)
    if (ticks.length >= max || start < fromMs) return ticks.slice(-max)
  }
}

function walk(times: Times, fromMs: number | undefined, nowMs: number, max: number): number[] {
  const ticks: number[] = []
  for (let at = fromMs; at !== undefined && at <= nowMs && ticks.length < max; at = times.next(at)) ticks.push(at)
  return ticks
}
