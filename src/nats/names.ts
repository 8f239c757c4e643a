import { createHash } from 'node:crypto'

const longest = 200

/**
 * A name as one token of a subject and as a part of names of streams and consumers, which may hold none of `. * > / \` nor space.
 * Different names stay different.
 */
export function tokenOf(name: string): string {
  const token = subjectToken(name)
  if (token.length <= longest) return token
  return `${token.slice(0, longest)}=${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

/** A name as one token of a subject, however long; `nameIn` reads it back. */
export function subjectToken(name: string): string {
  return [...Buffer.from(name)].map((byte) => escaped(byte)).join('')
}

export function nameIn(token: string): string {
  const bytes = token.match(/=[0-9A-F]{2}|[^=]/g) ?? []
  return Buffer.from(
    bytes.map((each) => (each.length > 1 ? parseInt(each.slice(1), 16) : each.charCodeAt(0))),
  ).toString()
}

function escaped(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9_-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
