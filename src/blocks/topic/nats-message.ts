import type { Msg } from '@nats-io/transport-node'
import type { Failure } from '../../lease/lease.ts'
import type { Fields } from '../../nats/link.ts'

/** What a message is made of, wherever it lies. */
export interface Content {
  id: string
  body: string
  headers: Record<string, string>
  attributes: Record<string, string>
  publishedAt: Date
}

/** Bytes that are kept free in a message for what goes into its header: attributes, and error and history once it is dead. */
export const headerRoom = 65_536

/** The header of a message; JSON in one line, since a header takes no line ends. */
export function fieldsOf(
  content: Omit<Content, 'body' | 'publishedAt'> & { publishedAt?: Date },
): Record<string, string> {
  const { id, headers, attributes, publishedAt } = content
  const fields: Record<string, string> = { 'Ashlar-Id': id }
  if (Object.keys(attributes).length > 0) fields['Ashlar-Attributes'] = JSON.stringify(attributes)
  if (Object.keys(headers).length > 0) fields['Ashlar-Headers'] = JSON.stringify(headers)
  if (publishedAt) fields['Ashlar-Published'] = publishedAt.toISOString()
  return fields
}

/** @param from where it lies: what others published without our header has its place for an id */
export function contentOf(
  { data, headers }: Pick<Msg, 'data' | 'headers'>,
  from: { seq: number; time: Date },
): Content {
  const published = headers?.get('Ashlar-Published')
  return {
    id: headers?.get('Ashlar-Id') || String(from.seq),
    body: Buffer.from(data).toString(),
    headers: parsed(headers?.get('Ashlar-Headers')),
    attributes: parsed(headers?.get('Ashlar-Attributes')),
    publishedAt: published ? new Date(published) : from.time,
  }
}

function parsed(text: string | undefined): Record<string, string> {
  return text ? (JSON.parse(text) as Record<string, string>) : {}
}

/** How a message died. */
export interface Death {
  attempts: number
  error: string
  history: readonly Failure[]
}

export function deathFields({ attempts, error, history }: Death): Fields {
  return {
    'Ashlar-Attempts': String(attempts),
    'Ashlar-Error': JSON.stringify(error),
    'Ashlar-History': JSON.stringify(history),
  }
}

export function deathOf({ headers }: Pick<Msg, 'headers'>): Death {
  const history = JSON.parse(headers?.get('Ashlar-History') || '[]') as (Omit<Failure, 'at'> & { at: string })[]
  return {
    attempts: Number(headers?.get('Ashlar-Attempts')),
    error: JSON.parse(headers?.get('Ashlar-Error') || '""') as string,
    history: history.map((each) => ({ ...each, at: new Date(each.at) })),
  }
}

/** What the server says of a delivery, in the subject that acknowledges it. */
export interface Delivery {
  /** In the stream. */
  seq: number
  /** Deliveries of this message to this consumer, this one included. */
  count: number
  /** Deliveries of this consumer, this one included: grows with each. */
  turn: number
  /** When it was stored. */
  time: Date
}

/** `$JS.ACK.<stream>.<consumer>.<count>.<seq>.<turn>.<nanoseconds>.<pending>`, with domain and account before the stream on newer servers. */
export function deliveryOf(reply: string): Delivery {
  const parts = reply.split('.')
  const [count, seq, turn, nanos] = parts.slice(parts.length >= 11 ? 6 : 4)
  return { seq: Number(seq), count: Number(count), turn: Number(turn), time: new Date(Number(nanos) / 1e6) }
}
