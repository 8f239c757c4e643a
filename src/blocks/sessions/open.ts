import { setTimeout as sleep } from 'node:timers/promises'
import { wrap, type Health, type Stats } from '../../block.ts'
import { withinMs } from '../../deadline.ts'
import type { OpenedDriver } from '../../declare.ts'
import { AshlarError, describe, isAshlarError, type Code } from '../../errors.ts'
import { Gather } from '../../gather.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import { isSecure, readCookie, writeCookie, type CookieStyle } from './cookie.ts'
import { checkObject, checkUser, hashOf, mergeText, newId, toText } from './data.ts'
import type { SessionDriver, StoredSession } from './driver.ts'
import type { Session, Sessions } from './sessions.ts'

/** Checked options. */
export interface SessionSettings extends CookieStyle {
  idleMs: number
  absoluteMs: number
}

const maxRaces = 50
const retries = 2
const healthMs = 1_500

interface Merger {
  gather: Gather<object, StoredSession>
  users: number
}

interface Parts extends OpenedDriver<SessionDriver> {
  name: string
  settings: SessionSettings
}

/** The portable type: ids, merging, retry, errors, telemetry. All state is in the driver. */
export class OpenSessions<Data extends object> implements Sessions<Data> {
  readonly kind = 'sessions'
  readonly name: string
  readonly driver: string
  readonly #driver: SessionDriver
  readonly #codeOf: (error: unknown) => Code | undefined
  readonly #settings: SessionSettings
  readonly #labels: Record<string, string>
  readonly #dropGauge: () => void
  /** Updates of one session under way in this process: they are merged here first, so that only processes race. */
  readonly #mergers = new Map<string, Merger>()
  #closing: Promise<void> | undefined

