import type { Log } from '../../../block.ts'
import { describe } from '../../../errors.ts'
import type { Files } from './files.ts'

const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs

export interface Ages {
  /** Files that nothing refers to are removed when not written to for so long. */
  orphanMs: number
  /** Multipart uploads are dropped so long after their start. */
  uploadMs: number
}

/**
 * Removes what a killed process left: half-written files, files that never came into the index, uploads that nobody finished.
 * Ages only spare slow writers; safety does not hang on them: a file is removed and an object committed under the same lock.
 */
export class Sweeper {
  readonly #files: Files
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #stopped = false

  constructor(files: Files, log: Log) {
    this.#files = files
    this.#log = log
    this.#timer = setInterval(() => this.#tick(), hourMs)
    this.#timer.unref()
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  /** Sweeps now, in small steps. @returns how many files went */
  async sweep({ orphanMs, uploadMs }: Ages): Promise<number> {
    let removed = await this.#dropUploads(uploadMs)
    for (const shard of this.#files.folder.shards) {
      if (this.#stopped) break
      removed += await this.#sweepShard(shard, orphanMs)
    }
    return removed
  }

  #tick(): void {
    this.#running ??= this.#turn()
      .catch((error) =>
        this.#log.warn({ error: describe(error) }, 'bucket: sweeping failed; it is tried again in an hour'),
      )
      .finally(() => (this.#running = undefined))
  }

  async #turn(): Promise<void> {
    const mine = await this.#files.write(() => this.#files.objects.claimSweep(Date.now(), hourMs - 60_000))
    const removed = mine ? await this.sweep({ orphanMs: hourMs, uploadMs: weekMs }) : 0
    if (removed > 0) this.#log.info({ removed }, 'bucket: removed files that interrupted uploads left')
  }

  async #dropUploads(uploadMs: number): Promise<number> {
    let removed = 0
    for (const id of this.#files.objects.uploadsBefore(Date.now() - uploadMs, 1000)) {
      const files = await this.#files.write(() => this.#files.objects.dropUpload(id))
      await this.#files.folder.remove(files)
      removed += files.length
    }
    return removed
  }

  async #sweepShard(shard: string, orphanMs: number): Promise<number> {
    const names = await this.#files.folder.names(shard)
    const used = this.#files.objects.filesOf(shard)
    let removed = 0
    for (const name of names) {
      if (used.has(name)) continue
      const age = await this.#files.folder.ageMs(name, Date.now())
      if (age !== undefined && age >= orphanMs && (await this.#removeUnused(name))) removed++
    }
    return removed
  }

  /** Under the lock that commits take, so that no process can be about to make an object of it. */
  #removeUnused(name: string): Promise<boolean> {
    return this.#files.write(() => {
      if (this.#files.objects.isUsed(name) || !this.#files.folder.has(name)) return false
      this.#files.folder.removeSync(name)
      return true
    })
  }
}
