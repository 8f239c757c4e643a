import { randomUUID } from 'node:crypto'
import { publishInOrder } from '../../nats/publish.ts'
import type { Outgoing } from './driver.ts'
import { fieldsOf } from './nats-message.ts'
import type { Site } from './nats-site.ts'

/** Publishes in order. Answers the ids. */
export async function publish({ link, places, isAtomic }: Site, messages: readonly Outgoing[]): Promise<string[]> {
  const ids = messages.map(() => randomUUID())
  const publishing = messages.map((message, n) => ({
    payload: message.body,
    fields: fieldsOf({ ...message, id: ids[n]! }),
  }))
  await publishInOrder(link, places.all, publishing, isAtomic)
  return ids
}
