import { connect } from 'amqplib'
import type { AmqpNative } from '../../src/amqp/native.ts'
import type { TopicDriver } from '../../src/blocks/topic/driver.ts'

/** Deletes the queues of such drivers from RabbitMQ: on a connection of its own, for theirs may be closed. */
export function dropQueues(url: string): (drivers: readonly { native: object }[]) => Promise<void> {
  return async (drivers) => {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    for (const queue of new Set(drivers.map(({ native }) => (native as AmqpNative).route)))
      for (const name of [queue, `${queue}:dead`]) await channel.deleteQueue(name)
    await connection.close()
  }
}

/** Ends the subscriptions of such topics, and deletes what is left of them. */
export function dropTopics(url: string): (drivers: readonly TopicDriver[]) => Promise<void> {
  return async (drivers) => {
    for (const driver of drivers)
      for (const { subscription } of await driver.stats().catch(() => [])) await driver.unsubscribe(subscription)
    const connection = await connect(url)
    const channel = await connection.createChannel()
    for (const exchange of new Set(drivers.map(({ native }) => (native as AmqpNative).exchange))) {
      await channel.deleteQueue(`${exchange}:subscriptions`)
      await channel.deleteExchange(exchange)
    }
    await connection.close()
  }
}
