import amqp from 'amqplib'
import { callers } from '../contest.ts'
import { body, countdown } from '../queue/contestant.ts'
import { subscriptions, type FanOut } from './contestant.ts'

/** A fanout exchange, a durable queue for each subscription, persistent messages with confirms, an ack for each. */
export async function rabbitFanOut(url: string): Promise<FanOut> {
  const connection = await amqp.connect(url)
  const channel = await connection.createConfirmChannel()
  const exchange = `bench-${crypto.randomUUID().slice(0, 8)}`
  await channel.assertExchange(exchange, 'fanout', { durable: true })
  for (const name of subscriptions) {
    await channel.assertQueue(`${exchange}-${name}`, { durable: true })
    await channel.bindQueue(`${exchange}-${name}`, exchange, '')
  }
  const bytes = Buffer.from(JSON.stringify(body))
  const publish = () =>
    new Promise<void>((resolve, reject) =>
      channel.publish(exchange, '', bytes, { persistent: true }, (error) =>
        error ? reject(error as Error) : resolve(),
      ),
    )
  return {
    name: 'rabbitmq',
    async fanOut(count) {
      const consuming = await connection.createChannel()
      await consuming.prefetch(256)
      const { hit, done } = countdown(count * subscriptions.length)
      for (const name of subscriptions)
        await consuming.consume(`${exchange}-${name}`, (message) => {
          JSON.parse(message!.content.toString())
          consuming.ack(message!)
          hit()
        })
      await callers(count, 256, publish)
      await done
      await consuming.close()
    },
    async [Symbol.asyncDispose]() {
      for (const name of subscriptions) await channel.deleteQueue(`${exchange}-${name}`)
      await channel.deleteExchange(exchange)
      await connection.close()
    },
  }
}
