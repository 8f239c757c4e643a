import { createHash } from 'node:crypto'
import type { Message } from 'amqplib'
import { leaseEnded, withFailure, type Failure } from '../failure.ts'

/** A message as its properties and headers tell of it. */
export interface Envelope {
  id: string
  body: Buffer
  sentMs: number
  /** When it was sent, or redriven last. */
  queuedMs: number
  /** The sender's own headers. */
  headers: Record<string, string>
  attributes: Record<string, string>
  /** Attempts that have ended. */
  attempts: number
  /** How often it was handed out, for whatever end; its tokens sort by it. */
  deliveries: number
  history: readonly Failure[]
  /** Of a dead letter. */
  error: string
  diedMs: number
  /** How often it came back by itself since it was sent to the queue where it is: its worker died, or was too late. */
  returns: number
}

/** The newest failures that a message carries with it, and how long the text of each may be: headers are small. */

const names = {
  sentMs: 'ashlar-sent-ms',
  queuedMs: 'ashlar-queued-ms',
  headers: 'ashlar-headers',
  attributes: 'ashlar-attributes',
  attempts: 'ashlar-attempts',
  deliveries: 'ashlar-deliveries',
  history: 'ashlar-history',
  error: 'ashlar-error',
  diedMs: 'ashlar-died-ms',
} as const

/** What goes into the headers of a message. What says nothing is left out. */
export function headersOf(of: Partial<Envelope>): Record<string, unknown> {
  const headers: Record<string, unknown> = {}
  for (const name of ['sentMs', 'queuedMs', 'attempts', 'deliveries', 'error', 'diedMs'] as const)
    if (of[name]) headers[names[name]] = of[name]
  for (const name of ['headers', 'attributes'] as const)
    if (of[name] && Object.keys(of[name]).length > 0) headers[names[name]] = JSON.stringify(of[name])
  if (of.history && of.history.length > 0) headers[names.history] = JSON.stringify(of.history)
  return headers
}

/** Reads a message, also one that somebody else has sent. */
export function envelopeOf({ content, properties }: Pick<Message, 'content' | 'properties'>): Envelope {
  const headers = (properties.headers ?? {}) as Record<string, unknown>
  const sentMs = Number(headers[names.sentMs] ?? Number(properties.timestamp ?? 0) * 1000)
  return {
    id: String(properties.messageId ?? `body-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`),
    body: content,
    sentMs,
    queuedMs: Number(headers[names.queuedMs] ?? sentMs),
    headers: parsed(headers[names.headers], {}),
    attributes: parsed(headers[names.attributes], {}),
    attempts: Number(headers[names.attempts] ?? 0),
    deliveries: Number(headers[names.deliveries] ?? 0),
    history: historyOf(headers),
    error: textOf(headers[names.error]),
    diedMs: Number(headers[names.diedMs] ?? 0),
    returns: Number(headers['x-delivery-count'] ?? 0),
  }
}

/** With each return told as an attempt that has failed. When it did so is not known: at the latest, now. */
export function returned(envelope: Envelope): Envelope {
  let { attempts, history } = envelope
  for (let n = 0; n < envelope.returns; n++)
    history = withFailure(history, { attempt: ++attempts, at: new Date(), error: leaseEnded })
  return { ...envelope, attempts, history, deliveries: envelope.deliveries + envelope.returns, returns: 0 }
}

function historyOf(headers: Record<string, unknown>): Failure[] {
  const history = parsed<{ attempt: number; at: string; error: string }[]>(headers[names.history], [])
  return history.map(({ attempt, at, error }) => ({ attempt, at: new Date(at), error }))
}

function parsed<T>(text: unknown, otherwise: T): T {
  if (typeof text !== 'string') return otherwise
  try {
    return JSON.parse(text) as T
  } catch {
    return otherwise
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
