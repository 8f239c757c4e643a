import { invalid } from '../../errors.ts'

/** What stands in the shared tier: the value, or that there is none, and what is needed to judge it. */
export interface Envelope {
  /** `undefined`: the loader found nothing (negative caching). Frozen, since many callers share it. */
  value: unknown
  /** How long the loader took: what a hit saves. */
  loadMs: number
  /** The last so many milliseconds of its time it is stale: served, and renewed by one caller. */
  staleMs: number
}

/** @throws `invalid_argument` for what JSON cannot hold: a cycle, a BigInt, a function */
export function encode(value: unknown, loadMs: number, staleMs: number): string {
  const head = `[${Math.round(loadMs * 100) / 100},${Math.round(staleMs)}`
  return value === undefined ? `${head}]` : `${head},${toJson(value)}]`
}

function toJson(value: unknown): string {
  let json: string | undefined
  let cause: unknown
  try {
    json = JSON.stringify(value)
  } catch (error) {
    cause = error
  }
  if (json !== undefined) return json
  throw invalid(
    `cache: a ${typeof value} that is no JSON cannot be kept; write plain values (objects, lists, text …)`,
    {
      cause,
    },
  )
}

/** `undefined` when the text is not ours: a miss, as far as the caller is concerned. */
export function decode(text: string): Envelope | undefined {
  try {
    const parts = JSON.parse(text) as unknown
    if (!Array.isArray(parts) || parts.length < 2 || parts.length > 3) return undefined
    const [loadMs, staleMs, value] = parts as [unknown, unknown, unknown]
    if (typeof loadMs !== 'number' || typeof staleMs !== 'number') return undefined
    return { value: freeze(value), loadMs, staleMs }
  } catch {
    return undefined
  }
}

/** All the way down, without recursion: a value may be nested deeper than the stack. */
function freeze(value: unknown): unknown {
  const open = [value]
  for (let next = open.pop(); next !== undefined || open.length > 0; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    for (const inner of Object.values(next)) if (typeof inner === 'object' && inner !== null) open.push(inner)
  }
  return value
}
