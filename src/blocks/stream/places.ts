import { invalid } from '../../errors.ts'
import type { Offset, StreamDriver } from './driver.ts'

/** A place in a log, as users write it. */
export type Place = 'start' | 'end' | Date

/** @throws `invalid_argument` */
export function checkPlace(what: string, place: unknown): Place {
  if (place === 'start' || place === 'end') return place
  if (place instanceof Date && Number.isFinite(place.getTime())) return place
  throw invalid(`${what}: '${String(place)}' is not a place in a stream; write 'start', 'end' or a Date`)
}

/** The offset of a place in each partition. */
export async function offsetsOf(driver: StreamDriver, place: Place): Promise<Offset[]> {
  if (place instanceof Date) return driver.offsetsAt(place.getTime())
  const bounds = await driver.bounds()
  return bounds.map(({ start, end }) => (place === 'start' ? start : end))
}
