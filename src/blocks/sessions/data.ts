import { createHash, randomBytes } from 'node:crypto'
import { invalid } from '../../errors.ts'

const idBytes = 32
const idForm = /^[A-Za-z0-9_-]{43}$/
const maxDataBytes = 1024 * 1024
const maxUserLength = 512

/** 256 random bits, base64url. */
export function newId(): string {
  return randomBytes(idBytes).toString('base64url')
}

/** What stands in the store for an id; `undefined` for what cannot be one, which is not worth a question to the store. */
export function hashOf(id: unknown): string | undefined {
  if (typeof id !== 'string' || !idForm.test(id)) return undefined
  return createHash('sha256').update(id).digest('base64url')
}

/** @throws `invalid_argument` */
export function checkUser(user: unknown): string {
  if (typeof user === 'string' && user.length >= 1 && user.length <= maxUserLength && isStorable(user)) return user
  const what = typeof user === 'string' ? `a text of ${user.length} characters` : String(user)
  throw invalid(`sessions: user is ${what}; write a text of 1 to ${maxUserLength} characters without NUL`)
}

/** PostgreSQL stores no NUL, and a lone surrogate would turn two users into one. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** @throws `invalid_argument` unless it is an object of JSON values */
export function checkObject(data: unknown): object {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data
  const what = Array.isArray(data) ? 'an array' : data === null ? 'null' : `a ${typeof data}`
  throw invalid(`sessions: data is ${what}; write an object such as { cart: [] }`)
}

/** Data with changes merged in, later ones last; a key set to `undefined` is gone. By entries, so that '__proto__' is a key like any other. */
export function mergeText(stored: string, changes: readonly object[]): string {
  const entries = [JSON.parse(stored) as object, ...changes].flatMap((each) => Object.entries(each))
  return toText(Object.fromEntries(entries))
}

/** @throws `invalid_argument` for what JSON cannot hold, or over 1 MB */
export function toText(data: object): string {
  let text: string
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw invalid(`sessions: data is not JSON (${(cause as Error).message.split('\n')[0]}); keep plain values in it`, {
      cause,
    })
  }
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxDataBytes) return text
  throw invalid(
    `sessions: data is ${bytes} bytes of JSON; at most ${maxDataBytes} are kept: store large things elsewhere and their key here`,
  )
}
