/** Something that is opened when it is needed, once for all who ask at the same time, and anew after it was lost. */
export class Renewed<T extends { readonly isOpen: boolean }> {
  readonly #make: () => Promise<T>
  #current: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  async get(): Promise<T> {
    const known = this.#current
    if (known) {
      const value = await known.catch(() => undefined)
      if (value?.isOpen) return value
      if (this.#current === known) this.#current = undefined
    }
    this.#current ??= this.#make()
    return this.#current
  }

  /** What is there, if it could be opened. */
  async known(): Promise<T | undefined> {
    return this.#current?.catch(() => undefined)
  }
}
