import type { ConsumerInfo, StoredMsg } from '@nats-io/jetstream'
import { firstFrom } from '../../nats/kept.ts'
import { pull } from '../../nats/pull.ts'
import { consumersOf, infoOf } from '../../nats/streams.ts'
import type { SubscriptionStats } from './driver.ts'
import { noAttempts, readAttempts, released, writeAttempts } from './nats-attempts.ts'
import { contentOf, deliveryOf } from './nats-message.ts'
import type { Site } from './nats-site.ts'
import { ageNanos, changeWanted, isWanted, readWanted, type Wanted } from './nats-subscriptions.ts'

const never = new AbortController().signal
const trimAtOnce = 256
/** For one call; what is left waits for the next. */
const trimMs = 20_000
const maxForgotten = 1_000

export interface Known {
  name: string
  info: ConsumerInfo
  wanted: Wanted
}

/** The subscriptions of a topic, by name. */
export async function subscriptionsOf(site: Site): Promise<Known[]> {
  const all = await consumersOf(site.link, site.places.messages)
  const ours = all.flatMap((info) => {
    const name = info.config.metadata?.['ashlar-subscription']
    return name === undefined ? [] : [{ name, info }]
  })
  const known = await Promise.all(ours.map(async (each) => ({ ...each, wanted: await readWanted(site, each.name) })))
  return known.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

export async function stats(site: Site): Promise<SubscriptionStats[]> {
  const [known, dead] = await Promise.all([subscriptionsOf(site), consumersOf(site.link, site.places.dead)])
  // A consumer that nobody asks has all dead letters of its subscription before it.
  const deadOf = new Map(dead.map(({ config, num_pending }) => [config.metadata?.['ashlar-subscription'], num_pending]))
  return Promise.all(
    known.map(async ({ name, info, wanted: { dropped } }) => {
      const pending = info.num_pending + info.num_ack_pending
      const oldest = pending > 0 ? await firstAfter(site, name, info.ack_floor.stream_seq) : undefined
      const oldestAgeMs = oldest ? Math.max(0, nowOf(info) - oldest.time.getTime()) : 0
      return { subscription: name, pending, dead: deadOf.get(name) ?? 0, oldestAgeMs, dropped }
    }),
  )
}

/** The server's clock: ours may be wrong. */
function nowOf(info: ConsumerInfo): number {
  return Date.parse(info.ts ?? '') || Date.now()
}

/** The first message for a subscription after a sequence number. */
async function firstAfter({ link, places }: Site, name: string, seq: number): Promise<StoredMsg | undefined> {
  const [all, only] = await Promise.all(
    [places.all, places.only(name)].map((subject) => firstFrom(link, places.messages, subject, seq + 1)),
  )
  if (!all || !only) return all ?? only
  return all.seq < only.seq ? all : only
}

export async function trim(site: Site): Promise<{ subscription: string; dropped: number }[]> {
  const endMs = performance.now() + trimMs
  const known = await subscriptionsOf(site)
  const trimmed: { subscription: string; dropped: number }[] = []
  for (const each of known) trimmed.push({ subscription: each.name, dropped: await trimOne(site, each, endMs) })
  await tidy(site, known)
  return trimmed
}

async function trimOne(site: Site, { name, info, wanted }: Known, endMs: number): Promise<number> {
  const before = nowOf(info) - wanted.keepMs
  let dropped = 0
  let seq = info.delivered.stream_seq
  while (performance.now() < endMs) {
    const next = await firstAfter(site, name, seq)
    if (!next || next.time.getTime() >= before) break
    const max = await howManyBefore(site, next.seq, before)
    const gone = await dropSome(site, name, wanted, { max, before })
    if (gone.lastSeq === 0) break
    dropped += gone.dropped
    seq = gone.lastSeq
  }
  if (dropped > 0) await changeWanted(site, name, (now) => ({ ...now, dropped: now.dropped + dropped }))
  return dropped
}

/** So many messages from a sequence number on are old for sure; at least that one is. */
async function howManyBefore({ link, places }: Site, seq: number, before: number): Promise<number> {
  let max = trimAtOnce
  for (; max > 1; max = Math.floor(max / 2)) {
    const last = await firstFrom(link, places.messages, places.all, seq + max - 1)
    if (last && last.time.getTime() < before) return max
  }
  return max
}

/** Takes messages as a consumer would, and settles those that are too old. Younger ones, if any, are given back uncounted. */
async function dropSome(
  site: Site,
  name: string,
  wanted: Wanted,
  { max, before }: { max: number; before: number },
): Promise<{ dropped: number; lastSeq: number }> {
  const { link, places } = site
  const consumer = `${places.messages}.${places.consumer(name)}`
  const { messages } = await pull(link, { consumer, max, waitMs: 0, signal: never })
  let [dropped, lastSeq] = [0, 0]
  for (const message of messages) {
    const delivery = deliveryOf(message.reply!)
    if (delivery.time.getTime() >= before) {
      const attempts = delivery.count > 1 ? await readAttempts(site, name, delivery.seq) : noAttempts
      await writeAttempts(site, name, delivery.seq, released(attempts))
      await link.ask(message.reply!, '-NAK')
      continue
    }
    await link.ask(message.reply!, '+ACK')
    const { attributes } = contentOf(message, delivery)
    if (message.subject !== places.all || isWanted(wanted, delivery.seq, attributes)) dropped++
    lastSeq = Math.max(lastSeq, delivery.seq)
  }
  return { dropped, lastSeq }
}

/** Lets the stream keep what is kept longest, and drops notes of messages that are gone by age. */
async function tidy(site: Site, known: readonly Known[]): Promise<void> {
  const { link, places } = site
  const stream = await infoOf(link, places.messages)
  if (!stream || known.length === 0) return
  const max_age = ageNanos(Math.max(...known.map(({ wanted }) => wanted.keepMs)))
  if (stream.config.max_age !== max_age)
    await link.manage(({ streams }) => streams.update(places.messages, { max_age }))
  const before = nowOf(known[0]!.info) - max_age / 1_000_000
  for (let n = 0; n < maxForgotten; n++) {
    const oldest = await firstFrom(link, places.notes, places.everyAttempt, 1)
    if (!oldest || oldest.time.getTime() >= before) return
    await link.manage(({ streams }) =>
      streams.purge(places.notes, { filter: places.everyAttempt, seq: oldest.seq + 1 }),
    )
  }
}
