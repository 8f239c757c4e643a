import { randomUUID } from 'node:crypto'
import { wrap, type Block, type BlockOptions, type Health, type Log, type Stats } from '../../block.ts'
import { settledWithin, withinMs } from '../../deadline.ts'
import type { DriverTable, OpenedDriver } from '../../declare.ts'
import { AshlarError, describe } from '../../errors.ts'
import { count, gauge, observed } from '../../telemetry.ts'
import type { Duration } from '../../units.ts'
import { checkAddress, checkService, type Address } from './check.ts'
import type { DiscoveryDriver, Instance } from './driver.ts'
import { LeasedRegistration, type Registration } from './registration.ts'
import { retrying } from './retry.ts'
import { SharedWatch, WatchedService, type Watch } from './watching.ts'

export interface DiscoveryOptions extends BlockOptions {
  /** How long an instance that says nothing is still listed. 1s to 5m, default '6s'; renewed every third of it. */
  lease?: Duration
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<DiscoveryDriver>
}

export type { Registration, Watch }

/** Which instances of a service there are. */
export interface Discovery extends Block {
  /**
   * Lists an instance until `end()` or, when this process dies, the end of its lease.
   * @throws `already_exists` when this handle has an instance of that id; `unavailable` `timeout` after three attempts
   */
  register(service: string, address: Address): Promise<Registration>
  list(service: string): Promise<Instance[]>
  watch(service: string): Promise<Watch>
  /** Client-side balancing: an instance, in turn; `undefined` when there is none. */
  pick(service: string): Promise<Instance | undefined>
}

/** Longest wait for one answer of the registry. */
const answerMs = 5_000
const healthMs = 1_800
const closeMs = 4_500
/** Services that `pick` keeps watching; one more ends the watch that was picked from least recently. */
const maxPicked = 256

interface Parts extends OpenedDriver<DiscoveryDriver> {
  name: string
  leaseMs: number
  log: Log
}

