import { connect } from 'amqplib'
import type { AmqpNative } from '../../src/amqp/native.ts'

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
