import { createHash } from 'node:crypto'
import { invalid } from '../../errors.ts'
import type { DeadLetter, Outgoing } from './driver.ts'
import { lastFailure } from '../../lease/lease.ts'

/** A message as Pub/Sub takes it. */
export interface WireMessage {
  data: Buffer
  attributes: Record<string, string>
  orderingKey?: string
}

/** A message as Pub/Sub lends it. */
export interface Received {
  ackId: string
  /** Above 0 only where somebody gave the subscription a dead letter policy. */
  deliveryAttempt: number
  message: {
    data: Buffer
    attributes: Record<string, string>
    messageId: string
    publishTime: { seconds: string | number; nanos: number }
    orderingKey: string
  }
}

/** The same, read. */
export interface Pulled {
  ackId: string
  id: string
  body: string
  headers: Record<string, string>
  attributes: Record<string, string>
  key?: string
  publishedAt: Date
  /** Attempts that have failed, as far as the message itself tells. */
  failures: number
  /** Not to be handled earlier: milliseconds since 1970. */
  dueMs: number
  deliveryAttempt: number
}

/*
 * The attributes of a message are the user's own, as they are. Ours: `ashlar_h_<name>` a header; and in a copy, which is meant for one
 * subscription (a retry, or a dead letter that is sent back), `ashlar_to` which, and what the first one's id, time and failures were.
 */
const ours = 'ashlar_'
const header = `${ours}h_`
const maxValueBytes = 1024

/** @throws `invalid_argument` for attributes that Pub/Sub or we keep for ourselves */
export function wireOf({ body, headers, attributes, key }: Outgoing): WireMessage {
  for (const name of Object.keys(attributes))
    if (name.startsWith(ours) || /^goog/i.test(name))
      throw invalid(
        `attributes.${name}: names that begin with 'ashlar_' or 'goog' are taken on Pub/Sub; choose another`,
      )
  const named = Object.entries(headers).map(([name, value]) => [header + name, value])
  return {
    data: Buffer.from(body),
    attributes: { ...attributes, ...(Object.fromEntries(named) as Record<string, string>) },
    ...(key === undefined ? {} : { orderingKey: key }),
  }
}

export function read({ ackId, deliveryAttempt, message }: Received): Pulled {
  const own = (name: string): string | undefined => message.attributes[ours + name]
  const { seconds, nanos } = message.publishTime
  const names = Object.keys(message.attributes)
  const key = own('key') ?? message.orderingKey
  return {
    ackId,
    id: own('id') ?? message.messageId,
    body: message.data.toString(),
    headers: pick(
      message.attributes,
      names.filter((name) => name.startsWith(header)),
      header.length,
    ),
    attributes: pick(
      message.attributes,
      names.filter((name) => !name.startsWith(ours)),
      0,
    ),
    ...(key === '' ? {} : { key }),
    publishedAt: new Date(Number(own('at') ?? Number(seconds) * 1000 + nanos / 1e6)),
    failures: Number(own('failures') ?? 0),
    dueMs: Number(own('due') ?? 0),
    deliveryAttempt,
  }
}

function pick(from: Record<string, string>, names: string[], cut: number): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name.slice(cut), from[name]!]))
}

/** How a filter names the subscription that a copy is for. */
export function tagOf(subscription: string): string {
  if (subscription.length <= 24) return subscription
  return `~${createHash('sha256').update(subscription).digest('base64url').slice(0, 23)}`
}

/** What every subscription's filter begins with: copies for others are not for it. */
export function ownFilter(subscription: string): string {
  return `(NOT attributes:${ours}to OR attributes.${ours}to="${tagOf(subscription)}")`
}

/** A message once more, for one subscription only. Without a `dueMs`: at once. */
export function copyOf(
  of: Pulled,
  subscription: string,
  { failures, dueMs = 0 }: { failures: number; dueMs?: number },
) {
  return again(of, {
    to: tagOf(subscription),
    failures: String(failures),
    ...(dueMs > 0 ? { due: String(Math.ceil(dueMs)) } : {}),
  })
}

/** As it lies among the dead letters: without ordering, since each is looked at by itself. */
export function deadOf(of: Pulled, { attempts, error }: { attempts: number; error: string }): WireMessage {
  const { orderingKey, ...wire } = again(of, {
    attempts: String(attempts),
    died: String(Date.now()),
    error: cut(error),
  })
  if (orderingKey !== undefined) wire.attributes[`${ours}key`] = orderingKey
  return wire
}

function again(of: Pulled, more: Record<string, string>): WireMessage {
  const wire = wireOf({ body: of.body, headers: of.headers, attributes: of.attributes })
  const own = { id: of.id, at: String(of.publishedAt.getTime()), ...more }
  for (const [name, value] of Object.entries(own)) wire.attributes[ours + name] = value
  return of.key === undefined ? wire : { ...wire, orderingKey: of.key }
}

/** To as many bytes as an attribute may have, not through the middle of a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxValueBytes) return text
  return bytes.toString('utf8', 0, maxValueBytes).replace(/\uFFFD+$/, '')
}

export function deadLetterOf(received: Received): DeadLetter {
  const { id, body, attributes } = read(received)
  const own = (name: string) => received.message.attributes[ours + name] ?? ''
  const died = { attempts: Number(own('attempts')), error: own('error'), diedAt: new Date(Number(own('died'))) }
  return { id, body, attributes, ...died, history: lastFailure(died) }
}

/** What is pulled together comes in no order: the earliest first. */
export function inOrder(received: readonly Received[]): Received[] {
  return received.toSorted((a, b) => {
    const [one, other] = [a.message, b.message]
    return (
      Number(one.publishTime.seconds) - Number(other.publishTime.seconds) ||
      one.publishTime.nanos - other.publishTime.nanos ||
      one.messageId.length - other.messageId.length ||
      (one.messageId < other.messageId ? -1 : 1)
    )
  })
}

const maxRequestMessages = 1_000
const maxRequestBytes = 3.5 * 1024 ** 2

/** Requests of a size that the server takes. */
export function requestsOf(messages: readonly WireMessage[]): WireMessage[][] {
  const requests: WireMessage[][] = []
  let bytes = 0
  for (const message of messages) {
    const more = sizeOf(message)
    const last = requests.at(-1)
    if (!last || last.length === maxRequestMessages || bytes + more > maxRequestBytes) {
      requests.push([message])
      bytes = more
    } else {
      last.push(message)
      bytes += more
    }
  }
  return requests
}

function sizeOf({ data, attributes, orderingKey = '' }: WireMessage): number {
  const names = Object.entries(attributes).reduce(
    (sum, [a, b]) => sum + Buffer.byteLength(a) + Buffer.byteLength(b) + 8,
    0,
  )
  return data.length + names + Buffer.byteLength(orderingKey) + 32
}
