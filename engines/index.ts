import type { Engine, EngineName } from './engine.ts'
import { kafka } from './kafka.ts'
import { nats } from './nats.ts'
import { rabbitmq } from './rabbitmq.ts'
import { redis } from './redis.ts'

export const engines: Partial<Record<EngineName, Engine>> = { kafka, rabbitmq, nats, redis }
