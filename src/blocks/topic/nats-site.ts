import { AshlarError } from '../../errors.ts'
import type { Link } from '../../nats/link.ts'
import { atomicSince } from '../../nats/publish.ts'
import { ensureStream } from '../../nats/streams.ts'
import { Places } from './nats-places.ts'

/** Identical redrives within this time are one. */
const duplicateMs = 120_000
export const nanosPerMs = 1_000_000

/** One topic on one server. */
export class Site {
  readonly link: Link
  readonly places: Places
  /** Of the topic, for messages. */
  readonly name: string
  /** Batches are published all or none. */
  readonly isAtomic: boolean

  private constructor(link: Link, places: Places, name: string, isAtomic: boolean) {
    this.link = link
    this.places = places
    this.name = name
    this.isAtomic = isAtomic
  }

  /** Makes what is not there yet. */
  static async open(link: Link, name: string, engineName: string): Promise<Site> {
    const places = new Places(engineName)
    const newest = { max_msgs_per_subject: 1 }
    const [{ config }] = await Promise.all([
      ensureStream(link, {
        name: places.messages,
        subjects: [places.all, places.everyOnly],
        retention: 'interest',
        duplicate_window: duplicateMs * nanosPerMs,
        ...(link.isServerAtLeast(atomicSince) && { allow_atomic: true }),
      }),
      ensureStream(link, { name: places.dead, subjects: [places.everyDeadLetter], ...newest }),
      ensureStream(link, { name: places.notes, subjects: [places.everySubscription, places.everyAttempt], ...newest }),
    ])
    return new Site(link, places, name, config.allow_atomic === true)
  }

  notFound(subscription: string): AshlarError {
    return new AshlarError('not_found', `topic '${this.name}' has no subscription '${subscription}'; subscribe first`)
  }
}
