/** A whole answer, kept. */
export interface Entry {
  status: number
  headers: string[]
  body: Buffer
  storedAtMs: number
  maxAgeSeconds: number
}

const entryOverheadBytes = 512

/** Answers kept in memory, the longest unused leave first. Only whole, immutable 200 answers to GET come in (RFC 9111 §3). */
export class ResponseCache {
  readonly #entries = new Map<string, Entry>()
  readonly #maxBytes: number
  #bytes = 0
  hits = 0
  misses = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (!entry || ageSeconds(entry) >= entry.maxAgeSeconds) {
      if (entry) this.#drop(key, entry)
      this.misses++
      return undefined
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.hits++
    return entry
  }

  set(key: string, entry: Entry): void {
    const bytes = sizeOf(key, entry)
    if (bytes > this.#maxBytes) return
    const old = this.#entries.get(key)
    if (old) this.#drop(key, old)
    this.#entries.set(key, entry)
    this.#bytes += bytes
    for (const [oldest, value] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest, value)
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= sizeOf(key, entry)
  }
}

/** Small bodies are not free: their keys and heads count, and about what the map and the objects take. */
function sizeOf(key: string, { headers, body }: Entry): number {
  return headers.reduce((sum, text) => sum + text.length, body.byteLength + key.length + entryOverheadBytes)
}

export function ageSeconds({ storedAtMs }: Entry): number {
  return Math.floor((performance.now() - storedAtMs) / 1000)
}

/**
 * For how long a shared cache may keep an answer that its origin calls immutable, in seconds; 0 = not at all. Kept is only
 * a complete 200 without `Set-Cookie` or `Vary`, which says `immutable` and none of `private`, `no-store`, `no-cache`.
 */
export function immutableSeconds(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): number {
  const control = String(headers['cache-control'] ?? '').toLowerCase()
  if (status !== 200 || headers['set-cookie'] || headers.vary || headers['content-range']) return 0
  if (!/(^|[\s,])immutable([\s,]|$)/.test(control) || /(^|[\s,])(private|no-store|no-cache)/.test(control)) return 0
  return Number(
    /(?:^|[\s,])(?:s-maxage=(\d+))/.exec(control)?.[1] ?? /(?:^|[\s,])(?:max-age=(\d+))/.exec(control)?.[1] ?? 0,
  )
}
