import type sharp from 'sharp'

export type Sharp = typeof sharp

// Larger than any camera of today; a small file must not unpack to more memory than there is.
const maxPixels = 120_000_000

let loaded: Promise<Sharp> | undefined

/** The picture library, loaded on first use and held small: one thread, no cache. Only workers need it. */
export function pictures(): Promise<Sharp> {
  loaded ??= import('sharp').then(({ default: library }) => {
    library.concurrency(1)
    library.cache(false)
    return library
  })
  return loaded
}

export const inputOptions = { limitInputPixels: maxPixels, failOn: 'error' } as const
