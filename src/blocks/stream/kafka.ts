/**
 * Driver `kafka:` — `kafka://user:password@host1:9092,host2:9092` with the URL options of `src/kafka/url.ts`: `sasl`, `tls`,
 * `replication`, `client_id`, `acks`. Kafka 3.1 or newer, by the package `@platformatic/kafka` 2.12 or newer. Compaction is
 * Kafka's own: in its own time, not in that of `trim`.
 *
 * At rest: a topic (named as in `src/kafka/names.ts`) with the stream's partitions; keys, values and headers as they are, so
 * that any Kafka client reads and writes it; timestamps are the brokers' (LogAppendTime). Retention is the topic's
 * configuration, and `trim` cuts by DeleteRecords what Kafka would drop later. Groups are Kafka's own, `<stream>:<group>`. What
 * groups set aside is in the topic `….parked`, in the form of `src/kafka/parked.ts`.
 */
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { acquireCluster } from '../../kafka/cluster.ts'
import { codeOf as kafkaCodeOf } from '../../kafka/errors.ts'
import { topicOf } from '../../kafka/names.ts'
import { configsOf } from '../../kafka/retention.ts'
import { Topic } from '../../kafka/topic.ts'
import type { StreamDriver, StreamEngine, StreamShape } from './driver.ts'
import { KafkaStream } from './kafka/stream.ts'
import { checkShape } from './shape.ts'

export async function open(context: OpenContext): Promise<StreamEngine> {
  return { open: (shape) => openStream(context, shape) }
}

async function openStream(context: OpenContext, { partitions, retention }: StreamShape): Promise<StreamDriver> {
  const { cluster, release } = await acquireCluster(context.url)
  try {
    await cluster.check()
    const topic = new Topic(cluster, topicOf(engineName(context)))
    const configs = retention ? configsOf(retention) : {}
    await topic.ensure(partitions, { ...configs, 'message.timestamp.type': 'LogAppendTime' })
    checkShape(context.name, topic.partitions, partitions)
    await topic.configure(configs)
    const { 'max.message.bytes': maxBytes } = await topic.configs(['max.message.bytes'])
    return new KafkaStream({ topic, engineName: engineName(context), maxMessageBytes: Number(maxBytes), release })
  } catch (error) {
    release()
    throw error
  }
}

export function codeOf(error: unknown): Code | undefined {
  return kafkaCodeOf(error)
}
