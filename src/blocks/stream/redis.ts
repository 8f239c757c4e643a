/*
 * URL: `redis[s]://user:password@host:port/database`, options as `redis/url.ts` reads them. Redis 7.0 or newer, or Valkey; Redis
 * Cluster by `cluster=yes`. Everything is supported, compaction included. At rest: keys that begin with
 * `ashlar:{<service>.<name>}:stream:`, all of one slot, so one stream is on one server, in its memory; one Redis stream a partition;
 * `redis-text.ts` says what is in each. Timestamps are those of the append, by the server's clock. A server that may drop keys is
 * refused.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Client } from '../../redis/connection.ts'
import { openRedis, type Share } from '../../redis/open.ts'
import type { Script } from '../../redis/script.ts'
import { checkServer } from '../../redis/server.ts'
import type {
  Appending,
  Bounds,
  GroupStats,
  Membership,
  Offset,
  ParkedRecord,
  Retention,
  StoredRecord,
  StreamDriver,
  StreamEngine,
  StreamShape,
} from './driver.ts'
import { Groups, type GroupStore } from './group-store.ts'
import { fromEntry, fromParked, toParked, type Entry } from './redis-record.ts'
import { Tail } from './redis-tail.ts'
import * as scripts from './redis-text.ts'
import { checkShape } from './shape.ts'

/** How often readers at the end look without a hint. */
const pollMs = 3_000
const maxAnswerBytes = 8 * 1024 ** 2
const maxParkedAtOnce = 500

export async function open(context: OpenContext): Promise<StreamEngine> {
  return { open: (shape) => openStream(context, shape) }
}

async function openStream(context: OpenContext, { partitions, retention }: StreamShape): Promise<StreamDriver> {
  const share = await openRedis(context.url)
  try {
    const caution = await checkServer(share.connection)
    const driver = new RedisStream(share, engineName(context), partitions, caution)
    checkShape(context.name, await driver.make(), partitions)
    if (retention?.compact) await driver.compact()
    return driver
  } catch (error) {
    await share.close()
    throw error
  }
}

export { codeOf } from '../../redis/errors.ts'

class RedisStream implements StreamDriver {
  readonly capabilities = {
    compaction: true,
    compactsOnTrim: true,
    contiguous: true,
    trims: true,
    maxBytes: 1024 ** 2,
  }
  readonly caution?: string
  readonly native: { client: Client; prefix: string }
  readonly partitions: number
  readonly #share: Share
  readonly #prefix: string
  readonly #tail: Tail
  readonly #groups: Groups
  #leave: Promise<() => void> | undefined

  constructor(share: Share, name: string, partitions: number, caution: string | undefined) {
    if (caution !== undefined) this.caution = caution
    this.#share = share
    this.#prefix = `ashlar:{${name}}:stream`
    this.partitions = partitions
    this.native = { client: share.connection.client, prefix: this.#prefix }
    this.#tail = new Tail(share.connection.subscriber, this.#prefix)
    this.#groups = new Groups(this.#store(), partitions, (group) => this.#tell(group))
  }

  /** Answers how many partitions there are. */
  async make(): Promise<number> {
    return Number(await this.#run(scripts.openScript, this.#keys('meta'), [this.partitions]))
  }

  async compact(): Promise<void> {
    await this.#run(scripts.compactScript, this.#keys('meta', 'ends'), [])
  }

  async append(records: readonly Appending[]): Promise<number[]> {
    if (records.length === 0) return []
    const used = [...new Set(records.map(({ partition }) => partition))]
    const places = new Map(used.map((partition, place) => [partition, place]))
    const rows = records.flatMap(({ partition, key, value, headers }) => [
      places.get(partition)!,
      (key ? 1 : 0) + (value ? 2 : 0),
      bytesOf(key),
      bytesOf(value),
      Object.keys(headers).length > 0 ? JSON.stringify(headers) : '',
    ])
    const keys = [...this.#keys('meta', 'ends', 'times', 'bytes'), ...used.flatMap((each) => this.#logKeys(each))]
    const args = [this.#prefix, used.length, ...used, ...rows]
    const offsets = await this.#share.connection.run<number[]>(scripts.appendScript, keys, args)
    for (const partition of used) this.#tail.hint(partition)
    return offsets
  }

  async read(
    partition: number,
    offset: Offset,
    { maxRecords, maxBytes, waitMs, signal }: Parameters<StreamDriver['read']>[2],
  ): Promise<StoredRecord[]> {
    const end = performance.now() + waitMs
    for (let look = 0; ; look++) {
      const since = this.#tail.hints(partition)
      const found = await this.#fetch(partition, Number(offset), maxRecords, maxBytes)
      const leftMs = end - performance.now()
      if (signal.aborted || this.#tail.closed) return []
      if (found.length > 0 || leftMs <= 0) return found
      // Whoever begins to listen has missed what was told before, so looks once more.
      if (look === 0) await this.#tail.listen()
      else await this.#tail.wait(partition, Math.min(leftMs, pollMs * (0.8 + Math.random() * 0.4)), signal, since)
      if (signal.aborted) return []
    }
  }

  async #fetch(partition: number, offset: number, maxRecords: number, maxBytes: number): Promise<StoredRecord[]> {
    const keys = this.#keys(`log:${partition}`)
    const args = [offset, maxRecords, Math.min(maxBytes, maxAnswerBytes)]
    return (await this.#share.connection.runForBytes<Entry[]>(scripts.readScript, keys, args)).map(fromEntry)
  }

  async bounds(): Promise<Bounds[]> {
    const [starts, ends] = this.#keys('starts', 'ends')
    const fields = this.#all()
    const [from, to] = await this.#share.connection.ask((client) =>
      Promise.all([starts!, ends!].map((key) => client.hmget(key, ...fields.map(String)))),
    )
    return fields.map((partition) => ({ start: Number(from![partition]), end: Number(to![partition]) }))
  }

  async offsetsAt(timestamp: number): Promise<number[]> {
    const keys = this.#keys('starts', 'ends', ...this.#all().map((partition) => `log:${partition}`))
    return this.#run<number[]>(scripts.offsetsAtScript, keys, [timestamp])
  }

  async join(group: string, options: { member: string; sessionMs: number; changed?: () => void }): Promise<Membership> {
    if (options.changed) await this.#listen()
    return this.#groups.join(group, options)
  }

  async #listen(): Promise<void> {
    const channel = `${this.#prefix}:groups`
    const heard = (group?: string) => this.#groups.heard(group)
    this.#leave ??= this.#share.connection.subscriber.listen(channel, { onMessage: heard, onGap: () => heard() })
    await this.#leave
  }

  #tell(group: string): void {
    const channel = `${this.#prefix}:groups`
    void this.#share.connection.ask((client) => client.publish(channel, group)).catch(() => undefined)
  }

  #store(): GroupStore {
    const keys = this.#keys('groups', 'versions')
    return {
      names: () => this.#share.connection.ask((client) => client.hkeys(keys[0]!)),
      read: async (group) => {
        const answer = await this.#run<[string | null, string, string]>(scripts.readGroupScript, keys, [group])
        return { text: answer[0] ?? undefined, version: answer[1], nowMs: Number(answer[2]) }
      },
      write: async (group, text, version) =>
        (await this.#run<number>(scripts.writeGroupScript, keys, [group, text, version])) === 1,
    }
  }

  committed(group: string): Promise<Map<number, Offset>> {
    return this.#groups.committed(group)
  }

  seek(group: string, offsets: ReadonlyMap<number, Offset>): Promise<void> {
    return this.#groups.seek(group, offsets)
  }

  async groups(): Promise<GroupStats[]> {
    return this.#groups.stats(await this.bounds(), (group) => {
      return this.#share.connection.ask((client) => client.zcard(this.#parkedKeys(group)[0]!))
    })
  }

