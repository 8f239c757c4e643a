import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  rangesOf,
} from './consumer-protocol.ts'

const { AssignerProtocol } = kafkajs

test('another client reads our subscriptions and assignments, and we read its', () => {
  const theirs = AssignerProtocol.MemberMetadata.decode(encodeSubscription('shop.views'))
  assert.deepEqual(theirs?.topics, ['shop.views'])
  const assigned = AssignerProtocol.MemberAssignment.decode(encodeAssignment('shop.views', [3, 5]))
  assert.deepEqual(assigned?.assignment, { 'shop.views': [3, 5] })
  const none = Buffer.alloc(0)
  const ours = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: ['a', 'b'], userData: none })
  assert.deepEqual(decodeSubscription(ours), ['a', 'b'])
  const mixed = AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment: { a: [0], b: [1, 2] },
    userData: none,
  })
  assert.deepEqual(decodeAssignment(mixed, 'b'), [1, 2])
  assert.deepEqual(decodeAssignment(none, 'b'), [])
})

test('partitions are divided as Kafka’s range assignor does: all, none twice', () => {
  for (const [members, partitions] of [
    [1, 4],
    [3, 8],
    [5, 3],
    [4, 1024],
  ] as const) {
    const names = Array.from({ length: members }, (_, n) => `m${n}`)
    const ranges = rangesOf(names.toReversed(), partitions)
    assert.deepEqual(
      names.flatMap((name) => ranges.get(name)!),
      Array.from({ length: partitions }, (_, n) => n),
    )
    const sizes = [...ranges.values()].map(({ length }) => length)
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
  }
})
