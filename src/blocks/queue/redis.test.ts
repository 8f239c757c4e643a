import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { contextOf } from '../../../test/context.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { openProxy } from '../../../test/faults/proxy.ts'
import { commonCode } from '../../block.ts'
import { until } from '../../conformance.ts'
import { settledWithin } from '../../deadline.ts'
import { isAshlarError, type Code } from '../../errors.ts'
import { postgres, redis } from '../../native.ts'
import type { Client } from '../../redis/connection.ts'
import type { Outgoing, QueueDriver } from './driver.ts'
import { queue } from './index.ts'
import { codeOf, open } from './redis.ts'

const { url, skip } = await engineFor('redis')
const { hostname, port } = new URL(url ?? 'redis://127.0.0.1:6379')
const never = new AbortController().signal
const named = () => `t${crypto.randomUUID().slice(0, 8)}`
const openAs = (name: string, at = url!) => open(contextOf(at, name, { service: '' }))
const clientOf = ({ native }: QueueDriver) => (native as { client: Client }).client

const message = (body: unknown, more: Partial<Outgoing> = {}): Outgoing => {
  return { body: JSON.stringify(body), headers: {}, delayMs: 0, priority: 0, ...more }
}
const take = (driver: QueueDriver, max = 100) => driver.receive({ max, leaseMs: 60_000, waitMs: 0, signal: never })

function fails(code: Code, says: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.equal(isAshlarError(error) ? error.code : (codeOf(error) ?? commonCode(error)), code, String(error))
    assert.match(String(error), says)
    assert.doesNotMatch(JSON.stringify([String(error), error, (error as Error).cause]), /s3cret/)
    return true
  }
}

test('scripts that the server forgot are sent again', { skip }, async () => {
  await using jobs = await queue<number>(named(), { url: url! })
  await jobs.send(1)
  await jobs.native(redis).client.script('FLUSH')
  const seen: number[] = []
  jobs.work(({ payload }) => void seen.push(payload))
  await jobs.send(2)
  await until('both are handled', () => seen.length === 2)
})

test('nothing is left in Redis once all is done, except counters', { skip }, async () => {
  const driver = await openAs(named())
  const { prefix } = driver.native as { prefix: string }
  await driver.send([
    message(1),
    message(2, { key: 'k' }),
    message(3, { key: 'k', priority: 9 }),
    message(4, { dedupe: { key: 'd', windowMs: 1_000 } }),
  ])
  for (let done = 0; done < 4;) {
    const lent = await take(driver)
    for (const [n, { token, attempt }] of lent.entries()) {
      const outcome = attempt === 1 && n === 0 ? 'retry' : 'done'
      await driver.settle([{ token, outcome, delayMs: 0, error: 'x' }])
      if (outcome === 'done') done++
    }
  }
  const { id } = (await driver.send([message('dead')]).then(() => take(driver)))[0]!
  assert.equal(await driver.jobs!.cancel([id]), 1)
  await until('the window has ended', async () => {
    await driver.send([message('sweeps')])
    await driver.settle((await take(driver)).map(({ token }) => ({ token, outcome: 'done' })))
    return (await clientOf(driver).keys(`${prefix}:*`)).length === 1
  })
  assert.deepEqual(await clientOf(driver).keys(`${prefix}:*`), [`${prefix}:counters`])
  await clientOf(driver).del(`${prefix}:counters`)
  await driver.close()
})

test('one call settles and redrives any number, in parts', { skip }, async () => {
  const driver = await openAs(named())
  const ids = await driver.send(Array.from({ length: 1_200 }, (_, n) => message(n)))
  const settle = async (outcome: 'dead' | 'done') => {
    const lent = await take(driver, 2_000)
    const held = await driver.settle(lent.map(({ token }) => ({ token, outcome, error: 'x' })))
    assert.deepEqual([held.length, held.every(Boolean)], [1_200, true])
  }
  await settle('dead')
  assert.deepEqual(
    (await driver.dead({ limit: 2_000 })).map(({ id }) => id),
    ids,
  )
  assert.equal((await driver.dead({ limit: 700 })).length, 700)
  assert.equal(await driver.redrive(ids.slice(0, 600)), 600)
  assert.equal(await driver.redrive('all'), 600)
  await settle('done')
  assert.equal((await driver.stats()).dead, 0)
  await driver.close()
})

test('what is ready comes in parts where it would be too much for one answer', { skip }, async () => {
  const driver = await openAs(named())
  const body = 'x'.repeat(1024 ** 2 - 2)
  await driver.send(Array.from({ length: 10 }, () => message(body)))
  const first = await take(driver)
  assert.ok(first.length >= 7 && first.length < 10, `${first.length} of 10`)
  const rest = await take(driver)
  assert.equal(first.length + rest.length, 10)
  await driver.settle([...first, ...rest].map(({ token }) => ({ token, outcome: 'done' })))
  await driver.close()
})

