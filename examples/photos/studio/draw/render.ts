import { pictures } from '../picture.ts'
import type { Draw } from './kit.ts'
import { randomOf, type Random } from './random.ts'

export interface Camera {
  make: string
  model: string
  lens: string
  /** Such as `1/250`. */
  seconds: string
  aperture: number
  focal: number
  iso: number
}

export interface Drawing {
  width: number
  height: number
  seed: number
  draw: Draw
}

/** The drawing as SVG; the same each time. */
export function svgOf({ width, height, seed, draw }: Drawing): string {
  const body = draw({ width, height, random: randomOf(seed) })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}${vignette(width, height)}</svg>`
}

/** A JPEG with grain, as a camera would leave it: with its EXIF. */
export async function photograph(
  drawing: Drawing,
  of: { camera: Camera; artist: string; takenAt: Date },
): Promise<Buffer> {
  const sharp = await pictures()
  const grain = { input: noise(randomOf(drawing.seed + 1)), raw: { width: tile, height: tile, channels: 4 as const } }
  return sharp(Buffer.from(svgOf(drawing)))
    .flatten()
    .composite([{ ...grain, tile: true, blend: 'overlay' }])
    .jpeg({ quality: 90 })
    .withExif(exifOf(of))
    .toBuffer()
}

/** A small square picture without EXIF. */
export async function portrait(drawing: Drawing): Promise<Buffer> {
  const sharp = await pictures()
  return sharp(Buffer.from(svgOf(drawing)))
    .flatten()
    .webp({ quality: 88 })
    .toBuffer()
}

const tile = 256

/** Grey noise around the middle, which `overlay` leaves as it is. */
function noise(random: Random): Buffer {
  const pixels = Buffer.alloc(tile * tile * 4)
  for (let at = 0; at < pixels.length; at += 4) {
    const grey = 128 + Math.round((random() + random() + random() - 1.5) * 20)
    pixels.fill(grey, at, at + 3)
    pixels[at + 3] = 255
  }
  return pixels
}

function vignette(width: number, height: number): string {
  return `<radialGradient id="vignette" r=".75"><stop offset=".55" stop-opacity="0"/><stop offset="1" stop-opacity=".3"/></radialGradient><rect width="${width}" height="${height}" fill="url(#vignette)"/>`
}

function exifOf({ camera, artist, takenAt }: { camera: Camera; artist: string; takenAt: Date }) {
  const date = takenAt.toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', ':')
  return {
    IFD0: { Make: camera.make, Model: camera.model, Artist: artist, Copyright: `${artist}, drawn by Shutter` },
    IFD2: {
      DateTimeOriginal: date,
      ExposureTime: camera.seconds,
      FNumber: `${Math.round(camera.aperture * 10)}/10`,
      FocalLength: `${camera.focal}/1`,
      ISOSpeedRatings: String(camera.iso),
      LensModel: camera.lens,
    },
  }
}
