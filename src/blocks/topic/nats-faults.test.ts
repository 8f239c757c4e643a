import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../../../test/context.ts'
import { openProxy } from '../../../test/faults/proxy.ts'
import { ownEngineFor, startEngine } from '../../../test/servers/engines.ts'
import { until } from '../../conformance.ts'
import { settledWithin } from '../../deadline.ts'
import { commonCode } from '../../block.ts'
import type { Outgoing, TopicDriver } from './driver.ts'
import { topic } from './index.ts'
import { codeOf, open } from './nats.ts'

const { skip } = ownEngineFor('nats')
const keep = { ms: 7 * 86_400_000, messages: Infinity }
const never = new AbortController().signal
const now = { max: 100, leaseMs: 60_000, waitMs: 0, signal: never }

const message = (body: unknown): Outgoing => ({ body: JSON.stringify(body), headers: {}, attributes: {} })

/** True when it ended, however, within what the contract allows. */
const endsInTime = (work: Promise<unknown>) => settledWithin(work, 30_000)

test('kill -9 of the server in mid-flow loses nothing that was acknowledged', { skip }, async (t) => {
  await using own = await startEngine('nats')
  await using orders = await topic<number>('orders', { url: own.url })
  const seen = new Map<number, number>()
  await orders.subscribe('all', ({ payload }) => void seen.set(payload, (seen.get(payload) ?? 0) + 1), {
    visibility: '1s',
  })
  const acknowledged: number[] = []
  let next = 0
  let kills = 0
  const publish = async () => {
    while (acknowledged.length < 1_000) {
      const n = next++
      await orders.publish(n).then(
        () => void acknowledged.push(n),
        () => undefined,
      )
    }
  }
  const kill = async () => {
    for (const at of [200, 500, 800]) {
      await until(`${at} are acknowledged`, () => acknowledged.length >= at, 60_000)
      await own.kill()
      kills++
      await own.restart()
    }
  }
  await Promise.all([kill(), ...Array.from({ length: 8 }, publish)])
  await until('all are handled', () => acknowledged.every((n) => seen.has(n)), 60_000)
  const repeated = [...seen.values()].filter((times) => times > 1).length
  t.diagnostic(`${kills} kills: acknowledged ${acknowledged.length}, lost 0, repeated ${repeated}`)
  await until('all is settled', async () => (await orders.subscriptions())[0]!.pending === 0, 60_000)
})

test('after each of 20 restarts of the server a message arrives within 10 s', { skip }, async (t) => {
  await using own = await startEngine('nats')
  await using orders = await topic<number>('orders', { url: own.url })
  await using publisher = await topic<number>('orders', { url: `${own.url}/` })
  const seen = new Map<number, number>()
  await orders.subscribe('all', ({ payload }) => void seen.set(payload, performance.now()))
  let slowestMs = 0
  for (let round = 0; round < 20; round++) {
    await own.restart()
    const publish = () =>
      publisher.publish(round).then(
        () => true,
        () => false,
      )
    await until(`message ${round} is published`, publish, 30_000)
    const publishedMs = performance.now()
    await until(`message ${round} arrives`, () => seen.has(round), 10_000)
    slowestMs = Math.max(slowestMs, seen.get(round)! - publishedMs)
  }
  t.diagnostic(`20 restarts: the slowest message took ${Math.round(slowestMs)} ms`)
})

async function behind(own: { url: string }) {
  const port = Number(new URL(own.url).port)
  const proxy = await openProxy({ host: '127.0.0.1', port })
  const driver = await open(contextOf(`nats://127.0.0.1:${proxy.port}`, 'orders'))
  await driver.subscribe({ name: 'a', filter: {}, keep })
  return { proxy, driver }
}

/** Everything that may be asked of a driver; each must end. */
function askAll(driver: TopicDriver, token: string): Promise<unknown>[] {
  return [
    driver.publish([message(1)]),
    driver.publish([message(1), message(2)]),
    driver.subscribe({ name: 'b', filter: {}, keep }),
    driver.unsubscribe('c'),
    driver.receive('a', now),
    driver.receive('a', { ...now, waitMs: 5_000 }),
    driver.settle('a', [{ token, outcome: 'done' }]),
    driver.extend('a', [token], 60_000),
    driver.dead('a', { limit: 1 }),
    driver.redrive('a', 'all'),
    driver.stats(),
    driver.trim(),
  ]
}

for (const fault of ['cut', 'frozen'] as const)
  test(
    `with the network ${fault} every call ends, and works again afterwards, waiting receives too`,
    { skip },
    async () => {
      await using own = await startEngine('nats')
      const { proxy, driver } = await behind(own)
      await using _ = proxy
      try {
        await driver.publish([message('held')])
        const [held] = await driver.receive('a', now)
        const waiting = driver.receive('a', { ...now, max: 1, waitMs: 25_000 }).catch(() => [])
        if (fault === 'cut') proxy.cut()
        else proxy.freeze()
        const asked = askAll(driver, held!.token)
        for (const each of asked) each.catch(() => undefined)
        assert.ok(await endsInTime(Promise.allSettled(asked)), 'some call did not end')
        const ended = await Promise.allSettled(asked)
        const codes = ended.flatMap((each) =>
          each.status === 'rejected' ? [codeOf(each.reason) ?? commonCode(each.reason)] : [],
        )
        assert.ok(codes.length > 5, `${codes.length} calls failed`)
        for (const code of codes) assert.ok(code === 'unavailable' || code === 'timeout', `a call failed with ${code}`)
        assert.ok(await endsInTime(waiting), 'the waiting receive did not end')
        proxy.heal()
        await until(
          'it publishes again',
          () =>
            driver.publish([message('after')]).then(
              () => true,
              () => false,
            ),
          30_000,
        )
        const bodies: string[] = (await waiting).map(({ body }) => body)
        const receive = async () => {
          bodies.push(...(await driver.receive('a', { ...now, waitMs: 1_000 })).map(({ body }) => body))
          return bodies.includes('"after"')
        }
        await until('it receives again', receive, 30_000)
      } finally {
        const closing = driver.close()
        assert.ok(await settledWithin(closing, 5_000), 'close took too long')
      }
    },
  )

test('a server that stands still holds up no call, nor close', { skip }, async () => {
  await using own = await startEngine('nats')
  const driver = await open(contextOf(own.url, 'orders'))
  await driver.subscribe({ name: 'a', filter: {}, keep })
  await driver.publish([message('held')])
  const [held] = await driver.receive('a', now)
  own.pause()
  try {
    const asked = askAll(driver, held!.token)
    assert.ok(await endsInTime(Promise.allSettled(asked)), 'some call did not end')
    assert.ok(await settledWithin(driver.close(), 5_000), 'close took too long')
    await assert.rejects(
      open(contextOf(own.url, 'orders')),
      (error) => (codeOf(error) ?? commonCode(error)) === 'timeout',
    )
  } finally {
    own.resume()
  }
})
