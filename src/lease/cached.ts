/** A reader whose answer is good for a while, so that several gauges of one page cost one question. */
export function cached<T>(maxAgeMs: number, read: () => Promise<T>): () => Promise<T> {
  let last: { value: Promise<T>; atMs: number } | undefined
  return () => {
    if (!last || performance.now() - last.atMs > maxAgeMs) {
      const value = read()
      last = { value, atMs: performance.now() }
      value.catch(() => (last = undefined))
    }
    return last.value
  }
}
