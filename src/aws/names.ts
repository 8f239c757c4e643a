import { createHash } from 'node:crypto'

/** Endings that this module gives to names itself, so that no plain name may have them. */
const ours = /-(dead|fifo|[0-9a-f]{12})$/
const longest = 64

/**
 * A name for the engine: at most 64 characters out of A-Z a-z 0-9 - _, so that there is room for an ending of ours. Different
 * names give different names: what does not fit as it is gets a hash behind what is readable of it.
 */
export function awsName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name) && !ours.test(name)) return name
  return hashedName(name, name)
}

/** A name of something that belongs to another: always with a hash, and so never the plain name of anything else. */
export function hashedName(readable: string, whole: string): string {
  const shown = readable.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, longest - 13)
  return `${shown}-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`
}

/** A text as SQS wants group and dedupe ids: 1 to 128 characters of ASCII. Different texts give different ids. */
export function idOf(text: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(text) && !text.startsWith('sha256:')) return text
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
