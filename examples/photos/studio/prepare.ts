import type { PhotoDetails } from '../model.ts'
import { readExif } from './exif.ts'
import { inputOptions, pictures, type Sharp } from './picture.ts'

const widths = [320, 800, 1600]
const formats = new Set(['jpeg', 'png', 'webp', 'heif', 'avif'])

export interface Prepared {
  /** Of the original, upright. */
  width: number
  height: number
  /** Dominant, `#rrggbb`. */
  colour: string
  exif: PhotoDetails['exif']
  /** WebP, smallest first, without any metadata. */
  sizes: { width: number; data: Uint8Array }[]
}

/** Makes the sizes of an original. `unusable`: why a file is no photo, in words for its owner. */
export async function prepare(original: Uint8Array): Promise<Prepared | { unusable: string }> {
  try {
    return await work(original)
  } catch (error) {
    if (error instanceof Unusable) return { unusable: error.message }
    throw error
  }
}

class Unusable extends Error {}

async function work(original: Uint8Array): Promise<Prepared> {
  const sharp = await pictures()
  const { format, autoOrient, exif } = await read(sharp(original, inputOptions).metadata())
  if (!formats.has(format)) throw new Unusable(`This is a ${format} file; send JPEG, PNG, WebP or AVIF.`)
  // The largest first; the others are made of it, so that a large original is unpacked once.
  let source = original
  const sizes: Prepared['sizes'] = []
  for (const width of widthsFor(autoOrient.width).toReversed()) {
    const scaled = sharp(source, inputOptions).autoOrient().resize({ width, withoutEnlargement: true })
    const { data, info } = await read(scaled.webp({ quality: 82, effort: 3 }).toBuffer({ resolveWithObject: true }))
    sizes.unshift({ width: info.width, data })
    source = data
  }
  return { ...autoOrient, colour: await dominant(sharp, source), sizes, exif: readExif(exif) }
}

/** Each width that is not above the next one's need: a picture of 1200 has 320, 800, and itself. */
function widthsFor(original: number): number[] {
  return widths.filter((_, index) => index === 0 || widths[index - 1]! < original)
}

/** What the library throws at a file is the file's fault. */
function read<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const isTooLarge = error instanceof Error && /pixel limit/.test(error.message)
    const why = isTooLarge ? 'The picture has too many pixels.' : 'The file is not a picture, or it is damaged.'
    throw new Unusable(why, { cause: error })
  })
}

async function dominant(sharp: Sharp, small: Uint8Array): Promise<string> {
  const { dominant: colour } = await sharp(small).stats()
  return '#' + [colour.r, colour.g, colour.b].map((part) => part.toString(16).padStart(2, '0')).join('')
}
