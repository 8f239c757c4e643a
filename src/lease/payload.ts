import { check, type Schema } from '../block.ts'
import { describe, invalid, isAshlarError } from '../errors.ts'
import { GiveUp } from './retry.ts'

/**
 * A payload as JSON text. The schema is asked about what the receiver will see (a Date arrives as text), so that a
 * message cannot pass here and fail there. @throws `invalid_argument`
 */
export async function encode<T>(what: string, schema: Schema<T> | undefined, payload: T, maxBytes: number) {
  const { body, bytes } = encodeText(what, payload, maxBytes)
  if (schema) await check(what, schema, JSON.parse(body))
  return { body, bytes }
}

/** The same without a schema. */
export function encodeText(what: string, payload: unknown, maxBytes: number): { body: string; bytes: number } {
  const body = stringify(what, payload)
  const bytes = Buffer.byteLength(body)
  if (bytes <= maxBytes) return { body, bytes }
  throw invalid(
    `${what}: the payload has ${bytes} bytes as JSON; allowed are ${maxBytes}; put the bulk into a bucket and send its key`,
  )
}

function stringify(what: string, payload: unknown): string {
  let body: string | undefined
  try {
    body = JSON.stringify(payload)
  } catch (error) {
    throw invalid(`${what}: the payload cannot be written as JSON: ${describe(error)}`, { cause: error })
  }
  if (body === undefined) throw invalid(`${what}: ${typeof payload} is no JSON value; send null, or an object`)
  return body
}

/** The payload of a received message. What cannot be read now never can: `GiveUp`. */
export async function decode<T>(what: string, schema: Schema<T> | undefined, body: string): Promise<T> {
  return checkReceived(what, schema, decodeText(body))
}

/** The same without a schema. */
export function decodeText(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new GiveUp(`the body is not JSON: ${describe(error)}`)
  }
}

export async function checkReceived<T>(what: string, schema: Schema<T> | undefined, payload: unknown): Promise<T> {
  try {
    return await check(what, schema, payload)
  } catch (error) {
    if (isAshlarError(error, 'invalid_argument')) throw new GiveUp(error.message)
    throw error
  }
}

const maxNameBytes = 256

/** Keys stand in indexes and names of engines: 1 to 256 bytes of UTF-8, no NUL. @throws `invalid_argument` */
export function checkKey(what: string, key: string): string {
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0
  if (bytes >= 1 && bytes <= maxNameBytes && !key.includes('\0') && key.isWellFormed()) return key
  throw invalid(
    `${what}: ${typeof key === 'string' ? `a key of ${bytes} bytes` : typeof key} is not valid; write text of 1 to ${maxNameBytes} bytes without NUL`,
  )
}

export const maxMessages = 10_000
export const maxBatchBytes = 64 * 1024 ** 2

/** One call is one statement in the engine, so it has a bound. Answers the bytes. @throws `invalid_argument` */
export function checkBatch(what: string, encoded: readonly { bytes: number }[]): number {
  const bytes = encoded.reduce((sum, each) => sum + each.bytes, 0)
  if (encoded.length > maxMessages || bytes > maxBatchBytes)
    throw invalid(
      `${what}: ${encoded.length} payloads of ${bytes} bytes are too many at once; allowed are ${maxMessages} and ${maxBatchBytes} bytes; send them in parts`,
    )
  return bytes
}
