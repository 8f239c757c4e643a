import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { contextOf } from '../../../test/context.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import type { TopicDriver } from './driver.ts'
import * as pubsub from './pubsub.ts'
import type { PubSubNative } from '../../pubsub/native.ts'

const { url, skip } = await engineFor('pubsub')
const has = { uncounted: true, filters: true, ordered: true, deadLetters: true }
const lacks = {
  transactions: false,
  changesFilters: false,
  history: false,
  keepsMessages: false,
  trims: false,
  figures: false,
}

/** Takes away the topics that a case has opened, with their subscriptions. */
async function clean(drivers: TopicDriver[]): Promise<void> {
  const topics = new Set(drivers.map(({ native }) => (native as PubSubNative).topic.split('/').at(-1)!))
  for (const topic of topics) {
    const again = await pubsub.open(contextOf(url!, topic, { service: '' }))
    for (const { subscription } of await again.stats()) await again.unsubscribe(subscription)
    const { publisher, topic: name } = again.native as PubSubNative
    await publisher.deleteTopic({ topic: name })
    await again.close()
  }
}

if (url === undefined) test('topic on pubsub', { skip }, () => undefined)
else
  conforms(topicSuite, onEngine({ driver: 'pubsub', module: pubsub, url, capabilities: { ...lacks, ...has }, clean }))