  async park(group: string, records: readonly ParkedRecord[]): Promise<void> {
    const args = records.flatMap((each) => [`${each.partition}/${each.offset}`, toParked(each)])
    await this.#run(scripts.parkScript, this.#parkedKeys(group), args)
    await this.#groups.ensure(group)
  }

  async parked(group: string, { limit }: { limit: number }): Promise<ParkedRecord[]> {
    const found: ParkedRecord[] = []
    while (found.length < limit) {
      const args = [found.length, Math.min(maxParkedAtOnce, limit - found.length), maxAnswerBytes]
      const some = await this.#run<string[]>(scripts.parkedScript, this.#parkedKeys(group), args)
      if (some.length === 0) break
      found.push(...some.map(fromParked))
    }
    return found
  }

  async trim({ ms, bytesPerPartition, compact }: Retention): Promise<number> {
    if (compact) await this.compact()
    if (ms !== undefined) await this.#trimParked(ms)
    let dropped = 0
    for (const partition of this.#all()) {
      const own = this.#logKeys(partition)
      if (compact) await this.#index(partition)
      const keys = [...this.#keys('starts', 'ends', 'bytes'), ...own]
      const args = [partition, ms ?? '', bytesPerPartition ?? '', compact ? 1 : 0]
      for (let isMore = 1; isMore === 1;) {
        const answer = await this.#run<[number, number]>(scripts.trimScript, keys, args)
        dropped += answer[0]
        isMore = answer[1]
      }
    }
    return dropped
  }

  /** What was appended before somebody asked for compaction. */
  async #index(partition: number): Promise<void> {
    const keys = [...this.#keys('meta'), ...this.#logKeys(partition)]
    while ((await this.#run<number>(scripts.indexScript, keys, [partition])) === 1);
  }

  async #trimParked(ms: number): Promise<void> {
    for (const group of await this.#store().names())
      while ((await this.#run(scripts.trimParkedScript, this.#parkedKeys(group), [ms])) === 1);
  }

  #run<T>(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<T> {
    return this.#share.connection.run<T>(script, keys, args)
  }

  #all(): number[] {
    return Array.from({ length: this.partitions }, (_, partition) => partition)
  }

  #keys(...names: string[]): string[] {
    return names.map((name) => `${this.#prefix}:${name}`)
  }

  #logKeys(partition: number): string[] {
    return this.#keys(`log:${partition}`, `newest:${partition}`, `superseded:${partition}`)
  }

  #parkedKeys(group: string): string[] {
    return this.#keys(`parked:${group}`, `aside:${group}`)
  }

  async close(): Promise<void> {
    await this.#tail.close()
    const leave = await this.#leave
    leave?.()
    await this.#share.close()
  }
}

function bytesOf(part: Uint8Array | null): Buffer | string {
  return part === null ? '' : Buffer.from(part.buffer, part.byteOffset, part.byteLength)
}
