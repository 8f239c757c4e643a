import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { contextOf } from '../../../test/context.ts'
import { silent, type OpenContext } from '../../block.ts'
import { altered, until } from '../../conformance.ts'
import { isAshlarError } from '../../errors.ts'
import { openSql } from '../../postgres/open.ts'
import { registry } from '../../telemetry.ts'
import type { Keep } from './driver.ts'
import { topic, type PublishOptions, type SubscribeOptions, type Topic, type TopicOptions } from './index.ts'
import * as memory from './memory.ts'
import { OpenTopic } from './open-topic.ts'

function says(...parts: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isAshlarError(error, 'invalid_argument'), String(error))
    for (const part of parts) assert.match(error.message, part)
    return true
  }
}

test('bad options and arguments are refused, naming value, range and fix', async () => {
  assert.throws(() => topic({ shema: 1 } as TopicOptions<unknown>), says(/shema/, /schema/))
  await using events = await topic<number>('events', { url: 'memory:' })
  const published: [PublishOptions, ...RegExp[]][] = [
    [{ attributes: { kind: '' } }, /attributes.kind/, /0 bytes/, /1 to 256/],
    [{ attributes: { ['中'.repeat(100)]: 'x' } }, /300 bytes/],
    [{ attributes: { kind: 3 as unknown as string } }, /attributes.kind/, /number/],
    [{ attributes: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`a${n}`, 'x'])) }, /11/, /at most 10/],
    [{ key: 'a\0' }, /key/, /NUL/],
    [{ keey: 'a' } as PublishOptions, /keey/],
  ]
  for (const [options, ...parts] of published) await assert.rejects(events.publish(1, options), says(...parts))
  const subscribed: [string, SubscribeOptions, ...RegExp[]][] = [
    ['no name', {}, /no name/, /letters/],
    ['a', { attempts: 0 }, /attempts/, /1 to 1000/],
    ['a', { filter: { kind: [] } }, /filter.kind/, /1 to 100/],
    ['a', { fliter: {} } as SubscribeOptions, /fliter/, /filter/],
    ['a', { keep: { age: '1ms' } }, /keep.age/, /1000 to/],
    ['a', { keep: { messages: 0 } }, /keep.messages/, /1 to 1000000000/],
    ['a', { keep: { size: 1 } as object }, /size/, /age/],
  ]
  for (const [name, options, ...parts] of subscribed)
    await assert.rejects(
      events.subscribe(name, () => undefined, options),
      says(...parts),
    )
  assert.deepEqual(await events.subscriptions(), [])
})

test('a subscription that nobody consumes shows by its count and its age', async () => {
  await using events = await topic<number>('events', { url: 'memory:' })
  const consumer = await events.subscribe('gone', () => undefined)
  await consumer.close()
  await events.publishMany([1, 2, 3])
  await until('it ages', async () => (await events.subscriptions())[0]!.oldestAgeMs > 0)
  const [gone] = await events.subscriptions()
  assert.deepEqual([gone!.subscription, gone!.pending], ['gone', 3])
})

test('a subscription that nobody consumes is capped, and the loss is counted and logged', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const warned: object[] = []
  const log = { ...silent, warn: (fields: object) => void warned.push(fields) }
  await using events = await topic<number>().open(contextOf('memory:', 'capped', { log }))
  await (await events.subscribe('gone', () => undefined, { keep: { messages: 2 } })).close()
  await events.publishMany([1, 2, 3, 4, 5])
  t.mock.timers.tick(75_000)
  await until('it is trimmed', async () => (await events.subscriptions())[0]!.dropped > 0)
  const [gone] = await events.subscriptions()
  assert.deepEqual([gone!.pending, gone!.dropped], [2, 3])
  await until('it is logged', () => warned.length > 0)
  assert.deepEqual(warned, [{ block: 'capped', dropped: { gone: 3 } }])
  assert.match(await registry.metrics(), /ashlar_topic_dropped_total\{block="capped",subscription="gone"\} 3/)
})

test('a driver that cannot keep a number of messages refuses to be asked for it, and is not asked by default', async () => {
  const context = contextOf('memory:', 'events')
  const driver = await memory.open(context)
  const kept: Keep[] = []
  const lacking = altered(driver, {
    capabilities: { ...driver.capabilities, keepsMessages: false },
    subscribe: (subscription) => (kept.push(subscription.keep), driver.subscribe(subscription)),
  })
  const parts = { context, driver: lacking, options: {}, scheme: 'tested', codeOf: () => undefined }
  await using events = await OpenTopic.open<number>(parts)
  const refused = events.subscribe('a', () => undefined, { keep: { messages: 5 } })
  await assert.rejects(refused, (error) => isAshlarError(error, 'unsupported'))
  await events.subscribe('a', () => undefined, { keep: { age: '1h' } })
  assert.deepEqual(kept, [{ ms: 3_600_000, messages: Infinity }])
})

test('on memory a subscription that is full drops its oldest at once, and publishing goes on', async () => {
  const driver = await memory.open(contextOf('memory:', 'events'))
  await driver.subscribe({ name: 'full', filter: {}, keep: { ms: 60_000, messages: Infinity } })
  const batch = Array.from({ length: 250_000 }, () => ({ body: '1', headers: {}, attributes: {} }))
  for (let n = 0; n < 5; n++) await driver.publish(batch)
  const [full] = await driver.stats()
  assert.deepEqual([full!.pending, full!.dropped], [1_000_000, 250_000])
  assert.deepEqual(await driver.trim(), [{ subscription: 'full', dropped: 250_000 }])
  await driver.close()
})

test('an engine without transactions gets what was committed, through the outbox', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  const context: OpenContext = {
    name: 'events',
    service: 'shop',
    url: 'memory:',
    databaseUrl: db.url,
    folder: '.ashlar',
    secret: '',
    relays: true,
    log: silent,
    block: () => assert.fail('no other block'),
  }
  await using events = await topic<number>().open(context)
  const seen: unknown[] = []
  await events.subscribe('a', ({ payload, attributes }) => void seen.push([payload, attributes]))
  await sql.transaction((tx) => events.publish(1, { tx, attributes: { kind: 'x' } }))
  await until('it is handled', () => seen.length === 1)
  assert.deepEqual(seen, [[1, { kind: 'x' }]])
})

test('what was published by a transaction that began before a subscription ended is swept away', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await using events = await topic<number>('events', { url: db.url })
  await (await events.subscribe('a', () => undefined)).close()
  await (await events.subscribe('b', () => undefined)).close()
  await sql.transaction(async (tx) => {
    await events.publish(1, { tx })
    await events.unsubscribe('a')
  })
  await events.unsubscribe('b')
  const { rows } = await sql.query('select count(*) as left from ashlar.topic_messages')
  assert.deepEqual(rows, [{ left: 0 }])
})

test('types follow from the type argument', async () => {
  await using events: Topic<{ to: string }> = await topic<{ to: string }>('events', { url: 'memory:' })
  await events.subscribe('a', (message) => void message.payload.to.length)
  // @ts-expect-error: a number is no { to: string }
  await events.publish(3)
})
