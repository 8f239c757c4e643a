interface Entry<T> {
  made: Promise<T>
  users: number
}

/** A user's share; letting go twice is harmless. */
export interface Share<T> {
  readonly of: T
  /** The thing is closed with the last of its users. */
  release(): Promise<void>
}

/** What all of this process share by name, such as a connection by its URL: made for the first who takes it, closed after the last. */
export class Shared<T> {
  readonly #close: (of: T) => unknown
  readonly #entries = new Map<string, Entry<T>>()

  constructor(close: (of: T) => unknown) {
    this.#close = close
  }

  /** @throws what `make` throws; then the next one makes it anew */
  async take(name: string, make: () => Promise<T>): Promise<Share<T>> {
    const entry = this.#entries.get(name) ?? { made: make(), users: 0 }
    this.#entries.set(name, entry)
    entry.users++
    try {
      return this.#shareOf(name, entry, await entry.made)
    } catch (error) {
      this.#forget(name, entry)
      throw error
    }
  }

  #shareOf(name: string, entry: Entry<T>, of: T): Share<T> {
    let isHeld = true
    const release = async () => {
      if (!isHeld) return
      isHeld = false
      if (--entry.users > 0) return
      this.#forget(name, entry)
      await this.#close(of)
    }
    return { of, release }
  }

  #forget(name: string, entry: Entry<T>): void {
    if (this.#entries.get(name) === entry) this.#entries.delete(name)
  }
}
