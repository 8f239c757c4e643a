import type { ChannelModel } from 'amqplib'

/** What queue and topic let you reach of RabbitMQ. */
export interface AmqpNative {
  /** Where messages are published to: of a queue the default exchange, `''`, and the queue's name. */
  exchange: string
  route: string
  /** The connection that it has now; another one once that is lost. Open channels of your own on it. */
  connection(): Promise<ChannelModel>
}
