import assert from 'node:assert/strict'
import { until, type Case, type Suite } from '../../conformance.ts'
import { isAshlarError, type Code } from '../../errors.ts'
import { hashOf, newId } from './data.ts'
import type { NewSession, SessionDriver } from './driver.ts'
import { OpenSessions } from './open.ts'
import type { Sessions } from './sessions.ts'

/** What a driver needs for the suite. */
export interface SessionsHarness {
  /**
   * One more driver on the same store, which is empty at first, as another process would open it; the harness closes it.
   * @param name of the block; default one and the same
   */
  driver(name?: string): Promise<SessionDriver>
  codeOf(error: unknown): Code | undefined
}

const minute = 60_000
/** For what is due within 100 ms. */
const patienceMs = 3_000
const settings = {
  name: 'sid',
  sameSite: 'lax',
  idleMs: 10 * minute,
  absoluteMs: 60 * minute,
  maxAgeMs: 60 * minute,
} as const

async function handle(harness: SessionsHarness): Promise<Sessions> {
  return over(harness, await harness.driver())
}

/** The portable type over a driver of the harness. */
function over(harness: SessionsHarness, driver: SessionDriver): Sessions {
  const codeOf = (error: unknown) => harness.codeOf(error)
  return new OpenSessions({ name: 'logins', driver, scheme: 'tested', codeOf, settings })
}

function fresh(changes: Partial<NewSession> = {}): NewSession {
  return {
    idHash: hashOf(newId())!,
    user: 'ada',
    data: '{"a":1}',
    idleMs: settings.idleMs,
    absoluteMs: settings.absoluteMs,
    ...changes,
  }
}

async function gone(work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => isAshlarError(error, 'not_found'))
}

