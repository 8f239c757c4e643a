import amqp from 'amqplib'
import { callers } from '../contest.ts'
import { body, countdown, type Contestant } from './contestant.ts'

/** A durable classic queue, persistent messages, publisher confirms, a prefetch of 256 and an ack for each message. */
export async function rabbitmq(url: string): Promise<Contestant> {
  const connection = await amqp.connect(url)
  const channel = await connection.createConfirmChannel()
  const name = `bench-${crypto.randomUUID().slice(0, 8)}`
  await channel.assertQueue(name, { durable: true })
  const bytes = Buffer.from(JSON.stringify(body))
  const send = () =>
    new Promise<void>((resolve, reject) =>
      channel.sendToQueue(name, bytes, { persistent: true }, (error) => (error ? reject(error as Error) : resolve())),
    )
  return {
    name: 'rabbitmq',
    sendSingles: (count, at) => callers(count, at, send),
    sendBatches: (batches) => callers(batches, 2, () => Promise.all(Array.from({ length: 1000 }, send))),
    async process(count) {
      const consuming = await connection.createChannel()
      await consuming.prefetch(256)
      const { hit, done } = countdown(count)
      await consuming.consume(name, (message) => {
        consuming.ack(message!)
        hit()
      })
      await done
      await consuming.close()
    },
    async [Symbol.asyncDispose]() {
      await channel.deleteQueue(name)
      await connection.close()
    },
  }
}
