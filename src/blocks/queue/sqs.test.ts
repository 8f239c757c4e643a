import type { SQS } from '@aws-sdk/client-sqs'
import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { test } from 'node:test'
import { engineFor } from '../../../test/servers/engines.ts'
import { entriesOf, fakeAws, fakeMessage, fakeSqs, Refused, sent } from '../../../test/servers/fake-aws.ts'
import { contextOf } from '../../../test/context.ts'
import { openProxy } from '../../../test/faults/proxy.ts'
import { until } from '../../conformance.ts'
import { isAshlarError, type Code } from '../../errors.ts'
import * as natives from '../../native.ts'
import type { Outgoing, QueueDriver } from './driver.ts'
import { queue } from './index.ts'
import { codeOf, open } from './sqs.ts'

const never = new AbortController().signal
const named = () => `t${crypto.randomUUID().slice(0, 8)}`
const message = (body: unknown, more: Partial<Outgoing> = {}): Outgoing => {
  return { body: JSON.stringify(body), headers: {}, delayMs: 0, priority: 0, ...more }
}
const urlOf = (endpoint: string, more = '') =>
  `sqs://KEY:s3cret@eu-central-1?endpoint=${encodeURIComponent(endpoint)}${more}`
const take = (driver: QueueDriver, waitMs: number, leaseMs = 30_000) =>
  driver.receive({ max: 10, leaseMs, waitMs, signal: never })

function fails(code: Code, says: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    const found = isAshlarError(error) ? error.code : codeOf(error)
    assert.equal(found, code, String(error))
    assert.match(String(error), says)
    assert.doesNotMatch(String(error), /s3cret/)
    return true
  }
}

/** A driver on a server that answers as it is told to. */
async function onFake(answers: Parameters<typeof fakeAws>[0] = fakeSqs(), more = '') {
  const fake = await fakeAws(answers)
  const driver = await open(contextOf(urlOf(fake.endpoint, more), 'jobs'))
  const asked = (action: string) => fake.asked.filter((each) => each.action === action)
  return {
    fake,
    driver,
    asked,
    async [Symbol.asyncDispose]() {
      await driver.close()
      await fake[Symbol.asyncDispose]()
    },
  }
}