const cases: Case<SessionsHarness>[] = [
  {
    name: 'a session is found by its id in every process, with user and data',
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      const made = await here.create('ada', { cart: [1, 2] })
      const found = await there.get(made.id)
      assert.deepEqual([found?.user, found?.data, found?.id], ['ada', { cart: [1, 2] }, made.id])
      assert.ok(Math.abs(found!.createdAt.getTime() - made.createdAt.getTime()) < minute)
      assert.ok(found!.expiresAt.getTime() > Date.now() + settings.idleMs / 2)
      assert.equal((await there.get((await here.create()).id))?.user, undefined)
    },
  },
  {
    name: "what is no id, or nobody's, is answered with undefined",
    async run(harness) {
      const logins = await handle(harness)
      for (const id of ['', 'x', newId(), `${newId()}x`, "' or 1=1", undefined as unknown as string])
        assert.equal(await logins.get(id), undefined)
      await gone(logins.update(newId(), { a: 1 }))
      await gone(logins.rotate(newId()))
      await logins.end(newId())
    },
  },
  {
    name: 'the store never sees an id, only its hash',
    async run(harness) {
      const seen: unknown[] = []
      const driver = await harness.driver()
      const logins = over(
        harness,
        watched(driver, (args) => seen.push(args)),
      )
      const first = await logins.create('ada')
      const second = await logins.rotate(first.id, 'ada')
      await logins.update(second.id, { a: 1 })
      await logins.get(second.id)
      await logins.endAll('ada', second.id)
      await logins.end(second.id)
      assert.ok(seen.length >= 6)
      for (const { id } of [first, second]) assert.ok(!JSON.stringify(seen).includes(id))
    },
  },
  {
    name: 'what is acknowledged is what the next request of any process sees',
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      let { id } = await here.create('ada', { step: 0 })
      for (let step = 1; step <= 100; step++) {
        await here.update(id, { step })
        if (step % 10 === 0) id = (await here.rotate(id)).id
        assert.deepEqual((await there.get(id))?.data, { step })
      }
    },
  },
  {
    name: '50 parallel updates of their own keys from several processes all hold',
    async run(harness) {
      const handles = [await handle(harness), await handle(harness), await handle(harness)]
      const { id } = await handles[0]!.create('ada', { before: true })
      const keys = Array.from({ length: 50 }, (_, i) => `key${i}`)
      await Promise.all(keys.map((key, i) => handles[i % handles.length]!.update(id, { [key]: i })))
      const data = (await handles[1]!.get(id))!.data
      assert.deepEqual(data, { before: true, ...Object.fromEntries(keys.map((key, i) => [key, i])) })
    },
  },
  {
    name: 'an update that another one overtakes holds, and so does the other',
    async run(harness) {
      const [driver, there] = [await harness.driver(), await handle(harness)]
      let overtaken = 0
      const overtake = async () => {
        if (overtaken++ < 3) await there.update(id, { [`other${overtaken}`]: overtaken })
      }
      const here = over(harness, { ...bound(driver), read: readThen(driver, overtake) })
      const { id } = await there.create('ada')
      const { data } = await here.update(id, { mine: 0 })
      assert.deepEqual(data, { other1: 1, other2: 2, other3: 3, mine: 0 })
      assert.deepEqual((await there.get(id))!.data, data)
    },
  },
  {
    name: 'an update replaces the version it read and no other',
    async run(harness) {
      const driver = await harness.driver()
      const session = fresh()
      await driver.insert(session)
      assert.equal((await driver.read(session.idHash, minute))?.version, 1)
      const raced = await Promise.all([1, 2, 3, 4].map((n) => driver.update(session.idHash, 1, `{"n":${n}}`)))
      assert.equal(raced.filter(Boolean).length, 1)
      const found = (await driver.read(session.idHash, minute))!
      assert.deepEqual([found.version, found.data], [2, `{"n":${raced.indexOf(true) + 1}}`])
      assert.equal(await driver.update(session.idHash, 3, '{}'), false)
    },
  },
  {
    name: 'ends after its idle time, for every call',
    async run(harness) {
      const driver = await harness.driver()
      const session = fresh({ idleMs: 40 })
      await driver.insert(session)
      await until('it ends', async () => (await driver.stats()).live === 0, patienceMs)
      assert.equal(await driver.read(session.idHash, minute), undefined)
      assert.equal(await driver.update(session.idHash, 1, '{}'), false)
      assert.equal(await driver.rotate(session.idHash, hashOf(newId())!, undefined), false)
      assert.equal(await driver.deleteUser('ada'), 0)
      assert.equal(await driver.read(session.idHash, minute), undefined)
    },
  },
  {
    name: 'does not end before its time',
    async run(harness) {
      const driver = await harness.driver()
      const [short, long] = [fresh({ idleMs: 30 }), fresh({ idleMs: minute })]
      await driver.insert(long)
      await driver.insert(short)
      await until('the short one ends', async () => !(await driver.read(short.idHash, 1)), patienceMs)
      assert.ok(await driver.read(long.idHash, minute))
    },
  },
  {
    name: 'a read prolongs the idle time once a tenth of it has passed, not sooner',
    async run(harness) {
      const driver = await harness.driver()
      const session = fresh({ idleMs: minute })
      await driver.insert(session)
      const first = (await driver.read(session.idHash, minute))!.expiresInMs
      const second = (await driver.read(session.idHash, minute))!.expiresInMs
      assert.ok(first < minute + 1 && second < first + 1, 'the time runs on')
      const prolonged = (await driver.read(session.idHash, 2 * minute))!.expiresInMs
      assert.ok(prolonged > 1.9 * minute && prolonged < 2 * minute + 1, `${prolonged} ms are left`)
      assert.ok((await driver.read(session.idHash, 2 * minute))!.expiresInMs > 1.9 * minute, 'and it is kept')
    },
  },
  {
    name: 'nothing prolongs a session past its absolute end',
    async run(harness) {
      const driver = await harness.driver()
      const [session, short] = [fresh({ idleMs: minute, absoluteMs: minute }), fresh({ idleMs: 80, absoluteMs: 80 })]
      await driver.insert(session)
      await driver.insert(short)
      assert.ok((await driver.read(session.idHash, 10 * minute))!.expiresInMs < minute + 1)
      const next = hashOf(newId())!
      assert.equal(await driver.rotate(session.idHash, next, 'ada'), true)
      assert.ok((await driver.read(next, 10 * minute))!.expiresInMs < minute + 1)
      await until(
        'it ends though it is read all the time',
        async () => !(await driver.read(short.idHash, 10 * minute)),
        patienceMs,
      )
    },
  },
  {
    name: 'rotation moves everything to a new id and ends the old one at once',
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      const anonymous = await here.create(undefined, { cart: [7] })
      const known = await here.rotate(anonymous.id, 'ada')
      assert.notEqual(known.id, anonymous.id)
      assert.deepEqual([known.user, known.data], ['ada', { cart: [7] }])
      assert.equal(await there.get(anonymous.id), undefined)
      await gone(there.update(anonymous.id, { a: 1 }))
      const again = await there.rotate(known.id)
      assert.equal(again.user, 'ada', 'without a user the one it has stays')
      assert.equal(again.createdAt.getTime(), known.createdAt.getTime())
    },
  },
  {
    name: 'of two rotations of one id at once, one wins and one session is left',
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      const { id } = await here.create('ada')
      const outcomes = await Promise.allSettled([here.rotate(id), there.rotate(id)])
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      assert.equal((await here.stats())['live'], 1)
    },
  },
  {
    name: "endAll ends every session of that user but the one named, and nobody else's",
    async run(harness) {
      const [here, there] = [await handle(harness), await handle(harness)]
      const [a, b, kept] = [await here.create('ada'), await here.create('ada'), await here.create('ada')]
      const [bob, nobody] = [await here.create('bob'), await here.create()]
      assert.equal(await there.endAll('ada', kept.id), 2)
      for (const { id } of [a, b]) assert.equal(await here.get(id), undefined)
      for (const { id } of [kept, bob, nobody]) assert.ok(await here.get(id))
      assert.equal(await there.endAll('ada'), 1)
      assert.equal(await there.endAll('ada'), 0)
    },
  },
  {
    name: 'a log-out is not undone by a request that was under way',
    async run(harness) {
      const driver = await harness.driver()
      const logins = over(harness, driver)
      const { id } = await logins.create('ada', { a: 1 })
      const slow = over(harness, { ...bound(driver), read: readThen(driver, () => logins.end(id)) })
      await gone(slow.update(id, { b: 2 }))
      assert.equal(await logins.get(id), undefined)
      assert.equal((await logins.stats())['live'], 0)
    },
  },
  {
    name: 'data comes back as it was, whatever is in it',
    async run(harness) {
      const logins = await handle(harness)
      const data = {
        nul: 'a\0b',
        lone: '\ud800',
        smile: '😀'.repeat(800),
        ['__proto__']: 1,
        nested: { list: [null, 0, ''] },
        big: 'x'.repeat(100_000),
      }
      const { id } = await logins.create('ünï 😀', data)
      const found = (await logins.get(id))!
      assert.deepEqual(found.data, JSON.parse(JSON.stringify(data)))
      assert.equal(found.user, 'ünï 😀')
      const changed = await logins.update(id, { nul: undefined, ['__proto__']: 2 })
      assert.equal('nul' in changed.data, false)
      assert.equal(Object.getOwnPropertyDescriptor((await logins.get(id))!.data, '__proto__')?.value, 2)
    },
  },
  {
    name: 'blocks of other names in the same store are apart',
    async run(harness) {
      const [mine, theirs] = [await harness.driver('mine'), await harness.driver('theirs')]
      const session = fresh()
      await mine.insert(session)
      assert.equal(await theirs.read(session.idHash, minute), undefined)
      assert.equal(await theirs.deleteUser('ada'), 0)
      await theirs.delete(session.idHash)
      assert.deepEqual([await mine.stats(), await theirs.stats()], [{ live: 1 }, { live: 0 }])
    },
  },
]

/** What `sessions` promises, whatever stands behind it. */
export const sessionsSuite: Suite<SessionsHarness> = { block: 'sessions', cases }

function bound(driver: SessionDriver): SessionDriver {
  return {
    insert: (session) => driver.insert(session),
    read: (idHash, idleMs) => driver.read(idHash, idleMs),
    update: (idHash, expected, data) => driver.update(idHash, expected, data),
    rotate: (idHash, toIdHash, user) => driver.rotate(idHash, toIdHash, user),
    delete: (idHash) => driver.delete(idHash),
    deleteUser: (user, except) => driver.deleteUser(user, except),
    stats: () => driver.stats(),
    close: () => driver.close(),
  }
}

/** Reads, then lets something happen before the answer is used. */
function readThen(driver: SessionDriver, then: () => Promise<void>): SessionDriver['read'] {
  return async (idHash, idleMs) => {
    const found = await driver.read(idHash, idleMs)
    await then()
    return found
  }
}

function watched(driver: SessionDriver, saw: (args: unknown[]) => void): SessionDriver {
  return new Proxy(bound(driver), {
    get(target, property, receiver) {
      const method: unknown = Reflect.get(target, property, receiver)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => (saw(args), Reflect.apply(method, target, args))
    },
  })
}
