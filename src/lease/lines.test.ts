import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../errors.ts'
import { Lines } from './lines.ts'

/** Sends that stay under way until let go. */
function gated() {
  const sent: { items: number[]; end: (error?: Error) => void }[] = []
  const send = (items: number[]) =>
    new Promise<number[]>((resolve, reject) => {
      sent.push({ items, end: (error) => (error ? reject(error) : resolve(items.map((each) => each * 10))) })
    })
  return { sent, send }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a line has one batch under way and gathers the rest; other lines do not wait for it', async () => {
  const { sent, send } = gated()
  const lines = new Lines(send, { maxWaiting: 100 })
  const first = lines.add(1)
  await turn()
  const rest = [lines.add(2), lines.add(3)]
  const other = lines.add(4, 0, 'key:k')
  await turn()
  assert.deepEqual(
    sent.map(({ items }) => items),
    [[1], [4]],
  )
  sent[1]!.end()
  assert.equal(await other, 40)
  sent[0]!.end()
  assert.equal(await first, 10)
  await turn()
  assert.deepEqual(sent[2]!.items, [2, 3])
  let isIdle = false
  const idle = Promise.all([lines.idle(), lines.idle()]).then(() => (isIdle = true))
  await turn()
  assert.equal(isIdle, false)
  sent[2]!.end()
  assert.deepEqual(await Promise.all(rest), [20, 30])
  await idle
})

test('a batch holds so many bytes, and one item may be larger', async () => {
  const batches: number[][] = []
  const lines = new Lines(async (items: number[]) => (batches.push(items), items), { maxWaiting: 100, maxBytes: 10 })
  await Promise.all([lines.add(1, 6), lines.add(2, 4), lines.add(3, 1), lines.add(4, 99), lines.add(5, 1)])
  assert.deepEqual(batches, [[1, 2], [3], [4], [5]])
})

test('more than the bound, over all lines, are refused', async () => {
  const { sent, send } = gated()
  const lines = new Lines(send, { maxWaiting: 2 })
  const waiting = [lines.add(1), lines.add(2, 0, 'other')]
  await assert.rejects(lines.add(3, 0, 'third'), (error) => isAshlarError(error, 'exhausted'))
  await turn()
  sent[0]!.end(new Error('engine is away'))
  sent[1]!.end()
  await assert.rejects(waiting[0]!, /away/)
  await waiting[1]
  await lines.idle()
})