export class OpenDiscovery implements Discovery {
  readonly kind = 'discovery'
  readonly name: string
  readonly driver: string
  readonly #parts: Parts
  readonly #registrations = new Map<string, LeasedRegistration | 'beginning'>()
  readonly #watched = new Map<string, { service: WatchedService; started: Promise<void>; users: number }>()
  readonly #picked = new Map<string, { watch: Promise<Watch>; turn: number }>()
  readonly #stopGauges: (() => void)[]
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.name = parts.name
    this.driver = parts.scheme
    this.#stopGauges = this.#gauges()
  }

  async register(service: string, address: Address): Promise<Registration> {
    this.#refuseWhenClosed()
    const instance = checkAddress(this.name, checkService(this.name, service), address, `${service}-${randomUUID()}`)
    const { id } = instance
    if (this.#registrations.has(id))
      throw new AshlarError(
        'already_exists',
        `${this.name}: this process has an instance '${id}' already; end that one first, or leave out the id`,
        { block: this.name, driver: this.driver },
      )
    this.#registrations.set(id, 'beginning')
    try {
      await retrying(() => this.#registerOnce(instance))
    } catch (error) {
      this.#registrations.delete(id)
      throw error
    }
    const registration = new LeasedRegistration(instance, this.#registrar(), () => this.#registrations.delete(id))
    this.#registrations.set(id, registration)
    if (this.#closing) await registration.end()
    return registration
  }

  async list(service: string): Promise<Instance[]> {
    this.#refuseWhenClosed()
    checkService(this.name, service)
    return retrying(() => this.#listOnce(service))
  }

  async watch(service: string): Promise<Watch> {
    this.#refuseWhenClosed()
    checkService(this.name, service)
    const entry = this.#watched.get(service) ?? this.#beginWatch(service)
    entry.users++
    try {
      await entry.started
    } catch (error) {
      await this.#leaveWatch(service, entry)
      throw error
    }
    return new SharedWatch(entry.service, () => this.#leaveWatch(service, entry))
  }

  async pick(service: string): Promise<Instance | undefined> {
    this.#refuseWhenClosed()
    const known = this.#picked.get(service)
    const picked = known ?? { watch: this.watch(service), turn: Math.floor(Math.random() * 1e6) }
    this.#picked.delete(service)
    this.#picked.set(service, picked)
    if (!known) this.#forgetLeastPicked()
    try {
      const { instances } = await picked.watch
      return instances[picked.turn++ % Math.max(instances.length, 1)]
    } catch (error) {
      if (this.#picked.get(service) === picked) this.#picked.delete(service)
      throw error
    }
  }

  async health(): Promise<Health> {
    if (this.#closing) return { ok: false, detail: 'closed' }
    const asked = this.#parts.driver.list('ashlar-health')
    return withinMs(asked, healthMs).then(
      () => ({ ok: true }),
      (error: unknown) => ({ ok: false, detail: describe(error) }),
    )
  }

  async stats(): Promise<Stats> {
    const watched = [...this.#watched.values()].map(({ service }) => service)
    return {
      registered: this.#registrations.size,
      watched: watched.length,
      instances: watched.reduce((sum, { instances }) => sum + instances.length, 0),
      staleMs: Math.max(0, ...watched.map(({ staleMs }) => staleMs)),
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What cannot be taken off the list in time, because the registry is away, leaves it with its lease. */
  async #close(): Promise<void> {
    for (const stop of this.#stopGauges) stop()
    const registrations = [...this.#registrations.values()].filter((each) => each !== 'beginning')
    const ends = registrations.map((each) => each.end())
    const watches = [...this.#watched.values()].map(({ service }) => service.end())
    this.#watched.clear()
    this.#picked.clear()
    await settledWithin(Promise.allSettled([...ends, ...watches]), closeMs)
    await settledWithin(this.#parts.driver.close(), closeMs)
  }

  #refuseWhenClosed(): void {
    if (this.#closing)
      throw new AshlarError('closed', `${this.name} is closed`, { block: this.name, driver: this.driver })
  }

  /** One bounded, measured call of the driver. */
  #ask<T>(operation: string, doing: string, work: () => Promise<T>): Promise<T> {
    const of = { kind: this.kind, block: this.name, driver: this.driver, operation }
    return observed(of, () =>
      withinMs(work(), answerMs, `${doing} took longer than ${answerMs} ms`).catch((error: unknown) => {
        throw wrap(error, { block: this.name, driver: this.driver, doing }, (raw) => this.#parts.codeOf(raw))
      }),
    )
  }

  #registerOnce(instance: Instance): Promise<void> {
    return this.#ask('register', `registering '${instance.id}'`, () =>
      this.#parts.driver.register(instance, this.#parts.leaseMs),
    )
  }

  #listOnce(service: string): Promise<Instance[]> {
    return this.#ask('list', `listing '${service}'`, () => this.#parts.driver.list(service))
  }

  #registrar() {
    const { driver, leaseMs, log, name } = this.#parts
    return {
      block: name,
      leaseMs,
      log,
      register: (instance: Instance) => this.#registerOnce(instance),
      renew: (id: string) => this.#ask('renew', `renewing '${id}'`, () => driver.renew(id, leaseMs)),
      deregister: (id: string) => this.#ask('deregister', `deregistering '${id}'`, () => driver.deregister(id)),
      onReregistered: () =>
        count('ashlar_discovery_reregistered_total', 'Leases lost and taken again', {
          block: name,
          driver: this.driver,
        }),
    }
  }

  #beginWatch(service: string) {
    const { driver, leaseMs, log, name } = this.#parts
    const watched = new WatchedService(service, {
      block: name,
      leaseMs,
      log,
      list: (of) => this.#listOnce(of),
      watch: (of, changed) => this.#ask('watch', `watching '${of}'`, () => driver.watch(of, changed)),
    })
    const entry = { service: watched, started: retrying(() => watched.start()), users: 0 }
    this.#watched.set(service, entry)
    return entry
  }

  async #leaveWatch(service: string, entry: { service: WatchedService; users: number }): Promise<void> {
    if (--entry.users > 0 || this.#watched.get(service) !== entry) return
    this.#watched.delete(service)
    await entry.service.end()
  }

  #forgetLeastPicked(): void {
    if (this.#picked.size <= maxPicked) return
    const [service, { watch }] = this.#picked.entries().next().value!
    this.#picked.delete(service)
    void watch.then((open) => open.end()).catch(() => undefined)
  }

  #gauges(): (() => void)[] {
    const labels = { block: this.name, driver: this.driver }
    const read = async (figure: string) => (await this.stats())[figure]
    return [
      gauge('ashlar_discovery_instances', 'Instances in the lists watched here', labels, () => read('instances')),
      gauge('ashlar_discovery_stale_ms', 'How long ago the registry was last heard of', labels, () => read('staleMs')),
    ]
  }
}
