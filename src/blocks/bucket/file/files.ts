import type { DatabaseSync } from 'node:sqlite'
import { meet, type Condition } from '../condition.ts'
import type { ObjectInfo } from '../driver.ts'
import { BucketFault } from '../fault.ts'
import type { Folder } from './folder.ts'
import { Objects } from './objects.ts'
import { sqliteCode, Writer } from './writer.ts'

/** Files and index together: how a file becomes an object, all or nothing. */
export class Files {
  readonly folder: Folder
  readonly objects: Objects
  readonly writer: Writer
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync, folder: Folder) {
    this.#db = db
    this.folder = folder
    this.objects = new Objects(db)
    this.writer = new Writer(db)
  }

  write<T>(work: () => T): Promise<T> {
    return this.writer.run(work)
  }

  /**
   * Brings a written file into the index. `work` answers the files that it replaced; they are removed after the commit.
   * Whoever still reads one of them has it open, and reads it to its end.
   */
  async commit(file: string, work: () => (string | undefined)[]): Promise<void> {
    try {
      const replaced = await this.write(() => {
        if (!this.folder.has(file))
          throw new BucketFault('swept', 'the file was swept because its process stood still for an hour; put it again')
        return work()
      })
      await this.folder.remove(replaced.filter((name) => name !== undefined))
    } catch (error) {
      if (certainlyUndone(error)) await this.folder.remove([file])
      throw error
    }
  }

  /** Inside `commit`: makes the file the object under its key, if the condition holds. @returns the file it replaces */
  place(info: ObjectInfo, file: string, condition: Condition): string | undefined {
    const there = this.objects.find(info.key)
    meet(condition, there?.info)
    this.objects.set({ info, file })
    return there?.file
  }

  async close(): Promise<void> {
    await this.writer.idle()
    this.#db.close()
  }
}

/** After a failed sync the log may hold the commit all the same: then the file stays, and the sweeper decides. */
function certainlyUndone(error: unknown): boolean {
  const full = 13
  const busy = 5
  const code = sqliteCode(error)
  return error instanceof BucketFault || code === full || code === busy
}
