import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignmentOf, beat, emptyGroup, expire, leave, mayCommit, type Group } from './group.ts'

const partitions = 5
const step = fc.record({
  member: fc.constantFrom('a', 'b', 'c', 'd'),
  does: fc.constantFrom('beat', 'beat', 'beat', 'hold', 'leave'),
  laterMs: fc.integer({ min: 0, max: 60 }),
})

function owners(group: Group): number[] {
  return [...group.members.keys()].flatMap((id) => assignmentOf(group, id, partitions).partitions)
}

test('no partition ever has two owners in a generation, and generations only grow', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const group = emptyGroup()
      let nowMs = 0
      const owned = new Map<string, string>()
      for (const { member, does, laterMs } of steps) {
        nowMs += laterMs
        const before = group.generation
        if (does === 'leave') leave(group, member, nowMs)
        else beat(group, member, { nowMs, sessionMs: 100, holding: does === 'hold' })
        assert.ok(group.generation >= before)
        const all = owners(group)
        assert.equal(new Set(all).size, all.length)
        for (const id of group.members.keys())
          for (const partition of assignmentOf(group, id, partitions).partitions) {
            const place = `${group.generation}/${partition}`
            assert.equal(owned.get(place) ?? id, id, 'an owner does not change within a generation')
            owned.set(place, id)
            assert.equal(mayCommit(group, id, group.generation, [partition]), true)
            assert.equal(mayCommit(group, id, group.generation - 1, [partition]), false)
          }
      }
    }),
  )
})

test('members that beat and hold nothing share all partitions after two rounds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const group = emptyGroup()
      for (const { member, does } of steps) {
        if (does === 'leave') leave(group, member, 0)
        else beat(group, member, { nowMs: 0, sessionMs: 100, holding: does === 'hold' })
      }
      for (let round = 0; round < 2; round++)
        for (const id of group.members.keys()) beat(group, id, { nowMs: 0, sessionMs: 100, holding: false })
      assert.equal(owners(group).length, group.members.size === 0 ? 0 : partitions)
    }),
  )
})

test('a member that holds but falls silent does not stop the others', () => {
  const group = emptyGroup()
  beat(group, 'slow', { nowMs: 0, sessionMs: 100, holding: false })
  beat(group, 'new', { nowMs: 50, sessionMs: 100, holding: false })
  assert.equal(group.settling, true)
  beat(group, 'new', { nowMs: 101, sessionMs: 100, holding: false })
  assert.deepEqual(owners(group).length, partitions)
  expire(group, 500)
  assert.equal(group.members.size, 0)
})

test('more members than partitions: some have none', () => {
  const group = emptyGroup()
  const ids = Array.from({ length: 7 }, (_, n) => `m${n}`)
  for (let round = 0; round < 3; round++)
    for (const id of ids) beat(group, id, { nowMs: 0, sessionMs: 100, holding: false })
  assert.deepEqual(
    ids.map((id) => assignmentOf(group, id, partitions).partitions.length),
    [1, 1, 1, 1, 1, 0, 0],
  )
})
