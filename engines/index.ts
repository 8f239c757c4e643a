import type { Engine, EngineName } from './engine.ts'
import { kafka } from './kafka.ts'
import { kinesis } from './kinesis.ts'
import { nats } from './nats.ts'
import { pubsub } from './pubsub.ts'
import { rabbitmq } from './rabbitmq.ts'
import { redis } from './redis.ts'
import { sns } from './sns.ts'
import { sqs } from './sqs.ts'

/** In the order in which they are installed: what is built the longest begins first. */
export const engines: Readonly<Record<EngineName, Engine>> = { pubsub, rabbitmq, kafka, sqs, sns, kinesis, nats, redis }
