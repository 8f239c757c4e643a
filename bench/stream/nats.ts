import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { callers } from '../contest.ts'
import { body } from '../queue/contestant.ts'
import type { LogContestant } from './contestant.ts'

/** A JetStream stream on disk; consumers acknowledge everything up to the last of each thousand. */
export async function natsLog(url: string): Promise<LogContestant> {
  const connection = await connect({ servers: new URL(url).host })
  const manager = await jetstreamManager(connection)
  const name = `bench${crypto.randomUUID().slice(0, 8)}`
  await manager.streams.add({ name, subjects: [name], storage: StorageType.File })
  const stream = jetstream(connection)
  const text = JSON.stringify(body)
  let groups = 0
  return {
    name: 'nats jetstream',
    appendSingles: (count, at) => callers(count, at, () => stream.publish(name, text)),
    appendBatches: (batches) =>
      callers(batches, 8, () => Promise.all(Array.from({ length: 500 }, () => stream.publish(name, text)))),
    async consume(count) {
      const durable = `group${groups++}`
      await manager.consumers.add(name, { durable_name: durable, ack_policy: AckPolicy.All, max_ack_pending: 10_000 })
      const messages = await (await stream.consumers.get(name, durable)).consume({ max_messages: 5_000 })
      let done = 0
      for await (const message of messages) {
        message.json()
        if (++done % 1000 === 0 || done === count) message.ack()
        if (done === count) break
      }
      await connection.flush()
    },
    async [Symbol.asyncDispose]() {
      await manager.streams.delete(name)
      await connection.close()
    },
  }
}
