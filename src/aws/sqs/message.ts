import type { Message as Received } from '@aws-sdk/client-sqs'

/** A message as it lies in a queue of SQS: its body, and beside it one attribute with all that we must know of it. */
export interface Stored {
  body: string
  note: Note
}

/** JSON, in ASCII. */
export interface Note {
  /** What the block keeps beside the body: headers, key, attributes. */
  meta: Record<string, unknown>
  /** The id it had as the first of its copies. */
  id?: string
  /** When that one was sent, in milliseconds since 1970. */
  sentMs?: number
  /** Attempts of earlier copies. */
  attempts?: number
  /** Not before so long after this copy was sent: its delay was longer than SQS has any. */
  delayMs?: number
  /** A dead letter. */
  dead?: { attempts: number; error: string }
}

export const attributeName = 'ashlar'

/** Bytes that SQS counts. */
export const maxMessageBytes = 1024 ** 2
/** Kept free of them for the attribute: headers, key, and the last error of a dead letter. */
export const reservedBytes = 32 * 1024

export type Attributes = Record<string, { DataType: 'String'; StringValue: string }>

export interface Entry {
  MessageBody: string
  MessageAttributes: Attributes
  DelaySeconds?: number
  MessageGroupId?: string
  MessageDeduplicationId?: string
}

export function entryOf({ body, note }: Stored): Entry {
  const value = { DataType: 'String' as const, StringValue: ascii(JSON.stringify(note)) }
  return { MessageBody: allowed(body), MessageAttributes: { [attributeName]: value } }
}

/** In UTF-8, attributes included: names, types and values. */
export function bytesOf({ MessageBody, MessageAttributes }: Pick<Entry, 'MessageBody' | 'MessageAttributes'>): number {
  let bytes = Buffer.byteLength(MessageBody)
  for (const [name, { DataType, StringValue }] of Object.entries(MessageAttributes))
    bytes += Buffer.byteLength(name) + DataType.length + Buffer.byteLength(StringValue)
  return bytes
}

/** SQS takes what XML 1.0 does. JSON text has of what it refuses only these two, and only within strings. */
export function allowed(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, escaped)
}

export function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const envelope = '{"ashlar":'
const beforeBody = ',"body":'

/** The same as one JSON text, for what has no attribute to spare: `{"ashlar":"…the note as text…","body":…}`. */
export function envelopeOf({ body, note }: Stored): string {
  return `${envelope}${JSON.stringify(ascii(JSON.stringify(note)))}${beforeBody}${allowed(body)}}`
}

/** Of ours, or of anyone who sent to the queue. */
export function storedOf({ Body = '', MessageAttributes }: Received): Stored {
  const attribute = MessageAttributes?.[attributeName]?.StringValue
  if (attribute !== undefined) return { body: Body, note: noteOf(attribute) }
  // Quotes within the note's text are escaped, so that the first of this is the end of it.
  const end = Body.startsWith(envelope) ? Body.indexOf(`"${beforeBody}`) : -1
  if (end < 0) return { body: Body, note: { meta: {} } }
  const note = noteOf(JSON.parse(Body.slice(envelope.length, end + 1)) as string)
  return { body: Body.slice(end + 1 + beforeBody.length, -1), note }
}

/** What cannot be read is not ours. */
function noteOf(text: string): Note {
  try {
    const note = JSON.parse(text) as Note
    return typeof note.meta === 'object' && note.meta !== null ? note : { meta: {} }
  } catch {
    return { meta: {} }
  }
}
