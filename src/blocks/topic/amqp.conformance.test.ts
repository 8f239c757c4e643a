import { test } from 'node:test'
import { dropTopics } from '../../../test/servers/amqp.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { conforms } from '../../conformance.ts'
import * as amqp from './amqp.ts'
import { topicSuite } from './conformance.ts'
import type { TopicDriver } from './driver.ts'

const engine = await engineFor('rabbitmq')
const lacks = { transactions: false, ordered: false, keepsMessages: false }
const has = {
  uncounted: true,
  filters: true,
  changesFilters: true,
  figures: true,
  deadLetters: true,
  history: true,
  trims: true,
}

if (engine.skip !== false) test('the topic suite on amqp', { skip: engine.skip }, () => undefined)
else {
  const { url } = engine
  const clean = dropTopics(url)
  conforms(
    topicSuite,
    onEngine<TopicDriver>({ driver: 'amqp', module: amqp, url, capabilities: { ...lacks, ...has }, clean }),
  )
}
