import { setTimeout as sleep } from 'node:timers/promises'
import { AshlarError } from '../../errors.ts'
import { isConflict, readKept, writeKept } from '../../nats/kept.ts'
import { consumerOf, deleteConsumer, infoOf } from '../../nats/streams.ts'
import type { Subscription } from './driver.ts'
import { nanosPerMs, type Site } from './nats-site.ts'

/**
 * A delivery that reached nobody comes again after so long. It is the lease only until the receiver has said how long it wants
 * to have the message.
 */
export const arrivalMs = 10_000
/** Of messages lent, or waiting for their next attempt: with more the subscription waits until some are settled. */
const maxHeld = 100_000
const maxWaiting = 8_192
const maxTries = 50
/** The stream keeps messages so long at least, and twice as long as the subscription that keeps them longest: `trim` is to count them. */
const shortestAgeMs = 3_600_000

/** What a subscription asks for. */
export interface Wanted {
  /** Each holds for messages from a sequence number on, up to that of the next. */
  filters: { from: number; filter: Subscription['filter'] }[]
  keepMs: number
  dropped: number
}

const nothingYet: Wanted = { filters: [], keepMs: 0, dropped: 0 }

export async function readWanted({ link, places }: Site, name: string): Promise<Wanted> {
  const { text } = await readKept(link, places.notes, places.subscription(name))
  return text === undefined ? nothingYet : (JSON.parse(text) as Wanted)
}

/** Whether a message is for this subscription. */
export function isWanted({ filters }: Wanted, seq: number, attributes: Readonly<Record<string, string>>): boolean {
  const newest = filters.findLast(({ from }) => from <= seq) ?? filters[0]
  return Object.entries(newest?.filter ?? {}).every(([name, allowed]) => {
    return Object.hasOwn(attributes, name) && allowed.includes(attributes[name]!)
  })
}

/** Makes or changes a subscription. Its consumer comes last: with it the subscription exists. */
export async function subscribe(site: Site, { name, filter, keep }: Subscription): Promise<void> {
  const { link, places } = site
  const [stream, consumer] = await Promise.all([
    infoOf(link, places.messages),
    consumerOf(link, places.messages, places.consumer(name)),
  ])
  const from = (stream?.state.last_seq ?? 0) + 1
  const settledUpTo = consumer ? consumer.ack_floor.stream_seq : from - 1
  await changeWanted(site, name, (wanted) => {
    return { ...withFilter(wanted, filter, from, settledUpTo), keepMs: keep.ms }
  })
  const maxAge = ageNanos(keep.ms)
  if (stream && stream.config.max_age < maxAge)
    await link.manage(({ streams }) => streams.update(places.messages, { max_age: maxAge }))
  if (!consumer) await addConsumers(site, name)
}

export function ageNanos(longestKeepMs: number): number {
  return Math.max(shortestAgeMs, 2 * longestKeepMs) * nanosPerMs
}

/** Changes what is stored of a subscription, whoever else does so at the same time. */
export async function changeWanted(site: Site, name: string, change: (wanted: Wanted) => Wanted): Promise<void> {
  const { link, places } = site
  for (let tries = 0; ; tries++) {
    const { text, revision } = await readKept(link, places.notes, places.subscription(name))
    const changed = JSON.stringify(change(text === undefined ? nothingYet : (JSON.parse(text) as Wanted)))
    if (changed === text) return
    if (Buffer.byteLength(changed) > link.maxPayload)
      throw new AshlarError(
        'exhausted',
        `subscription '${name}' has changed its filter too often for what it still holds; consume that first`,
      )
    try {
      await writeKept(link, places.subscription(name), changed, revision)
      return
    } catch (error) {
      if (!isConflict(error) || tries >= maxTries) throw error
      await sleep(Math.random() * 20)
    }
  }
}

function withFilter(wanted: Wanted, filter: Subscription['filter'], from: number, settledUpTo: number): Wanted {
  const { filters } = wanted
  const newest = filters.at(-1)
  if (newest && JSON.stringify(newest.filter) === JSON.stringify(filter)) return wanted
  const stillUsed = filters.filter((_, n) => (filters[n + 1]?.from ?? Infinity) > settledUpTo + 1)
  const earlier = stillUsed.filter((each) => each.from < from)
  return { ...wanted, filters: [...earlier, { from: newest ? from : 0, filter }] }
}

async function addConsumers({ link, places }: Site, name: string): Promise<void> {
  const durable_name = places.consumer(name)
  const metadata = { 'ashlar-subscription': name }
  await link.manage(({ consumers }) =>
    consumers.add(places.dead, {
      durable_name,
      metadata,
      ack_policy: 'none',
      deliver_policy: 'all',
      filter_subject: places.deadLetters(name),
    }),
  )
  await link.manage(({ consumers }) =>
    consumers.add(places.messages, {
      durable_name,
      metadata,
      ack_policy: 'explicit',
      deliver_policy: 'new',
      max_deliver: -1,
      filter_subjects: [places.all, places.only(name)],
      ack_wait: arrivalMs * nanosPerMs,
      max_ack_pending: maxHeld,
      max_waiting: maxWaiting,
    }),
  )
}

/** Ends a subscription; what it held goes with it. */
export async function unsubscribe({ link, places }: Site, name: string): Promise<void> {
  await deleteConsumer(link, places.messages, places.consumer(name))
  await deleteConsumer(link, places.dead, places.consumer(name))
  await link.manage(async ({ streams }) => {
    await streams.purge(places.messages, { filter: places.only(name) })
    await streams.purge(places.dead, { filter: places.deadLetters(name) })
    await streams.purge(places.notes, { filter: places.allAttempts(name) })
    await streams.purge(places.notes, { filter: places.subscription(name) })
  })
}

/** @throws `not_found` */
export async function mustExist(site: Site, name: string): Promise<void> {
  const { link, places } = site
  if (!(await consumerOf(link, places.messages, places.consumer(name)))) throw site.notFound(name)
}