test('an entry that a batch leaves behind, while the answer is 200, goes out again alone', async () => {
  await using rig = await onFake()
  rig.fake.on('SendMessageBatch', (input) => {
    const entries = entriesOf(input)
    if (entries.length === 1) return { Successful: entries.map(sent) }
    const Failed = [{ Id: entries[4]!.Id, Code: 'InternalError', Message: 'try again', SenderFault: false }]
    return { Successful: entries.filter((_, n) => n !== 4).map(sent), Failed }
  })
  const ids = await rig.driver.send(Array.from({ length: 10 }, (_, n) => message(n)))
  assert.deepEqual(
    ids,
    Array.from({ length: 10 }, (_, n) => `id of ${n}`),
  )
  assert.deepEqual(
    rig.asked('SendMessageBatch').map(({ input }) => entriesOf(input).map(({ MessageBody }) => MessageBody)),
    [['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], ['4']],
  )
})

test('an entry that is refused for good is told with the number that was stored; so is one that the answer does not name', async () => {
  await using rig = await onFake()
  rig.fake.on('SendMessageBatch', (input) => {
    const Failed = [{ Id: '4', Code: 'InvalidMessageContents', Message: 'bad character', SenderFault: true }]
    return {
      Successful: entriesOf(input)
        .filter(({ Id }) => Id !== '4')
        .map(sent),
      Failed,
    }
  })
  const ten = Array.from({ length: 10 }, (_, n) => message(n))
  await assert.rejects(rig.driver.send(ten), fails('invalid_argument', /9 of 10 were stored.*bad character/))
  assert.equal(rig.asked('SendMessageBatch').length, 1)
  rig.fake.on('SendMessageBatch', () => ({ Successful: [], Failed: [] }))
  await assert.rejects(rig.driver.send([message(1)]), fails('unavailable', /0 of 1 were stored/))
})

test('in a FIFO queue nothing goes out after an entry that was left behind: later ones of its key must not overtake it', async () => {
  await using rig = await onFake(fakeSqs(), '&fifo=true')
  rig.fake.on('SendMessageBatch', (input) => {
    return {
      Successful: entriesOf(input).slice(1).map(sent),
      Failed: [{ Id: '0', Code: 'InternalError', SenderFault: false }],
    }
  })
  const many = Array.from({ length: 25 }, (_, n) => message(n, { key: 'k' }))
  await assert.rejects(rig.driver.send(many), fails('unavailable', /9 of 25 were stored/))
  assert.equal(rig.asked('SendMessageBatch').length, 1)
})

test('of what is settled together each entry counts for itself: what failed is asked again, the rest only told', async () => {
  const Messages = ['a', 'b', 'c'].map((each) => fakeMessage(`"${each}"`, each))
  await using rig = await onFake({ ...fakeSqs(), ReceiveMessage: () => ({ Messages }) })
  const tokens = (await take(rig.driver, 0)).map(({ token }) => token)
  rig.fake.on('DeleteMessageBatch', () => ({
    Successful: [{ Id: '0' }],
    Failed: [
      { Id: '1', Code: 'InternalError', SenderFault: false },
      { Id: '2', Code: 'ReceiptHandleIsInvalid', SenderFault: true },
    ],
  }))
  const done = tokens.map((token) => ({ token, outcome: 'done' as const }))
  await assert.rejects(rig.driver.settle(done), fails('unavailable', /InternalError/))
  rig.fake.on('DeleteMessageBatch', fakeSqs()['DeleteMessageBatch']!)
  assert.deepEqual(await rig.driver.settle(done), [true, true, false])
  assert.deepEqual(entriesOf(rig.asked('DeleteMessageBatch').at(-1)!.input), [{ Id: '0', ReceiptHandle: 'b' }])
})

test('a dead letter is stored before its message is deleted, and once, should the deletion fail at first', async () => {
  await using rig = await onFake({ ...fakeSqs(), ReceiveMessage: () => ({ Messages: [fakeMessage('1', 'h')] }) })
  const [lent] = await take(rig.driver, 0)
  rig.fake.on('DeleteMessageBatch', () => {
    throw new Refused('ServiceUnavailable', 503)
  })
  const dead = [{ token: lent!.token, outcome: 'dead' as const, error: 'no good' }]
  await assert.rejects(rig.driver.settle(dead), fails('unavailable'))
  rig.fake.on('DeleteMessageBatch', fakeSqs()['DeleteMessageBatch']!)
  assert.deepEqual(await rig.driver.settle(dead), [true])
  assert.deepEqual(
    rig.fake.asked.slice(-3).map(({ action }) => action),
    ['SendMessageBatch', 'DeleteMessageBatch', 'DeleteMessageBatch'],
  )
})

test('SQS answers "deleted" to stale handles: a token whose lease has ended is not even asked about', async () => {
  const Messages = [fakeMessage('1', 'h')]
  await using rig = await onFake({ ...fakeSqs(), ReceiveMessage: () => ({ Messages }) })
  const [lent] = await take(rig.driver, 0, 1_000)
  const [token, endMs] = [lent!.token, performance.now() + 1_100]
  await until('its lease has ended', () => performance.now() > endMs)
  assert.deepEqual(await rig.driver.settle([{ token, outcome: 'done' }]), [false])
  assert.deepEqual(await rig.driver.extend([token], 1_000), [false])
  assert.deepEqual([rig.asked('DeleteMessageBatch'), rig.asked('ChangeMessageVisibilityBatch')], [[], []])
})

test('a long lease begins with 30 s, so that an answer that is lost hides messages for no longer', async () => {
  await using rig = await onFake({ ...fakeSqs(), ReceiveMessage: () => ({ Messages: [fakeMessage('1', 'h')] }) })
  await take(rig.driver, 0, 43_200_000)
  assert.equal(rig.asked('ReceiveMessage')[0]!.input['VisibilityTimeout'], 30)
  assert.deepEqual(entriesOf(rig.asked('ChangeMessageVisibilityBatch')[0]!.input), [
    { Id: '0', ReceiptHandle: 'h', VisibilityTimeout: 43_200 },
  ])
})

test('the largest payload follows the queue that is there: one of before August 2025 takes 256 KiB', async () => {
  await using old = await onFake(fakeSqs({ MaximumMessageSize: '262144' }))
  assert.equal(old.driver.capabilities.maxBytes, 262_144 - 32 * 1024)
  const headers = { baggage: 'x'.repeat(40_000) }
  const large = message('中'.repeat(75_000), { headers })
  await assert.rejects(old.driver.send([large]), fails('invalid_argument', /bytes with its headers.*262144/))
  assert.equal(old.asked('SendMessageBatch').length, 0)
})

test('credentials that AWS refuses, throttling and a port that nobody listens on are told by code, without the secret', async () => {
  const refusals: [string, number, Code][] = [
    ['InvalidClientTokenId', 403, 'unauthorized'],
    ['com.amazonaws.sqs#AccessDeniedException', 400, 'unauthorized'],
    ['com.amazon.coral.availability#ThrottlingException', 400, 'unavailable'],
    ['RequestThrottled', 403, 'unavailable'],
    ['InternalFailure', 500, 'unavailable'],
  ]
  for (const [name, status, code] of refusals) {
    await using fake = await fakeAws({
      GetQueueUrl: () => {
        throw new Refused(name, status)
      },
    })
    await assert.rejects(queue('jobs', { url: urlOf(fake.endpoint) }), fails(code))
  }
  await assert.rejects(queue('jobs', { url: urlOf('http://127.0.0.1:1') }), fails('unavailable'))
})

test('a FIFO queue refuses at open what it cannot wait for, and other windows than its own when something is sent', async () => {
  await using fake = await fakeAws(fakeSqs())
  const url = urlOf(fake.endpoint, '&fifo=true')
  await assert.rejects(queue('jobs', { url, maxBackoff: '12h' }), fails('unsupported', /39600000 ms at most/))
  await using jobs = await queue<number>('jobs', { url })
  await assert.rejects(jobs.send(1, { dedupe: { key: 'k', window: '1h' } }), fails('invalid_argument', /300000/))
  await assert.rejects(jobs.send(1, { delay: '1s' }), fails('unsupported', /delay/))
  await jobs.send(1, { dedupe: { key: 'k' } })
})

const { url, skip } = await engineFor('sqs')

/** The shared server, and a way to it that can be cut. */
async function wayTo() {
  const { port } = new URL(decodeURIComponent(/endpoint=([^&]+)/.exec(url!)![1]!))
  const proxy = await openProxy({ host: '127.0.0.1', port: Number(port) })
  return Object.assign(proxy, { url: urlOf(`http://127.0.0.1:${proxy.port}`), server: Number(port) })
}

test('every character of a payload comes back; none makes SQS refuse it', { skip }, async () => {
  const driver = await open(contextOf(url!, named()))
  const odd = [
    '\u0000\u0008\u001f',
    '\u007f\u0080\u009f',
    '\ud800 \udfff',
    '\ufffe\uffff',
    '😀\u{1fffe}',
    '\u2028"\\',
    '中',
  ]
  await driver.send(odd.map((each) => message({ [each]: each })))
  const found: unknown[] = []
  await until('all have come', async () => {
    found.push(...(await take(driver, 0)).map(({ body }) => JSON.parse(body)))
    return found.length === odd.length
  })
  const texts = (of: unknown[]) => of.map((each) => JSON.stringify(each)).toSorted()
  assert.deepEqual(texts(found), texts(odd.map((each) => ({ [each]: each }))))
  await driver.close()
})

test(
  'batches are measured in bytes, not characters, and split; a payload of just the limit passes',
  { skip },
  async () => {
    await using jobs = await queue<string>(named(), { url: url! })
    const { maxBytes } = (await open(contextOf(url!, jobs.name, { service: '' }))).capabilities
    const payloads = [...Array.from({ length: 6 }, () => '中'.repeat(80_000)), 'x'.repeat(maxBytes - 2)]
    assert.equal((await jobs.sendMany(payloads)).length, 7)
    await assert.rejects(jobs.send('x'.repeat(maxBytes - 1)), fails('invalid_argument', /allowed are/))
    const lengths: number[] = []
    jobs.work(({ payload }) => void lengths.push(payload.length))
    await until('all have come', () => lengths.length === 7)
    assert.deepEqual(
      lengths.toSorted((a, b) => a - b),
      [...Array.from({ length: 6 }, () => 80_000), maxBytes - 2],
    )
  },
)

test(
  'a message that comes before its delay has passed is replaced by one that waits for the rest, with the same id',
  { skip },
  async () => {
    const driver = await open(contextOf(url!, named()))
    const { client, queueUrl } = driver.native as { client: SQS; queueUrl: string }
    const note = JSON.stringify({ meta: { headers: { a: 'b' } }, delayMs: 3_000 })
    const { MessageId } = await client.sendMessage({
      QueueUrl: queueUrl,
      MessageBody: '"later"',
      MessageAttributes: { ashlar: { DataType: 'String', StringValue: note } },
    })
    const sentMs = performance.now()
    const [lent] = await take(driver, 10_000)
    assert.ok(performance.now() - sentMs >= 1_900, 'it came too early') // the engine's clock is known to the second
    assert.deepEqual([lent!.id, lent!.body, lent!.attempt, lent!.headers], [MessageId, '"later"', 1, { a: 'b' }])
    await driver.close()
  },
)

test(
  'a retry that waits longer than SQS can hide a message becomes a delayed copy, its attempts counted on',
  { skip },
  async () => {
    const driver = await open(contextOf(url!, named()))
    await driver.send([message('job')])
    const [lent] = await take(driver, 5_000)
    assert.deepEqual(
      await driver.settle([{ token: lent!.token, outcome: 'retry', delayMs: 13 * 3_600_000, error: 'no' }]),
      [true],
    )
    assert.deepEqual(await driver.stats(), { ready: 0, delayed: 1, leased: 0, dead: 0, oldestAgeMs: 0 })
    await driver.close()
  },
)

test('messages that others put into the queue are handed out as well', { skip }, async () => {
  await using jobs = await queue<{ n: number }>(named(), { url: url! })
  const { client, queueUrl } = jobs.native(natives.sqs)
  await client.sendMessage({ QueueUrl: queueUrl, MessageBody: '{"n":1}' })
  await client.sendMessage({
    QueueUrl: queueUrl,
    MessageBody: '{"n":2}',
    MessageAttributes: { ashlar: { DataType: 'String', StringValue: 'not ours' } },
  })
  const seen: number[] = []
  jobs.work(({ payload }) => void seen.push(payload.n))
  await until('both are handled', () => seen.length === 2)
  assert.throws(() => jobs.native(natives.redis), fails('unsupported'))
})

test(
  'works on through an outage of the network, the waiting receive included, and loses nothing',
  { skip },
  async () => {
    await using way = await wayTo()
    const name = named()
    await using jobs = await queue<number>(name, { url: way.url, visibility: '1s' })
    await using sender = await queue<number>(name, { url: url! })
    const seen = new Set<number>()
    jobs.work(({ payload }) => void seen.add(payload))
    await sender.send(1)
    await until('the first is handled', () => seen.has(1))
    for (const n of [2, 3, 4]) {
      way.cut()
      await assert.rejects(jobs.send(0), fails('unavailable'))
      await sender.send(n)
      way.heal()
      await until('it works again', () => seen.has(n), 45_000)
    }
  },
)

test('while nothing answers, calls end within their time and close is bounded', { skip }, async () => {
  await using way = await wayTo()
  const jobs = await queue<number>(named(), { url: way.url })
  const started = Promise.withResolvers<void>()
  jobs.work(() => (started.resolve(), new Promise(() => undefined)), { drain: 100 })
  await jobs.send(1)
  await started.promise
  way.freeze()
  await assert.rejects(jobs.send(2), fails('timeout'))
  assert.equal((await jobs.health()).ok, false)
  const closedMs = performance.now()
  await jobs.close()
  assert.ok(performance.now() - closedMs < 9_000, 'it took too long')
})

test('localhost is reached by each of its addresses', { skip }, async () => {
  await using direct = await wayTo()
  for (const { address } of await lookup('localhost', { all: true })) {
    await using way = await openProxy({ host: '127.0.0.1', port: direct.server }, address)
    await using jobs = await queue<number>(named(), { url: urlOf(`http://localhost:${way.port}`) })
    await jobs.send(1)
  }
})
