import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import type { Membership } from './driver.ts'
import { Groups, type GroupStore } from './group-store.ts'

/** A store whose clock stands still, in which others are faster now and then. */
function storeOf(): GroupStore & { nowMs: number; raced: number; writes: number } {
  const texts = new Map<string, { text: string; version: number }>()
  const store = {
    nowMs: 1_000,
    /** Writes to come in which another is faster. */
    raced: 0,
    writes: 0,
    names: async () => [...texts.keys()],
    async read(group: string) {
      const { text, version } = texts.get(group) ?? { text: undefined, version: 0 }
      return { text, version: String(version), nowMs: store.nowMs }
    },
    async write(group: string, text: string, version: string) {
      const there = texts.get(group)?.version ?? 0
      if (store.raced > 0) texts.set(group, { text: texts.get(group)?.text ?? text, version: there + 1 })
      if (store.raced-- > 0 || String(there) !== version) return false
      store.writes++
      texts.set(group, { text, version: there + 1 })
      return true
    },
  }
  return store
}

const conflict = (error: unknown) => isAshlarError(error, 'conflict')

async function settled(membership: Membership) {
  for (;;) {
    const assignment = await membership.heartbeat(false)
    if (!assignment.settling) return assignment
  }
}

test('a change is worked out again when another was faster', async () => {
  const store = storeOf()
  const groups = new Groups(store, 4, () => undefined)
  const one = await groups.join('g', { member: 'one', sessionMs: 100 })
  const { generation } = await settled(one)
  store.raced = 5
  await one.commit(generation, new Map([[0, 7]]))
  assert.deepEqual(await groups.committed('g'), new Map([[0, 7]]))
  store.raced = Infinity
  await assert.rejects(one.commit(generation, new Map([[0, 8]])), (error) => isAshlarError(error, 'unavailable'))
})

test('commits of two members at once are both kept', async () => {
  const groups = new Groups(storeOf(), 2, () => undefined)
  const [one, two] = [
    await groups.join('g', { member: 'one', sessionMs: 100 }),
    await groups.join('g', { member: 'two', sessionMs: 100 }),
  ]
  await settled(one)
  const { generation } = await settled(two)
  const rounds = Array.from({ length: 20 }, (_, n) => n + 1)
  await Promise.all(
    rounds.flatMap((n) => [one.commit(generation, new Map([[0, n]])), two.commit(generation, new Map([[1, n]]))]),
  )
  assert.deepEqual(
    await groups.committed('g'),
    new Map([
      [0, 20],
      [1, 20],
    ]),
  )
})

test('a session ends by the clock of the store, and what it commits then is refused', async () => {
  const store = storeOf()
  const groups = new Groups(store, 4, () => undefined)
  const silent = await groups.join('g', { member: 'silent', sessionMs: 100 })
  const { generation } = await settled(silent)
  store.nowMs += 101
  await groups.seek('g', new Map([[0, 3]]))
  await assert.rejects(silent.commit(generation, new Map([[0, 9]])), conflict)
  assert.deepEqual(await groups.committed('g'), new Map([[0, 3]]))
  await settled(silent)
  await assert.rejects(groups.seek('g', new Map([[0, 0]])), conflict)
})

test('places that are bigints come back as such, and move forward only', async () => {
  const groups = new Groups(storeOf(), 1, () => undefined)
  const one = await groups.join('g', { member: 'one', sessionMs: 100 })
  const { generation } = await settled(one)
  const far = 49_590_338_271_490_256_608_559_692_538_361_571_095n
  await one.commit(generation, new Map([[0, far]]))
  await one.commit(generation, new Map([[0, far - 1n]]))
  assert.deepEqual(await groups.committed('g'), new Map([[0, far]]))
})

test('those who are in a group are told when it changes, and not when they only live or commit', async () => {
  const store = storeOf()
  const told: string[] = []
  const groups = new Groups(store, 1, (group) => (told.push(group), groups.heard(group)))
  let heard = 0
  const one = await groups.join('g', { member: 'one', sessionMs: 100, changed: () => heard++ })
  const { generation } = await settled(one)
  const [before, heardBefore] = [told.length, heard]
  await one.heartbeat(true)
  await one.commit(generation, new Map([[0, 1]]))
  assert.equal(told.length, before)
  await groups.join('g', { member: 'two', sessionMs: 100 })
  assert.ok(heard > heardBefore)
  await one.leave()
  const last = heard
  groups.heard('g')
  assert.equal(heard, last, 'who left is told no more')
})

test('what changes nothing is not written', async () => {
  const store = storeOf()
  const groups = new Groups(store, 1, () => undefined)
  const one = await groups.join('g', { member: 'one', sessionMs: 100 })
  const { generation } = await settled(one)
  await one.commit(generation, new Map([[0, 5]]))
  const { writes } = store
  await one.commit(generation, new Map([[0, 4]]))
  await one.heartbeat(true)
  assert.equal(store.writes, writes)
})
