import type { SNS } from '@aws-sdk/client-sns'
import type { SQS } from '@aws-sdk/client-sqs'
import type { Admin } from '@platformatic/kafka'
import type { NatsConnection } from '@nats-io/transport-node'
import type { AmqpNative } from './amqp/native.ts'
import type { Native } from './block.ts'
import type { Sql } from './postgres/sql.ts'
import type { PubSubNative } from './pubsub/native.ts'
import type { Client } from './redis/connection.ts'

/*
 * The escape hatch: what each driver of queue, topic and stream lets you reach of its engine, where the portable block does not
 * go far enough. `views.native(kafka)` is typed, and refused when the block is open on another driver. What you do with it is
 * between you and the engine.
 */

/** The pool of connections; the tables are described in the docs page of each block. */
export const postgres: Native<{ sql: Sql }> = { scheme: 'postgres' }

/** The client of ioredis, and what the names of the block's keys begin with. */
export const redis: Native<{ client: Client; prefix: string }> = { scheme: 'redis' }

/** The connection of @nats-io/transport-node, the stream that the block's messages lie in, and the subject that they are published to. */
export const nats: Native<{ connection: NatsConnection; stream: string; subject: string }> = { scheme: 'nats' }

/** An admin client of @platformatic/kafka, the stream's topic, and what Kafka calls a group of it. */
export const kafka: Native<{ admin: Admin; topic: string; groupId(group: string): string }> = { scheme: 'kafka' }

/** A connection of amqplib, and where the block's messages are published to. */
export const amqp: Native<AmqpNative> = { scheme: 'amqp' }

/** Clients of @google-cloud/pubsub, and the full names of the block's topic and subscriptions; ask anew after an outage. */
export const pubsub: Native<PubSubNative> = { scheme: 'pubsub' }

/** The SDK's client of SQS, the URL of the block's queue, and that of its dead letters. */
export const sqs: Native<{ client: SQS; queueUrl: string; deadQueueUrl: string }> = { scheme: 'sqs' }

/** The SDK's clients of SNS and SQS, and the ARN of the block's topic. */
export const sns: Native<{ sns: SNS; sqs: SQS; topicArn: string }> = { scheme: 'sns' }
