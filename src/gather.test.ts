import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from './errors.ts'
import { Gather } from './gather.ts'

test('what is asked in one turn goes out together, answered in order', async () => {
  const batches: number[][] = []
  const gather = new Gather(async (items: number[]) => (batches.push(items), items.map((item) => item * 2)))
  assert.deepEqual(await Promise.all([1, 2, 3].map((item) => gather.ask(item))), [2, 4, 6])
  assert.deepEqual(batches, [[1, 2, 3]])
})

test('while batches are under way the rest waits and then goes out as one', async () => {
  const batches: number[][] = []
  const release: (() => void)[] = []
  const send = (items: number[]) => {
    batches.push(items)
    return new Promise<number[]>((resolve) => release.push(() => resolve(items)))
  }
  const gather = new Gather(send, { maxUnderWay: 1 })
  const first = gather.ask(1)
  await new Promise((next) => setImmediate(next))
  const rest = [2, 3, 4].map((item) => gather.ask(item))
  await new Promise((next) => setImmediate(next))
  release[0]!()
  await first
  await new Promise((next) => setImmediate(next))
  release[1]!()
  await Promise.all(rest)
  assert.deepEqual(batches, [[1], [2, 3, 4]])
})

test('a batch that fails fails its callers only', async () => {
  const gather = new Gather(async (items: number[]) => {
    if (items.includes(2)) throw new Error('two')
    return items
  })
  await assert.rejects(gather.ask(2), /two/)
  assert.equal(await gather.ask(1), 1)
})

test('more waiting calls than the bound are refused', async () => {
  const gather = new Gather(() => new Promise<never>(() => undefined), { maxUnderWay: 1, maxBatch: 1, maxWaiting: 2 })
  for (let i = 0; i < 3; i++) {
    void gather.ask(i)
    await new Promise((next) => setImmediate(next))
  }
  await assert.rejects(gather.ask(9), (error) => isAshlarError(error, 'exhausted'))
})
