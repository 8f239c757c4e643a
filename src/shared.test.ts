import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shared } from './shared.ts'

test('is made for the first, closed after the last, and made anew for the next', async () => {
  const closed: number[] = []
  let made = 0
  const shared = new Shared<number>((of) => closed.push(of))
  const make = async () => ++made
  const [first, second] = await Promise.all([shared.take('a', make), shared.take('a', make)])
  const other = await shared.take('b', make)
  assert.deepEqual([first.of, second.of, other.of], [1, 1, 2])
  await first.release()
  await first.release()
  assert.deepEqual(closed, [])
  await second.release()
  assert.deepEqual(closed, [1])
  assert.equal((await shared.take('a', make)).of, 3)
})

test('what could not be made is tried again by the next, while others still hear of the failure', async () => {
  const shared = new Shared<number>(() => undefined)
  const fail = () => Promise.reject(new Error('no'))
  const [first, second] = [shared.take('a', fail), shared.take('a', fail)]
  await assert.rejects(first, /no/)
  await assert.rejects(second, /no/)
  assert.equal((await shared.take('a', async () => 1)).of, 1)
})
