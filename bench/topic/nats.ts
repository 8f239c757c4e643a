import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { callers } from '../contest.ts'
import { body } from '../queue/contestant.ts'
import { subscriptions, type FanOut } from './contestant.ts'

/** A JetStream stream on disk with a durable consumer for each subscription, each message acknowledged. */
export async function natsFanOut(url: string): Promise<FanOut> {
  const connection = await connect({ servers: new URL(url).host })
  const manager = await jetstreamManager(connection)
  const name = `bench${crypto.randomUUID().slice(0, 8)}`
  await manager.streams.add({ name, subjects: [name], storage: StorageType.File })
  const stream = jetstream(connection)
  const text = JSON.stringify(body)
  for (const durable of subscriptions)
    await manager.consumers.add(name, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 10_000,
    })
  const read = async (durable: string, count: number) => {
    const messages = await (await stream.consumers.get(name, durable)).consume({ max_messages: 1000 })
    let left = count
    for await (const message of messages) {
      message.json()
      message.ack()
      if (--left === 0) break
    }
  }
  return {
    name: 'nats jetstream',
    async fanOut(count) {
      const reading = subscriptions.map((durable) => read(durable, count))
      await callers(count, 256, () => stream.publish(name, text))
      await Promise.all(reading)
      await connection.flush()
    },
    async [Symbol.asyncDispose]() {
      await manager.streams.delete(name)
      await connection.close()
    },
  }
}
