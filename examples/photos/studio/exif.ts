import type { PhotoDetails } from '../model.ts'

type Exif = PhotoDetails['exif']

// The few fields of EXIF (CIPA DC-008) that are shown. All others, the place above all, are never kept.
const tags = { make: 0x010f, model: 0x0110, exif: 0x8769 }
const exifTags = { exposure: 0x829a, aperture: 0x829d, iso: 0x8827, takenAt: 0x9003, focal: 0x920a, lens: 0xa434 }
const maxEntries = 500

/** Reads what sharp hands over as `metadata.exif`: `Exif\0\0` and a TIFF structure. Broken data gives what could be read. */
export function readExif(bytes: Uint8Array | undefined): Exif {
  if (!bytes) return {}
  try {
    return toExif(new Tiff(bytes))
  } catch (error) {
    if (error instanceof RangeError) return {}
    throw error
  }
}

function toExif(tiff: Tiff): Exif {
  const main = tiff.directory(tiff.first)
  const pointer = main.get(tags.exif)
  const more = typeof pointer === 'number' ? tiff.directory(pointer) : new Map<number, Value>()
  const camera = cameraOf(text(main.get(tags.make)), text(main.get(tags.model)))
  const lens = text(more.get(exifTags.lens))
  const exposure = exposureOf(more)
  const takenAt = dateOf(text(more.get(exifTags.takenAt)))
  return {
    ...(camera && { camera }),
    ...(lens && { lens }),
    ...(exposure && { exposure }),
    ...(takenAt && { takenAt }),
  }
}

/** Makers write their name into the model, or do not. */
export function cameraOf(make = '', model = ''): string | undefined {
  const maker = make.replace(/ (corporation|camera ag|co\.?,? ?ltd\.?|imaging.*)$/i, '').trim()
  const name = model.toLowerCase().startsWith(maker.toLowerCase()) ? model : `${maker} ${model}`
  return name.trim() || undefined
}

/** `1/250 s · f/8 · 35 mm · ISO 100`, as far as it is known. */
function exposureOf(values: Map<number, Value>): string | undefined {
  const number = (tag: number) => {
    const value = values.get(tag)
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined
  }
  const seconds = number(exifTags.exposure)
  const aperture = number(exifTags.aperture)
  const focal = number(exifTags.focal)
  const iso = number(exifTags.iso)
  const parts = [
    seconds && (seconds < 0.4 ? `1/${Math.round(1 / seconds)} s` : `${round(seconds)} s`),
    aperture && `f/${round(aperture)}`,
    focal && `${round(focal)} mm`,
    iso && `ISO ${iso}`,
  ]
  return parts.filter(Boolean).join(' · ') || undefined
}

const round = (value: number) => Math.round(value * 10) / 10

/** `2024:06:01 05:12:44` is local time of an unknown zone: kept without one. */
function dateOf(value: string | undefined): string | undefined {
  const [, year, month, day, time] = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)$/.exec(value ?? '') ?? []
  const date = `${year}-${month}-${day}T${time}`
  return year && !Number.isNaN(Date.parse(date)) ? date : undefined
}

type Value = string | number

/** Never half a character at the end: no database stores one. */
const text = (value: Value | undefined) =>
  typeof value === 'string' ? value.slice(0, 100).replace(/[\ud800-\udbff]$/, '') : undefined

/** A TIFF structure: directories of entries, each `tag u16, type u16, count u32, value or offset u32`. */
class Tiff {
  readonly first: number
  readonly #view: DataView
  readonly #bytes: Uint8Array
  readonly #little: boolean

  constructor(exif: Uint8Array) {
    this.#bytes = exif.subarray(6)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
    this.#little = this.#view.getUint16(0) === 0x4949
    this.first = this.#u32(4)
  }

  /** The first value of each entry of a type that is known here. */
  directory(offset: number): Map<number, Value> {
    const count = Math.min(this.#u16(offset), maxEntries)
    const entries = Array.from({ length: count }, (_, index) => offset + 2 + index * 12)
    return new Map(
      entries.flatMap((at) => {
        const value = this.#value(at)
        return value === undefined ? [] : [[this.#u16(at), value] as const]
      }),
    )
  }

  #value(entry: number): Value | undefined {
    const type = this.#u16(entry + 2)
    const count = this.#u32(entry + 4)
    if (type === 2) return this.#ascii(count <= 4 ? entry + 8 : this.#u32(entry + 8), count)
    if (type === 3) return this.#u16(entry + 8)
    if (type === 4) return this.#u32(entry + 8)
    if (type === 5) return this.#u32(this.#u32(entry + 8)) / this.#u32(this.#u32(entry + 8) + 4)
    return undefined
  }

  #ascii(offset: number, count: number): string {
    const raw = new TextDecoder().decode(this.#bytes.subarray(offset, offset + Math.min(count, 1000)))
    // eslint-disable-next-line no-control-regex
    return raw.replace(/[\u0000-\u001f\u007f].*$/s, '').trim()
  }

  #u16(offset: number): number {
    return this.#view.getUint16(offset, this.#little)
  }

  #u32(offset: number): number {
    return this.#view.getUint32(offset, this.#little)
  }
}
