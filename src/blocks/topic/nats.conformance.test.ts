import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import type { TopicDriver } from './driver.ts'
import * as nats from './nats.ts'

const { url, skip } = await engineFor('nats')
const lacks = { transactions: false, ordered: false, keepsMessages: false }
const has = {
  uncounted: true,
  filters: true,
  changesFilters: true,
  deadLetters: true,
  history: true,
  trims: true,
  figures: true,
}

interface Names {
  connection: NatsConnection
  stream: string
}

/** Takes away the streams of every topic that a case has opened. */
async function clean(drivers: TopicDriver[]): Promise<void> {
  const opened = drivers.map(({ native }) => native as Names)
  const open = opened.find(({ connection }) => !connection.isClosed())
  if (!open) return
  const { streams } = await jetstreamManager(open.connection)
  const kinds = ['ashlar-topic-', 'ashlar-topicdead-', 'ashlar-topicnotes-']
  const names = opened.flatMap(({ stream }) => kinds.map((kind) => stream.replace(/^ashlar-topic-/, kind)))
  await Promise.all([...new Set(names)].map((name) => streams.delete(name)))
}

if (url === undefined) test('topic on nats', { skip }, () => undefined)
else conforms(topicSuite, onEngine({ driver: 'nats', module: nats, url, capabilities: { ...lacks, ...has }, clean }))
