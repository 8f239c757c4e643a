import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../../../test/context.ts'
import { openProxy } from '../../../test/faults/proxy.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import type { SNS } from '@aws-sdk/client-sns'
import type { SQS } from '@aws-sdk/client-sqs'
import { policyOf, passes } from '../../aws/sns/filter.ts'
import { envelopeOf } from '../../aws/sqs/message.ts'
import { until } from '../../conformance.ts'
import { isAshlarError, type Code } from '../../errors.ts'
import * as natives from '../../native.ts'
import { topic } from './index.ts'
import { codeOf, open } from './sns.ts'

interface SnsNative {
  sns: SNS
  sqs: SQS
  topicArn: string
}

const { url, skip } = await engineFor('sns')
const named = () => `t${crypto.randomUUID().slice(0, 8)}`
const keep = { ms: 7 * 86_400_000, messages: Infinity }
const never = new AbortController().signal
const message = (body: unknown, attributes: Record<string, string> = {}) => {
  return { body: JSON.stringify(body), headers: {}, attributes }
}

function fails(code: Code, says: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.equal(isAshlarError(error) ? error.code : codeOf(error), code, String(error))
    assert.match(String(error), says)
    assert.doesNotMatch(String(error), /s3cret/)
    return true
  }
}

test('a filter that SNS cannot have is refused, naming what it has and what is allowed', () => {
  const values = Array.from({ length: 13 }, (_, n) => `${n}`)
  assert.throws(() => policyOf({ a: values, b: values }), fails('invalid_argument', /169 combinations.*150/))
  const names = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, ['x']]))
  assert.throws(() => policyOf(names), fails('invalid_argument', /6 attributes.*5/))
})

test('names and values that SNS does not take are told apart all the same', () => {
  const policy = policyOf({ 'a name': ["it's 中", 'x'], 'AWS.name': ['1'] })
  assert.ok(passes(policy, { 'a name': "it's 中", 'AWS.name': '1' }))
  for (const attributes of [
    { 'a name': "it's 中" },
    { 'a-name': 'x', 'AWS.name': '1' },
    { 'a name': '中', 'AWS.name': '1' },
  ])
    assert.ok(!passes(policy, attributes))
  assert.equal(policyOf({ b: ['2', '1'], a: ['x'] }), policyOf({ a: ['x'], b: ['1', '2'] }))
})

test('SNS itself filters by names and values that it does not take, and ten attributes arrive', { skip }, async () => {
  const driver = await open(contextOf(url!, named()))
  await driver.subscribe({ name: 'odd', filter: { 'a name': ["it's 中"] }, keep })
  const ten = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`n ${n}`, `v${n} \u007f`]))
  await driver.publish([message(1, { ...ten, 'a name': "it's 中" }), message(2, { ...ten, 'a name': 'else' })])
  const found = await driver.receive('odd', { max: 10, leaseMs: 30_000, waitMs: 5_000, signal: never })
  assert.deepEqual(
    found.map(({ body, attributes }) => [body, attributes]),
    [['1', { ...ten, 'a name': "it's 中" }]],
  )
  const [{ pending }] = (await driver.stats()) as unknown as [{ pending: number }]
  assert.equal(pending, 1, 'the other one did not even reach the queue')
  await driver.close()
})

test('what a filter does not let through is not handed out, should SNS not go by it yet', { skip }, async () => {
  await using events = await topic<number>(named(), { url: url! })
  const seen: number[] = []
  await events.subscribe('a', ({ payload }) => void seen.push(payload), { filter: { kind: 'x' } })
  const { sns, sqs, topicArn } = events.native(natives.sns)
  const { Subscriptions } = await sns.listSubscriptionsByTopic({ TopicArn: topicArn })
  const QueueName = Subscriptions![0]!.Endpoint!.split(':').at(-1)!
  const { QueueUrl } = await sqs.getQueueUrl({ QueueName })
  const as = (kind: string, n: number) =>
    envelopeOf({ body: `${n}`, note: { meta: { headers: {}, attributes: { kind } }, id: `${n}` } })
  await sqs.sendMessage({ QueueUrl, MessageBody: as('y', 1) })
  await sqs.sendMessage({ QueueUrl, MessageBody: as('x', 2) })
  await until('the wanted one is handled', () => seen.length === 1)
  await until('both are gone', async () => (await events.subscriptions()).every(({ pending }) => pending === 0))
  assert.deepEqual(seen, [2])
})

test(
  'a filter that is there is not changed, and what a subscription keeps is within what SQS keeps',
  { skip },
  async () => {
    await using events = await topic<number>(named(), { url: url! })
    const consume = (options: object) => events.subscribe('a', () => undefined, options)
    await consume({ filter: { kind: ['x', 'y'] } })
    await consume({ filter: { kind: ['y', 'x'] } })
    await assert.rejects(consume({ filter: { kind: 'z' } }), fails('unsupported', /15 minutes/))
    await assert.rejects(consume({}), fails('unsupported', /15 minutes/))
    await assert.rejects(
      consume({ filter: { kind: ['x', 'y'] }, keep: { age: '15d' } }),
      fails('invalid_argument', /14 days/),
    )
    await assert.rejects(consume({ keep: { age: '30s' } }), fails('invalid_argument', /1 minute/))
    await assert.rejects(consume({ keep: { messages: 5 } }), fails('unsupported', /keepsMessages/))
  },
)

