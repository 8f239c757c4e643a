import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Member, Report } from './member.ts'
import { Replicas } from './replicas.ts'

/** A member that says what the test wants. */
class FakeMember {
  load = 0
  asked = 0
  connections = 0
  report: Report | undefined
  says: Partial<Report> | undefined | 'nothing'

  constructor(says: FakeMember['says']) {
    this.says = says
  }

  async ask(): Promise<void> {
    this.asked++
    if (this.says === 'nothing') await new Promise((resolve) => setTimeout(resolve, 2_000).unref())
    if (typeof this.says !== 'object') this.report = undefined
    else {
      const usual = { replica: true, lsn: '0/100', end: '0/100', ageMs: 0, cluster: 'a', atMs: performance.now() }
      this.report = { ...usual, ...this.says }
    }
  }

  rest(): void {}
  async close(): Promise<void> {}
}

function watching(maxLagMs: number, ...members: FakeMember[]) {
  const replicas = new Replicas(members as unknown as Member[], maxLagMs)
  const none = new Set<Member>()
  return {
    choose: (lsn?: string) => replicas.choose(lsn === undefined ? undefined : { lsn }, none),
    replicas,
    [Symbol.asyncDispose]: () => replicas.close(),
  }
}

const primary = () => new FakeMember({ replica: false })

test('spreads reads over the replicas, to the least busy first', async () => {
  const [one, two] = [new FakeMember({}), new FakeMember({})]
  await using watched = watching(1000, primary(), one, two)
  const chosen = [(await watched.choose()).member, (await watched.choose()).member]
  assert.deepEqual(new Set(chosen), new Set([one, two]))
  one.load = 3
  for (let index = 0; index < 4; index++) assert.equal((await watched.choose()).member, two as unknown as Member)
})

test('never reads from a replica of another cluster', async () => {
  await using watched = watching(1000, primary(), new FakeMember({ cluster: 'b' }))
  assert.deepEqual(await watched.choose(), { member: undefined, reason: 'down' })
})

test('a replica that cannot say how old it is gets no reads', async () => {
  await using watched = watching(1000, primary(), new FakeMember({ lsn: '0/1', ageMs: null }))
  assert.deepEqual(await watched.choose(), { member: undefined, reason: 'behind' })
})

test('a host that does not answer holds up the first reads half a second at most, all together', async () => {
  await using watched = watching(1000, primary(), new FakeMember('nothing'), new FakeMember({}))
  const started = performance.now()
  const choices = await Promise.all([watched.choose(), watched.choose()])
  choices.push(await watched.choose())
  assert.ok(performance.now() - started < 1_500)
  assert.deepEqual(
    choices.map(({ reason }) => reason),
    ['fresh', 'fresh', 'fresh'],
  )
})

test('keeps a position that it cannot judge while the primary is away', async () => {
  await using watched = watching(1000, new FakeMember(undefined), new FakeMember({}))
  const position: { lsn: string | undefined } = { lsn: '0/500' }
  const choice = await watched.replicas.choose(position, new Set())
  assert.deepEqual([choice.reason, position.lsn], ['written', '0/500'])
})

test('asks the primary once more before it forgets a position beyond what it knew', async () => {
  const leader = primary()
  await using watched = watching(60_000, leader, new FakeMember({}))
  await watched.choose()
  leader.says = { replica: false, end: '0/300' }
  const position: { lsn: string | undefined } = { lsn: '0/200' }
  assert.equal((await watched.replicas.choose(position, new Set())).reason, 'written')
  assert.equal(position.lsn, '0/200')
  const beyond: { lsn: string | undefined } = { lsn: '0/400' }
  assert.equal((await watched.replicas.choose(beyond, new Set())).reason, 'fresh')
  assert.equal(beyond.lsn, undefined)
})

test('asks nobody when there are no replicas, and after it was closed', async () => {
  const watched = watching(1000)
  assert.deepEqual(await watched.choose(), { member: undefined, reason: 'none' })
  await watched.replicas.close()
})