  constructor({ name, driver, scheme, codeOf, settings }: Parts) {
    this.name = name
    this.driver = scheme
    this.#driver = driver
    this.#codeOf = codeOf
    this.#settings = settings
    this.#labels = { block: name, driver: scheme }
    this.#dropGauge = gauge('ashlar_sessions_live', 'Sessions that have not ended', this.#labels, async () =>
      this.#closing ? undefined : (await driver.stats()).live,
    )
  }

  async create(user?: string, data: Partial<Data> = {}): Promise<Session<Data>> {
    const id = newId()
    const { idleMs, absoluteMs } = this.#settings
    const owner = user === undefined ? undefined : checkUser(user)
    const session = { idHash: hashOf(id)!, user: owner, data: toText(checkObject(data)), idleMs, absoluteMs }
    return this.#run('create', async () => {
      await this.#retry('create', (again) =>
        // A second try that finds the id taken finds the work of the first: nobody else draws the same 256 bits.
        this.#driver.insert(session).catch((error: unknown) => {
          if (!again || wrap(error, this.#of('create'), this.#codeOf).code !== 'already_exists') throw error
        }),
      )
      this.#count('ashlar_sessions_created_total', 'Sessions begun')
      const expiresInMs = Math.min(idleMs, absoluteMs)
      return toSession<Data>(id, { ...session, version: 1, createdAtMs: Date.now(), expiresInMs })
    })
  }

  async get(id: string): Promise<Session<Data> | undefined> {
    const idHash = hashOf(id)
    if (!idHash) return undefined
    return this.#run('get', async () => {
      const stored = await this.#read(idHash)
      return stored && toSession<Data>(id, stored)
    })
  }

  async update(id: string, changes: Partial<Data>): Promise<Session<Data>> {
    toText(checkObject(changes))
    const idHash = hashOf(id) ?? this.#gone()
    return this.#run('update', async () => toSession<Data>(id, await this.#merge(idHash, { ...changes })))
  }

  async rotate(id: string, user?: string): Promise<Session<Data>> {
    const owner = user === undefined ? undefined : checkUser(user)
    const idHash = hashOf(id) ?? this.#gone()
    const next = newId()
    return this.#run('rotate', async () => {
      await this.#retry('rotate', () => this.#driver.rotate(idHash, hashOf(next)!, owner))
      // The new id decides, not the answer: a first try whose answer was lost has moved it already.
      return toSession<Data>(next, (await this.#read(hashOf(next)!)) ?? this.#gone())
    })
  }

  async end(id: string): Promise<void> {
    const idHash = hashOf(id)
    if (!idHash) return
    await this.#run('end', () => this.#retry('end', () => this.#driver.delete(idHash)))
    this.#count('ashlar_sessions_ended_total', 'Sessions ended by log-out')
  }

  async endAll(user: string, exceptId?: string): Promise<number> {
    checkUser(user)
    const except = exceptId === undefined ? undefined : hashOf(exceptId)
    const ended = await this.#run('endAll', () => this.#retry('endAll', () => this.#driver.deleteUser(user, except)))
    this.#count('ashlar_sessions_ended_total', 'Sessions ended by log-out', ended)
    return ended
  }

  async of(request: Request): Promise<Session<Data> | undefined> {
    const id = readCookie(this.#settings, request.headers.get('cookie'), isSecure(request))
    return id === undefined ? undefined : this.get(id)
  }

  cookie(session: Session<Data> | undefined, request: Request): string {
    return writeCookie(this.#settings, session?.id, isSecure(request))
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, detail: 'closed' }
    try {
      await withinMs(this.#driver.read('health', this.#settings.idleMs), healthMs)
      return { ok: true }
    } catch (error) {
      return { ok: false, detail: describe(error) }
    }
  }

  stats(): Promise<Stats> {
    return this.#run('stats', async () => ({ ...(await this.#retry('stats', () => this.#driver.stats())) }))
  }

  close(): Promise<void> {
    this.#closing ??= Promise.resolve(this.#dropGauge()).then(() => this.#driver.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #merge(idHash: string, changes: object): Promise<StoredSession> {
    let merger = this.#mergers.get(idHash)
    if (!merger) {
      const gather = new Gather((all: object[]) => this.#mergeAll(idHash, all), { maxUnderWay: 1, maxWaiting: 10_000 })
      this.#mergers.set(idHash, (merger = { gather, users: 0 }))
    }
    merger.users++
    try {
      return await merger.gather.ask(changes)
    } finally {
      if (--merger.users === 0) this.#mergers.delete(idHash)
    }
  }

  async #mergeAll(idHash: string, changes: object[]): Promise<StoredSession[]> {
    for (let race = 0; race < maxRaces; race++) {
      const stored = (await this.#read(idHash)) ?? this.#gone()
      const data = mergeText(stored.data, changes)
      if (await this.#retry('update', () => this.#driver.update(idHash, stored.version, data)))
        return changes.map(() => ({ ...stored, data, version: stored.version + 1 }))
      this.#count('ashlar_sessions_conflicts_total', 'Updates that met another one and were merged again')
      await sleep(Math.random() * Math.min(50, 2 ** race))
    }
    const message = `${this.name}: update lost ${maxRaces} races against other updates of the same session; try again`
    throw new AshlarError('conflict', message, { ...this.#of('update'), retryable: true })
  }

  #read(idHash: string): Promise<StoredSession | undefined> {
    return this.#retry('read', () => this.#driver.read(idHash, this.#settings.idleMs))
  }

  #gone(): never {
    throw new AshlarError('not_found', `${this.name}: the session has ended; log in again`, this.#of('find'))
  }

  #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const of = { kind: this.kind, block: this.name, driver: this.driver, operation }
    return observed(of, async () => {
      if (this.#closing) throw new AshlarError('closed', `${this.name}: the sessions are closed`, this.#of(operation))
      return work()
    })
  }

  /** Every call is one that may be repeated; a store that is away for a moment is asked again. */
  async #retry<T>(doing: string, work: (again: boolean) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work(attempt > 0)
      } catch (error) {
        const wrapped = wrap(error, this.#of(doing), this.#codeOf)
        if (!isAshlarError(wrapped, 'unavailable') || attempt >= retries || this.#closing) throw wrapped
        await sleep((50 + Math.random() * 50) * 2 ** attempt)
      }
    }
  }

  #of(doing: string) {
    return { block: this.name, driver: this.driver, doing }
  }

  #count(name: string, help: string, by = 1): void {
    if (by > 0) count(name, help, this.#labels, by)
  }
}

function toSession<Data extends object>(id: string, stored: StoredSession): Session<Data> {
  return {
    id,
    user: stored.user,
    data: JSON.parse(stored.data) as Data,
    createdAt: new Date(stored.createdAtMs),
    expiresAt: new Date(Date.now() + stored.expiresInMs),
  }
}
