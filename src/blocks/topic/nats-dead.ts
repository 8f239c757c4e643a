import { clipped } from '../../errors.ts'
import { randomUUID } from 'node:crypto'
import type { Msg } from '@nats-io/transport-node'
import { deleteConsumer, lookNanos } from '../../nats/streams.ts'
import { newestOf } from '../../nats/kept.ts'
import { pull } from '../../nats/pull.ts'
import type { DeadLetter } from './driver.ts'
import { failed } from './nats-attempts.ts'
import type { Held } from './nats-held.ts'
import { contentOf, deathFields, deathOf, deliveryOf, fieldsOf } from './nats-message.ts'
import type { Site } from './nats-site.ts'
import { mustExist } from './nats-subscriptions.ts'

const never = new AbortController().signal
const longestError = 2_000
const redriveAtOnce = 100
/** For one call; more are redriven by the next. */
const redriveMs = 25_000

/** Stores a dead letter of a subscription: once, also when it is tried again. */
export async function bury({ link, places }: Site, held: Held, error: string): Promise<void> {
  const { attempt, attempts, content, subscription } = held
  const short = clipped(error, longestError)
  const { failures } = failed(attempts, { attempt, at: new Date(), error })
  const fields = { ...fieldsOf(content), ...deathFields({ attempts: attempt, error: short, history: failures }) }
  await link.api(places.deadLetter(subscription, content.id), content.body, fields)
}

/** A dead letter as it lies in its stream. */
interface Buried {
  message: Pick<Msg, 'data' | 'headers'>
  seq: number
  time: Date
}

export async function dead(site: Site, subscription: string, limit: number): Promise<DeadLetter[]> {
  await mustExist(site, subscription)
  const letters: DeadLetter[] = []
  await forEachDead(site, subscription, limit, async (some) => void letters.push(...some.map(letterOf)))
  return letters
}

function letterOf({ message, seq, time }: Buried): DeadLetter {
  const { id, body, attributes } = contentOf(message, { seq, time })
  return { id, body, attributes, diedAt: time, ...deathOf(message) }
}

/** Oldest first, in parts. Looks at them by a consumer that acknowledges nothing and does not outlive this. */
async function forEachDead(
  { link, places }: Site,
  subscription: string,
  limit: number,
  work: (some: Buried[]) => Promise<void>,
): Promise<void> {
  const name = `look-${randomUUID()}`
  await link.manage(({ consumers }) =>
    consumers.add(places.dead, {
      name,
      ack_policy: 'none',
      deliver_policy: 'all',
      mem_storage: true,
      filter_subject: places.deadLetters(subscription),
      inactive_threshold: lookNanos,
    }),
  )
  try {
    for (let left = limit; left > 0;) {
      const options = { consumer: `${places.dead}.${name}`, max: Math.min(left, 500), waitMs: 0, signal: never }
      const { messages } = await pull(link, options)
      if (messages.length === 0) return
      await work(messages.map((message) => ({ message, ...deliveryOf(message.reply!) })))
      left -= messages.length
    }
  } finally {
    await deleteConsumer(link, places.dead, name).catch(() => undefined)
  }
}

/** Sends dead letters back to their subscription alone. Answers how many. */
export async function redrive(site: Site, subscription: string, ids: readonly string[] | 'all'): Promise<number> {
  await mustExist(site, subscription)
  const endMs = performance.now() + redriveMs
  let count = 0
  const send = async (some: readonly Buried[]) => {
    for (let from = 0; from < some.length && performance.now() < endMs; from += redriveAtOnce) {
      const sent = await Promise.all(
        some.slice(from, from + redriveAtOnce).map((each) => sendBack(site, subscription, each)),
      )
      count += sent.filter(Boolean).length
    }
  }
  if (ids === 'all') await forEachDead(site, subscription, Infinity, send)
  else for (const id of new Set(ids)) await send(await buried(site, subscription, id))
  return count
}

async function buried({ link, places }: Site, subscription: string, id: string): Promise<Buried[]> {
  const message = await newestOf(link, places.dead, places.deadLetter(subscription, id))
  return message
    ? [{ message: { data: message.data, headers: message.header }, seq: message.seq, time: message.time }]
    : []
}

/** Two who do so at once send it once. False when another was faster. */
async function sendBack(
  { link, places }: Site,
  subscription: string,
  { message, seq, time }: Buried,
): Promise<boolean> {
  const content = contentOf(message, { seq, time })
  const once = { 'Nats-Msg-Id': `redriven ${subscription} ${seq}` }
  await link.api(places.only(subscription), content.body, { ...fieldsOf(content), ...once })
  try {
    return await link.manage(({ streams }) => streams.deleteMessage(places.dead, seq, false))
  } catch (error) {
    if ((error as { code?: number }).code === 10057) return false
    throw error
  }
}
