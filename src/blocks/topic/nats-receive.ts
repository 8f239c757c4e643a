import type { Msg } from '@nats-io/transport-node'
import type { ReceiveOptions } from '../../lease/lease.ts'
import { NatsFault } from '../../nats/faults.ts'
import { pull } from '../../nats/pull.ts'
import { noAttempts, readAttempts, withEndedLeases } from './nats-attempts.ts'
import { tokenOf, type Held, type HeldMessages } from './nats-held.ts'
import { contentOf, deliveryOf, type Delivery } from './nats-message.ts'
import { nanosPerMs, type Site } from './nats-site.ts'
import { isWanted, mustExist, readWanted } from './nats-subscriptions.ts'

/** By how much the server's lease is longer than ours: time for an acknowledgement to arrive. */
const graceMs = 500
/** How long one call may skip messages that are for others, when it need not wait. */
const skipMs = 5_000

/** Lends messages of a subscription. */
export async function receive(site: Site, held: HeldMessages, name: string, options: ReceiveOptions): Promise<Held[]> {
  const { max, leaseMs, waitMs, signal } = options
  const consumer = `${site.places.messages}.${site.places.consumer(name)}`
  const endMs = performance.now() + waitMs
  for (let leftMs = 0; ;) {
    const { messages, end } = await pull(site.link, { consumer, max, waitMs: leftMs, signal })
    if (end === 'missing') await explainMissing(site, name)
    const lent = messages.length > 0 ? await lend(site, name, messages, leaseMs) : []
    for (const each of lent) held.add(each)
    const nowMs = performance.now()
    const isOver = messages.length > 0 ? nowMs >= endMs + skipMs : nowMs >= endMs
    if (lent.length > 0 || isOver || signal.aborted) return lent
    // What is there is taken together; only when nothing is there do we wait.
    leftMs = messages.length > 0 ? 0 : Math.max(1, endMs - nowMs)
  }
}

async function explainMissing(site: Site, name: string): Promise<never> {
  await mustExist(site, name)
  throw new NatsFault('unavailable', 'JetStream does not answer for a consumer that exists')
}

/** Takes the lease first: what is asked afterwards tells, by its answer, that the server has heard of it. */
async function lend(site: Site, name: string, messages: readonly Msg[], leaseMs: number): Promise<Held[]> {
  const untilMs = performance.now() + leaseMs
  for (const { reply } of messages) site.link.connection.publish(reply!, delayed(leaseMs + graceMs))
  const arrived = messages.map((message) => ({ message, delivery: deliveryOf(message.reply!) }))
  const [wanted, attempts] = await Promise.all([
    readWanted(site, name),
    Promise.all(
      arrived.map(({ delivery }) =>
        delivery.count > 1 ? readAttempts(site, name, delivery.seq) : Promise.resolve(noAttempts),
      ),
    ),
  ])
  const lent: Held[] = []
  for (const [n, { message, delivery }] of arrived.entries()) {
    const content = contentOf(message, delivery)
    const isMine = message.subject !== site.places.all || isWanted(wanted, delivery.seq, content.attributes)
    if (isMine) lent.push(heldOf(name, message, delivery, { attempts: attempts[n]!, content, untilMs }))
    else site.link.connection.publish(message.reply!, '+ACK')
  }
  return lent
}

function heldOf(
  subscription: string,
  { reply }: Msg,
  { seq, count, turn }: Delivery,
  more: Pick<Held, 'attempts' | 'content' | 'untilMs'>,
): Held {
  const attempt = Math.max(1, count - more.attempts.released)
  const attempts = withEndedLeases(more.attempts, attempt)
  return { ...more, token: tokenOf(turn, seq), subscription, seq, reply: reply!, attempt, attempts, isEnding: false }
}

/**
 * "Not now, but after so long": JetStream keeps the message with us until then, takes an acknowledgement meanwhile, and counts no
 * delivery for it. So it is a lease for each message, whatever the consumer's own `ack_wait`.
 */
export function delayed(ms: number): string {
  return `-NAK {"delay": ${Math.max(1, Math.round(ms)) * nanosPerMs}}`
}

/** Prolongs a lease. */
export async function extend({ link }: Site, held: Held, leaseMs: number): Promise<boolean> {
  if (held.isEnding) return false
  const untilMs = performance.now() + leaseMs
  await link.ask(held.reply, delayed(leaseMs + graceMs))
  held.untilMs = untilMs
  return true
}
