import type pg from 'pg'
import { keyOf, rowOf, tableOf, unchangedOf, type Change } from './change.ts'
import { parseMessage, type Message, type Relation } from './pgoutput.ts'

/** What a take gives: some changes, and how far the log is done with once they are. */
export interface Delivery {
  changes: Change[]
  /** End of the last transaction that is whole in here. */
  doneUntil: bigint | undefined
}

type Item = Change | { endLsn: bigint }

/** So many changes wait here at most, or a little more; then the server waits. */
const maxWaiting = 2_000
const statusEveryMs = 5_000
const epochMs = Date.UTC(2000, 0, 1)

/** The parts of `pg`'s connection that a streaming query needs. */
interface Connection {
  query(text: string): void
  sendCopyFromChunk(bytes: Buffer): void
  stream: { pause(): void; resume(): void }
}

/**
 * The changes that a replication slot streams, as one never-ending query of `pg` (PostgreSQL documentation, "Streaming
 * Replication Protocol"). The server hears every few seconds how far we are, also while nobody takes anything.
 */
export class Feed {
  readonly #text: string
  readonly #relations = new Map<number, Relation>()
  readonly #items: Item[] = []
  readonly #status: NodeJS.Timeout
  #connection: Connection | undefined
  #transaction = { version: 0, at: new Date(0) }
  #doneUntil = 0n
  #isTaken = false
  #wake: (() => void) | undefined
  #failure: { error: unknown } | undefined

  constructor(slot: string, publication: string) {
    this.#text = `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${publication}')`
    this.#status = setInterval(() => this.#tell(), statusEveryMs).unref()
  }

  /** For `pg`: hands the query to its connection. */
  submit(connection: Connection): void {
    this.#connection = connection
    connection.query(this.#text)
  }

  /** Waits for something. @throws when the stream has ended, and why */
  async take(max: number, signal: AbortSignal): Promise<Delivery> {
    const wake = () => this.#wake?.()
    signal.addEventListener('abort', wake)
    try {
      while (this.#items.length === 0 && !this.#failure && !signal.aborted)
        await new Promise<void>((resolve) => (this.#wake = resolve))
    } finally {
      signal.removeEventListener('abort', wake)
    }
    if (signal.aborted) return { changes: [], doneUntil: undefined }
    if (this.#items.length === 0) throw this.#failure!.error
    return this.#taken(max)
  }

  #taken(max: number): Delivery {
    const items = this.#items.splice(0, max)
    if (this.#items.length < maxWaiting / 2) this.#connection?.stream.resume()
    this.#isTaken = true
    const changes = items.filter((item) => 'table' in item)
    const doneUntil = items.findLast((item) => 'endLsn' in item)?.endLsn
    return { changes, doneUntil }
  }

  /** What was taken has been handled: the server may forget it. */
  done(until: bigint | undefined): void {
    this.#isTaken = false
    if (until !== undefined && until > this.#doneUntil) this.#doneUntil = until
    this.#tell()
  }

  /** Tells the server a last time how far we are. */
  end(error: unknown = new Error('Connection terminated: the feed was ended')): void {
    if (this.#failure) return
    this.#tell()
    clearInterval(this.#status)
    this.#failure = { error }
    this.#wake?.()
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    if (chunk[0] === 0x77) this.#add(parseMessage(chunk.subarray(25)))
    else if (chunk[0] === 0x6b) this.#heard(chunk.readBigUInt64BE(1), chunk[17] === 1)
  }

  /** The server's log has grown by what is not for us: that, too, may be forgotten, or a quiet table would hold all of it. */
  #heard(endLsn: bigint, isAsked: boolean): void {
    const isIdle = this.#items.length === 0 && !this.#isTaken
    if (isIdle && endLsn > this.#doneUntil) this.#doneUntil = endLsn
    if (isAsked) this.#tell()
  }

  #add(message: Message): void {
    if (message.kind === 'relation') this.#relations.set(message.oid, message.relation)
    else if (message.kind === 'begin') this.#transaction = { version: Number(message.commitLsn), at: message.at }
    else if (message.kind === 'commit') this.#push({ endLsn: message.endLsn })
    else for (const change of this.#changesOf(message)) this.#push(change)
  }

  #push(item: Item): void {
    this.#items.push(item)
    if (this.#items.length >= maxWaiting) this.#connection?.stream.pause()
    this.#wake?.()
  }

  #changesOf(message: Message): Change[] {
    if (message.kind === 'truncate')
      return message.oids.map((oid) => this.#change('truncate', this.#relation(oid), { key: {} }))
    if (message.kind === 'other' || !('oid' in message) || message.kind === 'relation') return []
    const relation = this.#relation(message.oid)
    if (message.kind === 'delete') return [this.#change('delete', relation, { key: keyOf(relation, message.before) })]
    const before = message.kind === 'update' ? message.before : undefined
    return [
      this.#change(message.kind, relation, {
        key: keyOf(relation, before ?? message.row),
        row: rowOf(relation, message.row),
        unchanged: unchangedOf(relation, message.row),
      }),
    ]
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid)
    if (!relation) throw new Error(`the server sent a row of relation ${oid} before it described it`)
    return relation
  }

  #change(
    operation: Change['operation'],
    relation: Relation,
    of: Pick<Change, 'key'> & Partial<Pick<Change, 'row' | 'unchanged'>>,
  ): Change {
    return { table: tableOf(relation), operation, row: undefined, unchanged: [], ...of, ...this.#transaction }
  }

  /** Standby status update: written, flushed and applied are the same here. */
  #tell(): void {
    if (!this.#connection || this.#failure) return
    const bytes = Buffer.alloc(34)
    bytes.write('r')
    for (const at of [1, 9, 17]) bytes.writeBigUInt64BE(this.#doneUntil, at)
    bytes.writeBigInt64BE(BigInt(Date.now() - epochMs) * 1000n, 25)
    this.#connection.sendCopyFromChunk(bytes)
  }

  handleError(error: unknown): void {
    this.end(error)
  }

  handleCommandComplete(): void {
    this.end(new Error('Connection terminated: the server ended the stream'))
  }

  handleReadyForQuery(): void {
    this.end(new Error('Connection terminated: the server ended the stream'))
  }
}

/** Runs it on a replication connection. */
export function startFeed(client: pg.Client, slot: string, publication: string): Feed {
  const feed = new Feed(slot, publication)
  client.once('end', () => feed.end())
  client.query(feed as unknown as pg.Submittable)
  return feed
}
