import { createHash } from 'node:crypto'

/** A Lua script that Redis knows by the hash of its text. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** One script of several parts: functions first, what uses them last. */
export function script(...parts: readonly string[]): Script {
  const text = parts.join('\n')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Milliseconds since 1970 by the server's clock, with a fraction; numbers must be written with all their digits. */
export const nowText = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local function whole(number) return string.format('%.0f', number) end`
