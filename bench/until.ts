import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is neither `undefined` nor `false`. @throws naming what did not come */
export async function until<T>(
  what: string,
  limitMs: number,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = await check()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`)
    await sleep(everyMs)
  }
}
