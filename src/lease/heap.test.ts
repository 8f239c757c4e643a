import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Heap } from './heap.ts'

test('takes items in order, whatever the order they came in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((a, b) => a < b)
      for (const each of numbers) heap.add(each)
      const taken = numbers.map(() => heap.take())
      assert.deepEqual(
        taken,
        numbers.toSorted((a, b) => a - b),
      )
      assert.equal(heap.take(), undefined)
      assert.equal(heap.peek(), undefined)
    }),
  )
})
