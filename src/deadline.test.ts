import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settledWithin, withinMs } from './deadline.ts'
import { isAshlarError } from './errors.ts'

const never = () => new Promise<never>(() => undefined)

test('answers within the deadline when the engine never does', async () => {
  await assert.rejects(withinMs(never(), 20), (error) => isAshlarError(error, 'timeout'))
})

test('an answer that came while this process was busy still counts', async () => {
  const answer = new Promise((resolve) => setTimeout(resolve, 1, 'here'))
  const timely = withinMs(answer, 0)
  const busyUntil = performance.now() + 10
  while (performance.now() < busyUntil);
  assert.equal(await timely, 'here')
})

test('work that never ends is waited for only so long', async () => {
  assert.equal(await settledWithin(new Promise(() => undefined), 20), false)
  assert.equal(await settledWithin(Promise.reject(new Error('x')), 1_000), true)
})
