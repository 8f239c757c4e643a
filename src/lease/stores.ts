/** What `memory:NAME` handles of one process share; it ends with the last of them. Without a name it is a handle's own. */
export class SharedStores<Store> {
  readonly #make: () => Store
  readonly #stores = new Map<string, { store: Store; users: number }>()

  constructor(make: () => Store) {
    this.#make = make
  }

  /** @returns the store, and what to call, once or more, when done with it */
  take(name: string, engineName: string): { store: Store; release: () => void } {
    if (name === '') return { store: this.#make(), release: () => undefined }
    const id = `${name}/${engineName}`
    let shared = this.#stores.get(id)
    if (!shared) this.#stores.set(id, (shared = { store: this.#make(), users: 0 }))
    const { store } = shared
    shared.users++
    let held = true
    const release = () => {
      if (held && --shared.users === 0) this.#stores.delete(id)
      held = false
    }
    return { store, release }
  }
}
