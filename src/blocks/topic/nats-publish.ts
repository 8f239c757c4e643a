import { randomUUID } from 'node:crypto'
import { AshlarError } from '../../errors.ts'
import type { Fields } from '../../nats/link.ts'
import type { Outgoing } from './driver.ts'
import { fieldsOf } from './nats-message.ts'
import type { Site } from './nats-site.ts'

/** The server takes no more at once as one. */
const maxAtomic = 1_000
/** Under way at once, where each message is answered by itself. */
const maxUnderWay = 256
const publishMs = 10_000
/** For all of one call. */
const callMs = 25_000

interface Ready {
  body: string
  fields: Fields
}

/** Publishes in order. Answers the ids. */
export async function publish(site: Site, messages: readonly Outgoing[]): Promise<string[]> {
  const ids = messages.map(() => randomUUID())
  const ready = messages.map((message, n): Ready => ({
    body: message.body,
    fields: fieldsOf({ ...message, id: ids[n]! }),
  }))
  if (site.isAtomic && ready.length > 1 && ready.length <= maxAtomic) await publishAtOnce(site, ready)
  else await publishEach(site, ready)
  return ids
}

/** All or none: the server stores them when it has seen the last one. */
async function publishAtOnce({ link, places }: Site, ready: readonly Ready[]): Promise<void> {
  const batch = randomUUID()
  await link.ready()
  for (const [n, { body, fields }] of ready.slice(0, -1).entries()) {
    const headers = link.headersOf({ ...fields, 'Nats-Batch-Id': batch, 'Nats-Batch-Sequence': String(n + 1) })
    link.connection.publish(places.all, body, { headers })
  }
  const { body, fields } = ready.at(-1)!
  const last = { 'Nats-Batch-Id': batch, 'Nats-Batch-Sequence': String(ready.length), 'Nats-Batch-Commit': '1' }
  const { count } = await link.api<{ count?: number }>(places.all, body, { ...fields, ...last }, publishMs)
  if (count !== ready.length)
    throw new AshlarError('internal', `NATS stored ${count} of ${ready.length} messages of a batch`)
}

async function publishEach({ link, places }: Site, ready: readonly Ready[]): Promise<void> {
  const endMs = performance.now() + callMs
  for (let from = 0; from < ready.length; from += maxUnderWay) {
    const leftMs = Math.min(publishMs, endMs - performance.now())
    if (leftMs <= 0)
      throw new AshlarError('timeout', `NATS stored ${from} of ${ready.length} messages within ${callMs} ms`)
    await link.ready()
    const some = ready.slice(from, from + maxUnderWay)
    const stored = await Promise.allSettled(some.map(({ body, fields }) => link.api(places.all, body, fields, leftMs)))
    for (const each of stored) if (each.status === 'rejected') throw each.reason
  }
}
