import { AshlarError } from '../../errors.ts'
import { sendAll } from '../batch.ts'
import { hashedName } from '../names.ts'
import { ensureQueue, findQueue, isMissing } from '../sqs/queue.ts'
import type { Sns } from './client.ts'
import { isSamePolicy, type Attributes } from './filter.ts'

/** Of one message, and of all in one request, with attributes. */
export const maxTopicBytes = 256 * 1024

export interface TopicEntry {
  Message: string
  MessageAttributes: Attributes
}

/** A subscription of ours: a queue of its own that SNS delivers to. */
export interface TopicQueue {
  name: string
  arn: string
  url: string
  deadUrl: string
  /** Of SNS: which messages it gets. */
  policy: string
}

const nameTag = 'ashlar-subscription'

/** A topic of SNS and the queues that are subscribed to it. */
export class SnsTopic {
  readonly arn: string
  readonly #clients: Sns
  readonly #name: string
  /** Names of subscriptions by their queues; `undefined`: none of ours. They never change. */
  readonly #names = new Map<string, string | undefined>()

  /** Made if it is not there. */
  static async open(clients: Sns, name: string): Promise<SnsTopic> {
    const { TopicArn } = await clients.calls.run((options) => clients.sns.createTopic({ Name: name }, options))
    return new SnsTopic(clients, name, TopicArn!)
  }

  private constructor(clients: Sns, name: string, arn: string) {
    this.#clients = clients
    this.#name = name
    this.arn = arn
  }

  async publish(entries: readonly TopicEntry[]): Promise<void> {
    const { sns, calls } = this.#clients
    const send = (batch: TopicEntry[]) => {
      const PublishBatchRequestEntries = batch.map((entry, i) => ({ Id: String(i), ...entry }))
      return calls.run((options) => sns.publishBatch({ TopicArn: this.arn, PublishBatchRequestEntries }, options))
    }
    await sendAll({ send, bytesOf: topicBytesOf, maxBytes: maxTopicBytes }, entries)
  }