test('a payload at the limit in bytes arrives, one above it is refused, others unharmed', { skip }, async () => {
  await using jobs = await queue<string>(named(), { url: url! })
  const seen: number[] = []
  const largest = '中'.repeat((1024 ** 2 - 2) / 3)
  await assert.rejects(jobs.send(`${largest}中`), fails('invalid_argument', /1048576/))
  await jobs.send(largest)
  jobs.work(({ payload }) => void seen.push(payload.length))
  await until('it arrives', () => seen.length === 1)
  assert.deepEqual(seen, [largest.length])
})

test('reaches a server on whichever address localhost has', { skip }, async () => {
  for (const { address } of await lookup('localhost', { all: true })) {
    await using way = await openProxy({ host: hostname, port: Number(port) }, address)
    await using jobs = await queue<number>(named(), { url: `redis://localhost:${way.port}` })
    await jobs.send(1)
  }
})

test(
  'bad URLs and absent servers are told with code, value and fix, and never with the password',
  { skip },
  async () => {
    const openIt = (at: string) => queue('jobs', { url: at })
    await assert.rejects(openIt('redis://u:s3cret@127.0.0.1:1'), fails('unavailable', /ECONNREFUSED/))
    await assert.rejects(openIt(`redis://u:s3cret@${hostname}:${port}`), fails('unauthorized'))
    await assert.rejects(openIt(`redis://${hostname}:${port}?tls=yes`), fails('invalid_argument', /'tls'.*cluster/))
    await assert.rejects(
      openIt(`redis://${hostname}:${port}?cluster=yes`),
      fails('unavailable', /cluster support disabled/),
    )
    await assert.rejects(openIt(`rediss://u:s3cret@${hostname}:${port}`), (error) => isAshlarError(error))
  },
)

test('its client is at hand, typed, for this driver alone', { skip }, async () => {
  await using jobs = await queue<number>(named(), { url: url! })
  const { client, prefix } = jobs.native(redis)
  await jobs.send(1)
  assert.equal(await client.hget(`${prefix}:counters`, 'seq'), '1')
  assert.throws(() => jobs.native(postgres), { code: 'unsupported' })
})

test('users of one URL share one connection, which ends with the last of them', { skip }, async () => {
  await using way = await openProxy({ host: hostname, port: Number(port) })
  const at = `redis://127.0.0.1:${way.port}`
  const [one, two] = [await openAs(named(), at), await openAs(named(), at)]
  await one.send([message(1)])
  await one.close()
  await one.close()
  await two.send([message(1)])
  assert.equal(way.accepted, 1)
  await two.close()
  await assert.rejects(two.send([message(1)]), fails('unavailable'))
})

test(
  'every call ends in time on a link that is silent, and works again after it',
  { skip, timeout: 60_000 },
  async () => {
    await using way = await openProxy({ host: hostname, port: Number(port) })
    const driver = await openAs(named(), `redis://127.0.0.1:${way.port}`)
    const waiting = driver.receive({ max: 1, leaseMs: 1_000, waitMs: 60_000, signal: never }).catch(() => 'failed')
    await driver.send([message('before', { delayMs: 60_000 })])
    way.freeze()
    const asked = [
      driver.send([message('lost')]),
      driver.receive({ max: 1, leaseMs: 1_000, waitMs: 0, signal: never }),
      driver.settle([{ token: '0000000000000001.00000000000000019-', outcome: 'done' }]),
      driver.stats(),
      driver.dead({ limit: 1 }),
      driver.redrive('all'),
    ]
    const failed = asked.map((each) => assert.rejects(each, fails('timeout')))
    assert.ok(await settledWithin(Promise.all([...failed, waiting]), 30_000), 'a call outlived 30 s')
    await Promise.all(failed)
    way.heal()
    await until(
      'it works again',
      () =>
        driver.send([message('after')]).then(
          () => true,
          () => false,
        ),
      20_000,
    )
    const closedMs = performance.now()
    way.freeze()
    await driver.close()
    assert.ok(performance.now() - closedMs < 5_000, 'closing took too long')
  },
)

test(
  'whoever asks again at once while the connection breaks does not keep the process from hearing of it',
  { skip },
  async () => {
    const driver = await openAs(named())
    await driver.send([message(1)])
    const { stream } = clientOf(driver) as unknown as { stream: Socket }
    stream.destroy() // the client is told in a later turn
    let tries = 0
    const isSent = () =>
      driver.send([message(2)]).then(
        () => true,
        () => false,
      )
    while (!(await isSent())) assert.ok(++tries < 10_000, 'the turn never came')
    await driver.close()
  },
)

test('a worker on a port that nobody listens on any more can be closed', { skip }, async () => {
  const way = await openProxy({ host: hostname, port: Number(port) })
  const jobs = await queue<number>(named(), { url: `redis://127.0.0.1:${way.port}` })
  jobs.work(() => undefined)
  await way[Symbol.asyncDispose]()
  await until('it is unwell', async () => !(await jobs.health()).ok)
  const closedMs = performance.now()
  await jobs.close()
  assert.ok(performance.now() - closedMs < 5_000, 'closing took too long')
})
