import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { ownEngineFor } from './engines.ts'
import { startKafkaCluster } from './kafka-cluster.ts'

test('a Kafka cluster takes and keeps records while one of its nodes is dead', ownEngineFor('kafka'), async () => {
  await using cluster = await startKafkaCluster()
  const brokers = cluster.url.slice('kafka://'.length).split(',')
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 1000 } })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  try {
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }], waitForLeaders: true })
    const send = (value: string) =>
      producer.send({ topic: 'kept', messages: [0, 1, 2].map((partition) => ({ partition, value })) })
    await send('before')
    await cluster.nodes[0]!.kill()
    await cluster.seen(2)
    await send('meanwhile')
    await cluster.nodes[0]!.restart()
    await cluster.seen(3)
    await send('after')
    const ends = await admin.fetchTopicOffsets('kept')
    equal(
      ends.reduce((sum, { high }) => sum + Number(high), 0),
      9,
    )
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
})
