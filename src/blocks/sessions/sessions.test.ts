import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { until } from '../../conformance.ts'
import { registry } from '../../telemetry.ts'
import type { HandleOf, OpenContext } from '../../block.ts'
import type { SessionDriver } from './driver.ts'
import { codeOf, open as openMemory } from './memory.ts'
import { sessions, type Session, type Sessions } from './index.ts'

const invalid = (text: RegExp) => (error: unknown) =>
  isAshlarError(error, 'invalid_argument') && text.test(error.message)

test('opens alone, and declares for a blueprint with the type of its data', async () => {
  await using logins = await sessions<{ cart: string[] }>('logins', { url: 'memory:' })
  const made = await logins.create('ada', { cart: ['x'] })
  const cart: readonly string[] = made.data.cart
  assert.deepEqual(cart, ['x'])
  assert.deepEqual([logins.kind, logins.driver, logins.name], ['sessions', 'memory', 'logins'])
  const declared = sessions<{ cart: string[] }>({ idle: '1h', because: 'log-ins' })
  const typed: Sessions<{ cart: string[] }> | undefined = undefined as HandleOf<typeof declared> | undefined
  assert.equal(typed, undefined)
  // @ts-expect-error the data has no such key
  await assert.doesNotReject(logins.update(made.id, { basket: 1 }))
})

test('options are checked when declared; each message names value, range and fix', () => {
  assert.throws(() => sessions({ idle: '1s' }), invalid(/idle.*'1s'.*60000 to/))
  assert.throws(() => sessions({ idle: '401d' }), invalid(/idle.*'401d'/))
  assert.throws(() => sessions({ idle: '40d', absolute: '1d' }), invalid(/absolute.*'1d'.*3456000000 to/))
  assert.throws(() => sessions({ sameSite: 'Lax' as 'lax' }), invalid(/'Lax'.*'lax', 'strict', 'none'/))
  assert.throws(() => sessions({ cookie: 'my id' }), invalid(/'my id'/))
  assert.throws(() => sessions({ cookie: 'x'.repeat(5000) }), invalid(/bytes long.*4096/))
  assert.throws(() => sessions({ tll: 1 } as object), invalid(/'tll'.*idle/))
  assert.doesNotThrow(() => sessions({ idle: '90d' }))
})

test('bad users and data are refused; each message names value, range and fix', async () => {
  await using logins = await sessions('logins', { url: 'memory:' })
  await assert.rejects(logins.create(''), invalid(/0 characters.*1 to 512/))
  await assert.rejects(logins.create('a\0b'), invalid(/without NUL/))
  await assert.rejects(logins.create('\ud800'), invalid(/1 to 512/))
  await assert.rejects(logins.create('a', [] as object), invalid(/an array/))
  await assert.rejects(logins.create('a', { big: 'x'.repeat(2 ** 21) }), invalid(/\d{7} bytes.*1048576/))
  await assert.rejects(logins.create('a', { n: 1n }), invalid(/not JSON/))
  const { id } = await logins.create('a')
  await assert.rejects(logins.update(id, null as unknown as object), invalid(/null/))
  await assert.rejects(sessions('logins', { url: 'memory:x?y=1' }), invalid(/memory:NAME/))
  await assert.rejects(sessions('logins', { url: 'oracle://x' }), (error) => isAshlarError(error, 'unsupported'))
})

test('a request carries a session in, a response carries it out', async () => {
  await using logins = await sessions('logins', { url: 'memory:' })
  const made = await logins.create('ada')
  const request = (cookie: string) =>
    new Request('http://127.0.0.1/', { headers: { cookie, 'X-Forwarded-Proto': 'https' } })
  const cookie = logins.cookie(made, request(''))
  assert.match(cookie, /^__Host-sid=[\w-]{43}; .*Secure$/)
  const pair = cookie.split(';')[0]!
  assert.equal((await logins.of(request(`theme=dark; ${pair}`)))?.user, 'ada')
  assert.equal(await logins.of(request(`theme=dark; ${pair}x`)), undefined)
  assert.equal(await logins.of(request('')), undefined)
  await logins.end(made.id)
  assert.equal(await logins.of(request(pair)), undefined)
})

