import type { ConsumerInfo, StreamConfig, StreamInfo } from '@nats-io/jetstream'
import { apiNumbers, numberOf } from './faults.ts'
import type { Link } from './link.ts'

/** A consumer that only looks goes by itself after so long, should we not be able to end it. */
export const lookNanos = 30_000_000_000

/** What there is of a stream, or `undefined`. */
export async function infoOf(link: Link, stream: string): Promise<StreamInfo | undefined> {
  return orMissing(
    apiNumbers.streamNotFound,
    link.manage(({ streams }) => streams.info(stream)),
  )
}

export async function consumerOf(link: Link, stream: string, consumer: string): Promise<ConsumerInfo | undefined> {
  return orMissing(
    apiNumbers.consumerNotFound,
    link.manage(({ consumers }) => consumers.info(stream, consumer)),
  )
}

/** All consumers of a stream, by name. */
export async function consumersOf(link: Link, stream: string): Promise<ConsumerInfo[]> {
  const all: ConsumerInfo[] = []
  await link.ready()
  for await (const each of link.jsm.consumers.list(stream)) all.push(each)
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Makes a stream that is not there yet. Many may do so at once; one that is there stays as it is. */
export async function ensureStream(link: Link, config: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
  const there = await infoOf(link, config.name)
  if (there) return there
  const full = { storage: 'file' as const, allow_direct: true, num_replicas: link.url.replicas, ...config }
  try {
    return await link.manage(({ streams }) => streams.add(full))
  } catch (error) {
    if (numberOf(error) !== apiNumbers.nameInUse) throw error
    return link.manage(({ streams }) => streams.info(config.name))
  }
}

/** How many messages of a subject there are: a consumer that is made has them before it. */
export async function countOf(link: Link, stream: string, filter_subject: string): Promise<number> {
  const name = `count-${crypto.randomUUID()}`
  const config = { name, filter_subject, ack_policy: 'none', deliver_policy: 'all', mem_storage: true } as const
  const { num_pending } = await link.manage(({ consumers }) =>
    consumers.add(stream, { ...config, inactive_threshold: lookNanos }),
  )
  await deleteConsumer(link, stream, name).catch(() => undefined)
  return num_pending
}

/** True unless there was nothing to delete. */
export async function deleteConsumer(link: Link, stream: string, consumer: string): Promise<boolean> {
  const deleted = await orMissing(
    apiNumbers.consumerNotFound,
    link.manage(({ consumers }) => consumers.delete(stream, consumer)),
  )
  return deleted ?? false
}

async function orMissing<R>(number: number, work: Promise<R>): Promise<R | undefined> {
  try {
    return await work
  } catch (error) {
    if (numberOf(error) === number) return undefined
    throw error
  }
}
