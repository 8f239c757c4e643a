import type { Settlement } from './driver.ts'
import { failed, forgetAttempts, released, writeAttempts } from './nats-attempts.ts'
import { bury } from './nats-dead.ts'
import type { Held, HeldMessages } from './nats-held.ts'
import { delayed } from './nats-receive.ts'
import type { Site } from './nats-site.ts'

/** Settles what is still held. When one fails the call fails; the others are answered by true once more when it is repeated. */
export async function settle(
  site: Site,
  held: HeldMessages,
  subscription: string,
  settlements: readonly Settlement[],
): Promise<boolean[]> {
  const ended = await Promise.allSettled(settlements.map((each) => settleOne(site, held, subscription, each)))
  const failure = ended.find(({ status }) => status === 'rejected')
  if (!failure) {
    for (const each of ended) if (each.status === 'fulfilled' && each.value) held.delete(each.value)
    return ended.map((each) => each.status === 'fulfilled' && each.value !== undefined)
  }
  settlements.forEach(({ outcome }, n) => {
    const each = ended[n]!
    if (each.status === 'fulfilled' && each.value) each.value.owed = outcome
  })
  throw (failure as PromiseRejectedResult).reason
}

async function settleOne(
  site: Site,
  held: HeldMessages,
  subscription: string,
  settlement: Settlement,
): Promise<Held | undefined> {
  const mine = held.find(subscription, settlement.token)
  if (!mine || mine.owed === settlement.outcome) return mine
  if (mine.isEnding) return undefined
  mine.isEnding = true
  try {
    await end(site, mine, settlement)
    return mine
  } catch (error) {
    mine.isEnding = false
    throw error
  }
}

async function end(site: Site, held: Held, settlement: Settlement): Promise<void> {
  const { link } = site
  const { reply, subscription, seq, attempts, attempt } = held
  if (settlement.outcome === 'release') {
    await writeAttempts(site, subscription, seq, released(attempts))
    await link.ask(reply, '-NAK')
  } else if (settlement.outcome === 'retry') {
    const { error, delayMs } = settlement
    await writeAttempts(site, subscription, seq, failed(attempts, { attempt, at: new Date(), error }))
    await link.ask(reply, delayed(delayMs))
  } else {
    if (settlement.outcome === 'dead') await bury(site, held, settlement.error)
    await link.ask(reply, settlement.outcome === 'dead' ? '+TERM' : '+ACK')
    await forgetAttempts(site, attempts)
  }
}