test('5 kB of data, or 3 kB of emoji, do not change the size of the cookie', async () => {
  await using logins = await sessions('logins', { url: 'memory:' })
  const request = new Request('https://a.example/')
  const sizes = new Set<number>()
  for (const data of [{}, { text: 'x'.repeat(5000) }, { text: '😀'.repeat(750) }]) {
    const made = await logins.create('ada', data)
    sizes.add(logins.cookie(made, request).length)
    assert.deepEqual((await logins.get(made.id))!.data, data)
  }
  assert.equal(sizes.size, 1)
})

/** A store that is slow, or away for some calls. */
function shaky(over: (driver: SessionDriver) => Partial<SessionDriver>) {
  return {
    shaky: async () => ({
      codeOf,
      async open(context: OpenContext) {
        const driver = await openMemory({ ...context, url: 'memory:' })
        const changes = over(driver)
        return new Proxy(driver, {
          get(target, property) {
            const value: unknown = Reflect.get(changes, property) ?? Reflect.get(target, property, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      },
    }),
  }
}

test('with a slow store the request after a redirect sees the new session, always', async () => {
  const slow = (driver: SessionDriver): Partial<SessionDriver> => ({
    async insert(session) {
      await new Promise((next) => setTimeout(next, 5))
      await driver.insert(session)
    },
  })
  await using logins = await sessions('logins', { url: 'shaky:', drivers: shaky(slow) })
  for (let i = 0; i < 100; i++) {
    const made = await logins.create('ada', { i })
    assert.deepEqual((await logins.get(made.id))?.data, { i })
  }
})

test('a store that is away for a moment is asked again, and an insert whose answer was lost is not made twice', async () => {
  let failures = 0
  const lost = () => Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
  const flaky = (driver: SessionDriver): Partial<SessionDriver> => ({
    async insert(session) {
      if (failures === 0) await driver.insert(session)
      else if (await driver.read(session.idHash, 1)) throw Object.assign(new Error('duplicate'), { code: '23505' })
      if (failures++ === 0) throw lost()
    },
    async rotate(idHash, toIdHash, user) {
      const moved = await driver.rotate(idHash, toIdHash, user)
      if (failures++ === 2) throw lost()
      return moved
    },
  })
  await using logins = await sessions('logins', { url: 'shaky:', drivers: shaky(flaky) })
  const made = await logins.create('ada')
  assert.equal((await logins.get(made.id))?.user, 'ada')
  assert.equal((await logins.rotate(made.id)).user, 'ada', 'moved, though the first answer was lost')
})

test('a store that stays away is an error with a code, once wrapped', async () => {
  const away = (): Partial<SessionDriver> => ({
    read: () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })),
  })
  await using logins = await sessions('logins', { url: 'shaky:', drivers: shaky(away) })
  const { id } = await logins.create('ada')
  await assert.rejects(logins.get(id), (error) => isAshlarError(error, 'unavailable') && error.retryable)
  assert.equal((await logins.health()).ok, false)
})

test('closed is closed, twice is harmless, and what it measures is told', async () => {
  const logins = await sessions('measured', { url: 'memory:' })
  const made: Session<Record<string, unknown>> = await logins.create('ada')
  assert.deepEqual(await logins.health(), { ok: true })
  assert.deepEqual(await logins.stats(), { live: 1 })
  assert.match(await registry.metrics(), /ashlar_sessions_live\{block="measured",driver="memory"\} 1/)
  await logins.close()
  await logins.close()
  await assert.rejects(logins.get(made.id), (error) => isAshlarError(error, 'closed'))
  assert.equal((await logins.health()).ok, false)
  assert.doesNotMatch(await registry.metrics(), /ashlar_sessions_live\{block="measured"/)
})

test('handles of one name share a memory store until the last closes; private ones do not', async () => {
  const one = await sessions('logins', { url: 'memory:shared' })
  const two = await sessions('logins', { url: 'memory:shared' })
  await using apart = await sessions('logins', { url: 'memory:' })
  const { id } = await one.create('ada')
  await one.close()
  assert.ok(await two.get(id))
  assert.equal(await apart.get(id), undefined)
  await two.close()
  await using three = await sessions('logins', { url: 'memory:shared' })
  await until('it is a new store', async () => (await three.get(id)) === undefined)
})
