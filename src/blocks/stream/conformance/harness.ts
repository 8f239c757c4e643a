import assert from 'node:assert/strict'
import { silent, type OpenContext } from '../../../block.ts'
import { isAshlarError, type Code } from '../../../errors.ts'
import { after, type Appending, type Membership, type Offset, type StoredRecord, type StreamDriver } from '../driver.ts'
import { OpenStream } from '../open-stream.ts'
import type { StreamOptions } from '../stream.ts'

/** What the suite needs of an engine: room of its own for each case. */
export interface StreamHarness {
  /** One more driver on a stream of this case, as another process would open it. The harness closes them all. */
  open(options?: { stream?: string; partitions?: number }): Promise<StreamDriver>
  codeOf(error: unknown): Code | undefined
  /** The shortest session that the engine keeps well, in milliseconds; the suite waits for some of them to end. */
  sessionMs: number
}

export const text = (value: Uint8Array | null) => (value === null ? null : Buffer.from(value).toString())

export function record(partition: number, value: string | null, key: string | null = null): Appending {
  const bytes = (part: string | null) => (part === null ? null : Buffer.from(part))
  return { partition, key: bytes(key), value: bytes(value), headers: {}, timestamp: Date.now() }
}

/** Reads without waiting. */
export function readNow(driver: StreamDriver, partition: number, offset: Offset, maxRecords = 1_000) {
  const signal = new AbortController().signal
  return driver.read(partition, offset, { maxRecords, maxBytes: 1024 ** 2, waitMs: 0, signal })
}

export async function readAll(driver: StreamDriver, partition: number): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for (let page = await readNow(driver, partition, 0); page.length > 0;) {
    found.push(...page)
    page = await readNow(driver, partition, after(page.at(-1)!.offset))
  }
  return found
}

export const valuesOf = (records: readonly StoredRecord[]) => records.map(({ value }) => text(value))

/** Beats until nothing is settling any more. */
export async function settled(membership: Membership, limitMs = 10_000) {
  const end = performance.now() + limitMs
  for (;;) {
    const assignment = await membership.heartbeat(false)
    if (!assignment.settling) return assignment
    if (performance.now() > end) throw new Error(`the group was still settling after ${limitMs} ms`)
  }
}

export async function refuses(harness: StreamHarness, code: Code, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => (isAshlarError(error) ? error.code : harness.codeOf(error)) === code)
}

export function contextOf(name = 'log'): OpenContext {
  return {
    name,
    service: '',
    url: 'test:',
    folder: '',
    secret: '',
    relays: false,
    log: silent,
    block: () => assert.fail('a stream needs no other block'),
  }
}

/** The portable type over a driver of the case. */
export async function portable<T>(
  harness: StreamHarness,
  options: StreamOptions<T> = {},
  driver?: StreamDriver,
): Promise<OpenStream<T>> {
  const over = driver ?? (await harness.open())
  return OpenStream.open<T>({ context: contextOf(), driver: over, options, scheme: 'test', codeOf: harness.codeOf })
}

/** Stands before a driver: counts its calls, and cuts the line. */
export function lineTo(driver: StreamDriver): StreamDriver & { away: boolean; calls: Record<string, number> } {
  const line = { away: false, calls: {} as Record<string, number> }
  const cut = () => Object.assign(new Error('the line is cut'), { code: 'ECONNRESET' })
  const guard = <Of extends object>(of: Of): Of =>
    new Proxy(of, {
      set: (_, name, value) => Reflect.set(line, name, value),
      get(target, name) {
        if (name in line) return Reflect.get(line, name)
        const found: unknown = Reflect.get(target, name, target)
        if (typeof found !== 'function') return found
        return async (...of: unknown[]) => {
          line.calls[String(name)] = (line.calls[String(name)] ?? 0) + 1
          if (line.away && name !== 'close') throw cut()
          const answer: unknown = await found.apply(target, of)
          if (line.away && name !== 'close') throw cut()
          return name === 'join' ? guard(answer as object) : answer
        }
      },
    })
  return guard(driver) as StreamDriver & typeof line
}
