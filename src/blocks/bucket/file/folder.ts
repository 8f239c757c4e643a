import { randomBytes } from 'node:crypto'
import { statSync, unlinkSync } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const shards = Array.from({ length: 256 }, (_, at) => at.toString(16).padStart(2, '0'))

/**
 * Immutable files of bytes in 256 folders, named by random ids. A file is written under a `.tmp` name, synced, renamed, and its
 * folder synced: under its final name it is whole.
 */
export class Folder {
  readonly shards: readonly string[] = shards
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async write(chunks: AsyncIterable<Buffer>): Promise<string> {
    const name = randomBytes(16).toString('hex')
    await this.#makeShard(name)
    const temporary = this.#pathOf(name) + '.tmp'
    try {
      await writeSynced(temporary, chunks)
      await rename(temporary, this.#pathOf(name))
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    await syncFolder(this.#shardPath(name))
    return name
  }

  /** @returns undefined when the file is not there */
  async open(name: string): Promise<FileHandle | undefined> {
    return open(this.#pathOf(name), 'r').catch(absent)
  }

  /** Synchronous, for use under the index's write lock. */
  has(name: string): boolean {
    return statSync(this.#pathOf(name), { throwIfNoEntry: false }) !== undefined
  }

  /** Files that nobody needs any more. What cannot be removed now is an orphan, swept later. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) await unlink(this.#pathOf(name)).catch(() => {})
  }

  removeSync(name: string): void {
    unlinkSync(this.#pathOf(name))
  }

  /** Names in a shard, with `.tmp` where that is part of it. */
  async names(shard: string): Promise<string[]> {
    const rests = await readdir(join(this.#path, shard)).catch(absent)
    return (rests ?? []).map((rest) => shard + rest)
  }

  async ageMs(name: string, now: number): Promise<number | undefined> {
    const found = await stat(this.#pathOf(name)).catch(absent)
    return found && now - found.mtimeMs
  }

  async #makeShard(name: string): Promise<void> {
    await makeFolder(this.#shardPath(name))
  }

  #shardPath(name: string): string {
    return join(this.#path, name.slice(0, 2))
  }

  #pathOf(name: string): string {
    return join(this.#shardPath(name), name.slice(2))
  }
}

async function writeSynced(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(chunks)
  await file.sync()
}

/** Makes a folder, with those above it, so that they outlast a power cut. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const top = dirname(first)
  for (let above = dirname(path); above.length >= top.length; above = dirname(above)) {
    await syncFolder(above)
    if (above === top) break
  }
}

/** Makes the names in a folder durable. Windows has no such call, and needs none. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(path, 'r')
  await folder.sync()
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
