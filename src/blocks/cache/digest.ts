import { createHash } from 'node:crypto'

/** 66 bits of a key's SHA-256: how changes of keys are told between processes. Two keys of one digest are only invalidated together. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 11)
}
