import { jetstream, jetstreamManager, AckPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { callers } from '../contest.ts'
import { body, type Contestant } from './contestant.ts'

/** A JetStream work queue on disk; each message is acknowledged, without waiting for the server to say so. */
export async function nats(url: string): Promise<Contestant> {
  const connection = await connect({ servers: new URL(url).host })
  const manager = await jetstreamManager(connection)
  const name = `bench${crypto.randomUUID().slice(0, 8)}`
  await manager.streams.add({ name, subjects: [name], retention: RetentionPolicy.Workqueue, storage: StorageType.File })
  await manager.consumers.add(name, {
    durable_name: 'workers',
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 10_000,
  })
  const stream = jetstream(connection)
  const text = JSON.stringify(body)
  return {
    name: 'nats jetstream',
    sendSingles: (count, at) => callers(count, at, () => stream.publish(name, text)),
    async sendBatches(batches) {
      await callers(batches, 2, () => Promise.all(Array.from({ length: 1000 }, () => stream.publish(name, text))))
    },
    async process(count) {
      const messages = await (await stream.consumers.get(name, 'workers')).consume({ max_messages: 1000 })
      let left = count
      for await (const message of messages) {
        message.ack()
        if (--left === 0) break
      }
      await connection.flush()
    },
    async [Symbol.asyncDispose]() {
      await manager.streams.delete(name)
      await connection.close()
    },
  }
}
