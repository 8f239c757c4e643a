import { setTimeout as sleep } from 'node:timers/promises'
import { AshlarError } from '../../errors.ts'

/** Asks again until the answer is neither `undefined` nor `false`. @throws `timeout` naming what was waited for */
export async function until<T>(
  what: string,
  timeoutMs: number,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 10,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await check()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() >= deadline)
      throw new AshlarError('timeout', `waited ${timeoutMs} ms in vain for ${what}`, { driver: 'postgres' })
    await sleep(everyMs)
  }
}

/** `until` that answers `false` instead of throwing. */
export async function within(timeoutMs: number, check: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!(await check())) {
    if (performance.now() >= deadline) return false
    await sleep(10)
  }
  return true
}

/** Runs work one after the other, in the order of the calls. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work)
    this.#last = next.catch(() => undefined)
    return next
  }
}
