import { AshlarError, describe } from '../errors.ts'
import type { LocalService } from './service.ts'
import { memoryOf, removeStatus, writeStatus, type ProcessStatus } from './status-file.ts'

const refreshMs = 15_000

/** Keeps `.ashlar/status.json` true from the moment all is ready until an orderly stop. */
export class StatusKeeper {
  /** The file is there. @throws when a process says that it can never start, before that */
  readonly ready: Promise<void>
  readonly #folder: string
  readonly #name: string
  #service: LocalService | undefined
  readonly #ready = Promise.withResolvers<void>()
  #isReady = false
  #mayWrite = false
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve()

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
    this.ready = this.#ready.promise
    this.ready.catch(() => undefined) // whoever waits for it hears of it
  }

  /** From now on the file may be written: console and replicas are there. */
  open(): void {
    this.#mayWrite = true
    this.changed()
  }

  watch(service: LocalService): void {
    this.#service = service
    this.#timer = setInterval(() => this.changed(), refreshMs)
    this.#timer.unref()
  }

  changed(): void {
    const service = this.#service
    if (!service) return
    const all = service.processes()
    const hopeless = all.find(({ state }) => state === 'failed')
    if (hopeless && !this.#isReady)
      this.#ready.reject(new AshlarError('unavailable', `${hopeless.id}: ${hopeless.lastError}`))
    if (!this.#isReady && (all.length === 0 || all.some(({ state }) => state !== 'ready') || !this.#mayWrite)) return
    this.#writing = this.#writing
      .then(() => this.#write(service))
      .catch((error: unknown) => console.log(describe(error)))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#service = undefined
    await this.#writing
    await removeStatus(this.#folder)
  }

  async #write(service: LocalService): Promise<void> {
    if (!this.#service) return
    await writeStatus(this.#folder, {
      service: this.#name,
      addresses: service.addresses,
      processes: await processesOf(service),
    })
    this.#isReady = true
    this.#ready.resolve()
  }
}

async function processesOf(service: LocalService): Promise<ProcessStatus[]> {
  const own = {
    id: 'console',
    role: 'console',
    pid: process.pid,
    healthy: true,
    memoryBytes: await memoryOf(process.pid, false),
  }
  const roles = service.processes().map(async ({ id, role, pid = 0, state }) => ({
    id,
    role,
    pid,
    healthy: state === 'ready',
    memoryBytes: await memoryOf(pid, false),
  }))
  const members = service.members().map(async ({ name, role, pid = 0, healthy }) => ({
    id: name,
    role,
    pid,
    healthy,
    memoryBytes: await memoryOf(pid, true),
  }))
  return [own, ...(await Promise.all([...roles, ...members]))]
}
