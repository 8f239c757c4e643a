import { invalid } from '../../errors.ts'

/**
 * The one rule for keys: opaque text of 1 to 1024 UTF-8 bytes. Nothing is normalised: `a`, `./a` and `a/` are three keys.
 * @throws `invalid_argument`
 */
export function checkKey(key: string, maxBytes = 1024): string {
  if (typeof key !== 'string') throw invalid(`a key is text, not ${typeof key}`)
  const bytes = Buffer.byteLength(key)
  if (bytes < 1 || bytes > maxBytes)
    throw invalid(`key ${shown(key)} has ${bytes} bytes in UTF-8; allowed is 1 to ${maxBytes}`)
  return wellFormed('key', key)
}

/** Half a surrogate pair has no UTF-8 form, so two keys could become one. @throws `invalid_argument` */
export function wellFormed(what: string, text: string): string {
  if (text.isWellFormed()) return text
  throw invalid(`${what} ${shown(text)} holds half of a surrogate pair; use text that has a UTF-8 form`)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? text.slice(0, 60) + '…' : text)
}

/** The first bytes that come after everything which starts with this text. No UTF-8 byte is above 0xF4, so one can be added. */
export function successor(text: string): Buffer {
  const bytes = Buffer.from(text)
  bytes[bytes.length - 1]! += 1
  return bytes
}