test('a retention that was changed holds for the queue that is there', { skip }, async () => {
  const driver = await open(contextOf(url!, named()))
  await driver.subscribe({ name: 'a', filter: {}, keep })
  await driver.subscribe({ name: 'a', filter: {}, keep: { ...keep, ms: 3_600_000 } })
  const { sns, sqs, topicArn } = driver.native as SnsNative
  const { Subscriptions } = await sns.listSubscriptionsByTopic({ TopicArn: topicArn })
  const { QueueUrl } = await sqs.getQueueUrl({ QueueName: Subscriptions![0]!.Endpoint!.split(':').at(-1)! })
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['MessageRetentionPeriod'] })
  assert.equal(Attributes!['MessageRetentionPeriod'], '3600')
  await driver.close()
})

test('an entry that a batch leaves behind, while the answer is 200, goes out again alone', { skip }, async () => {
  await using events = await topic<number>(named(), { url: url! })
  const seen: number[] = []
  await events.subscribe('a', ({ payload }) => void seen.push(payload))
  let batches = 0
  events.native(natives.sns).sns.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'PublishBatchCommand' || ++batches > 1) return next(args)
        // The first batch goes out without its fourth entry, which is then told as failed.
        const input = args.input as { PublishBatchRequestEntries: object[] }
        const PublishBatchRequestEntries = input.PublishBatchRequestEntries.filter((_, n) => n !== 4)
        const answer = await next({ ...args, input: { ...input, PublishBatchRequestEntries } })
        Object.assign(answer.output, { Failed: [{ Id: '4', Code: 'InternalError', SenderFault: false }] })
        return answer
      },
    { step: 'initialize' },
  )
  const ids = await events.publishMany(Array.from({ length: 10 }, (_, n) => n))
  await until('all are handled', () => seen.length === 10)
  assert.deepEqual(
    [new Set(ids).size, batches, seen.toSorted((a, b) => a - b)],
    [10, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  )
})

test(
  'batches are measured in bytes, not characters, and split; too large is refused, others are unharmed',
  { skip },
  async () => {
    await using events = await topic<string>(named(), { url: url! })
    const lengths: number[] = []
    await events.subscribe('a', ({ payload }) => void lengths.push(payload.length))
    const { maxBytes } = (await open(contextOf(url!, events.name, { service: '' }))).capabilities
    await events.publishMany([...Array.from({ length: 3 }, () => '中'.repeat(70_000)), 'x'.repeat(maxBytes - 2)])
    for (const each of ['中'.repeat(80_000), 'x'.repeat(maxBytes - 1)])
      await assert.rejects(events.publish(each), fails('invalid_argument', /allowed are/))
    await until('all are handled', () => lengths.length === 4)
  },
)

test('messages that others publish are handed out as well', { skip }, async () => {
  await using events = await topic<{ n: number }>(named(), { url: url! })
  const seen: number[] = []
  await events.subscribe('a', ({ payload }) => void seen.push(payload.n))
  const { sns, topicArn } = events.native(natives.sns)
  await sns.publish({ TopicArn: topicArn, Message: '{"n":1}' })
  await until('it is handled', () => seen.length === 1)
  assert.throws(() => events.native(natives.sqs), fails('unsupported'))
})

test('a port that nobody listens on and a bad URL are told by code, without the secret', async () => {
  const at = encodeURIComponent('http://127.0.0.1:1')
  await assert.rejects(topic('t', { url: `sns://KEY:s3cret@us-east-1?endpoint=${at}` }), fails('unavailable'))
  await assert.rejects(
    topic('t', { url: `sns://KEY:s3cret@us-east-1?endpoint=${at}&fifo=true` }),
    fails('invalid_argument', /fifo/),
  )
})

test('works on through an outage of the network, and loses nothing', { skip }, async () => {
  const { port } = new URL(decodeURIComponent(/endpoint=([^&]+)/.exec(url!)![1]!))
  await using way = await openProxy({ host: '127.0.0.1', port: Number(port) })
  const name = named()
  const away = `sns://KEY:s3cret@us-east-1?endpoint=${encodeURIComponent(`http://127.0.0.1:${way.port}`)}`
  const direct = `sns://KEY:s3cret@us-east-1?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`
  await using events = await topic<number>(name, { url: away })
  await using publisher = await topic<number>(name, { url: direct })
  const seen = new Set<number>()
  await events.subscribe('a', ({ payload }) => void seen.add(payload), { visibility: '1s', drain: '1s' })
  for (const n of [1, 2, 3]) {
    way.cut()
    await assert.rejects(events.publish(0), fails('unavailable'))
    await publisher.publish(n)
    way.heal()
    await until('it works again', () => seen.has(n), 45_000)
  }
  way.freeze()
  const closedMs = performance.now()
  await events.close()
  assert.ok(performance.now() - closedMs < 9_000, 'close took too long')
})