  /** Of the queue that belongs to a subscription. */
  #queueName(subscription: string): string {
    return hashedName(`${this.#name}-${subscription}`, `${this.#name}/${subscription}`)
  }

  async subscribe(name: string, policy: string, keepSeconds: number): Promise<void> {
    const { sqs, calls } = this.#clients
    const queueName = this.#queueName(name)
    const [queue] = await Promise.all([
      ensureQueue(sqs, calls, queueName, { MessageRetentionPeriod: String(keepSeconds) }),
      ensureQueue(sqs, calls, `${queueName}-dead`),
    ])
    const Attributes = { MessageRetentionPeriod: String(keepSeconds), Policy: accessFor(this.arn, queue.arn) }
    await Promise.all([
      calls.run((options) => sqs.setQueueAttributes({ QueueUrl: queue.url, Attributes }, options)),
      calls.run((options) => sqs.tagQueue({ QueueUrl: queue.url, Tags: { [nameTag]: name } }, options)),
    ])
    const there = (await this.#subscriptions()).get(queue.arn)
    if (there === undefined) await this.#subscribe(queue.arn, policy)
    await this.#checkPolicy(name, there ?? (await this.#subscriptions()).get(queue.arn), policy)
  }

  async #subscribe(queueArn: string, policy: string): Promise<void> {
    const { sns, calls } = this.#clients
    const Attributes = { RawMessageDelivery: 'true', ...(policy === '{}' ? {} : { FilterPolicy: policy }) }
    const of = { TopicArn: this.arn, Protocol: 'sqs', Endpoint: queueArn, Attributes, ReturnSubscriptionArn: true }
    try {
      await calls.run((options) => sns.subscribe(of, options))
    } catch (error) {
      // Another was faster, with another filter: that is looked at next.
      if (!/already exists with different attributes/i.test((error as Error).message)) throw error
    }
  }

  /** A filter that is there cannot be changed: for up to 15 minutes SNS would go by the old one. */
  async #checkPolicy(name: string, subscription: string | undefined, policy: string): Promise<void> {
    const there = subscription === undefined ? undefined : await this.#policyOf(subscription)
    if (there === undefined || isSamePolicy(there, policy)) return
    throw new AshlarError(
      'unsupported',
      `subscription '${name}' has the filter ${there} and was asked to have ${policy}; SNS takes up to 15 minutes to change one ` +
        'and loses messages meanwhile: subscribe under another name, or unsubscribe first, which drops what it holds',
    )
  }

  async #policyOf(SubscriptionArn: string): Promise<string | undefined> {
    const { sns, calls } = this.#clients
    try {
      const { Attributes } = await calls.run((options) => sns.getSubscriptionAttributes({ SubscriptionArn }, options))
      return Attributes?.['FilterPolicy'] || '{}'
    } catch (error) {
      if (/NotFound/.test((error as Error).name)) return undefined
      throw error
    }
  }

  /** Subscriptions of the topic by the queues that they deliver to. */
  async #subscriptions(): Promise<Map<string, string>> {
    const { sns, calls } = this.#clients
    const found = new Map<string, string>()
    for (let NextToken: string | undefined, isFirst = true; isFirst || NextToken; isFirst = false) {
      const of = { TopicArn: this.arn, ...(NextToken === undefined ? {} : { NextToken }) }
      const page = await calls.run((options) => sns.listSubscriptionsByTopic(of, options))
      for (const { Protocol, Endpoint = '', SubscriptionArn = '' } of page.Subscriptions ?? [])
        if (Protocol === 'sqs' && SubscriptionArn.startsWith('arn:')) found.set(Endpoint, SubscriptionArn)
      NextToken = page.NextToken
    }
    return found
  }

  async unsubscribe(name: string): Promise<void> {
    const { sns, sqs, calls } = this.#clients
    const queueName = this.#queueName(name)
    const queue = await this.#find(name)
    const arn = queue && (await this.#subscriptions()).get(queue.arn)
    if (arn !== undefined) await calls.run((options) => sns.unsubscribe({ SubscriptionArn: arn }, options))
    for (const each of [queueName, `${queueName}-dead`]) {
      const url = await findQueue(sqs, calls, each)
      if (url === undefined) continue
      const deleted = calls.run((options) => sqs.deleteQueue({ QueueUrl: url }, options))
      await deleted.catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
    }
  }

  async #find(name: string): Promise<{ url: string; arn: string; deadUrl: string } | undefined> {
    const { sqs, calls } = this.#clients
    const queueName = this.#queueName(name)
    const [url, deadUrl] = await Promise.all(
      [queueName, `${queueName}-dead`].map((each) => findQueue(sqs, calls, each)),
    )
    if (url === undefined || deadUrl === undefined) return undefined
    return { url, deadUrl, arn: this.#siblingArn(queueName) }
  }

  /** Queues are of the same account and region as the topic. */
  #siblingArn(queueName: string): string {
    const [arn, partition, , region, account] = this.arn.split(':')
    return [arn, partition, 'sqs', region, account, queueName].join(':')
  }

  /** `undefined` when there is no such subscription. */
  async queueOf(name: string): Promise<TopicQueue | undefined> {
    const queue = await this.#find(name)
    const subscription = queue && (await this.#subscriptions()).get(queue.arn)
    const policy = subscription === undefined ? undefined : await this.#policyOf(subscription)
    return queue === undefined || policy === undefined ? undefined : { ...queue, name, policy }
  }

  /** The subscriptions of ours, by name. */
  async names(): Promise<string[]> {
    const arns = [...(await this.#subscriptions()).keys()]
    const names = await Promise.all(arns.map((arn) => this.#nameOf(arn)))
    return names.filter((name) => name !== undefined).toSorted()
  }

  async #nameOf(queueArn: string): Promise<string | undefined> {
    if (this.#names.has(queueArn)) return this.#names.get(queueArn)
    const { sqs, calls } = this.#clients
    const queueName = queueArn.split(':').at(-1)!
    if (this.#siblingArn(queueName) !== queueArn) return undefined
    const url = await findQueue(sqs, calls, queueName)
    if (url === undefined) return undefined
    const { Tags } = await calls.run((options) => sqs.listQueueTags({ QueueUrl: url }, options))
    const name = Tags?.[nameTag]
    if (name !== undefined && this.#queueName(name) === queueName) this.#names.set(queueArn, name)
    return this.#names.get(queueArn)
  }
}

export function topicBytesOf({ Message, MessageAttributes }: TopicEntry): number {
  let bytes = Buffer.byteLength(Message)
  for (const [name, { DataType, StringValue }] of Object.entries(MessageAttributes))
    bytes += name.length + DataType.length + StringValue.length
  return bytes
}

function accessFor(topicArn: string, queueArn: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
      },
    ],
  })
}
