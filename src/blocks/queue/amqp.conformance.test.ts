import { test } from 'node:test'
import { onEngine } from '../../../test/servers/leased.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { conforms } from '../../conformance.ts'
import * as amqp from './amqp.ts'
import { queueSuite } from './conformance.ts'
import type { QueueDriver } from './driver.ts'
import { dropQueues } from '../../../test/servers/amqp.ts'

const engine = await engineFor('rabbitmq')
const capabilities = {
  transactions: false,
  delay: true,
  priority: false,
  ordered: false,
  dedupe: false,
  deadLetters: true,
  history: true,
  jobs: false,
  pause: false,
}

if (engine.skip !== false) test('the queue suite on amqp', { skip: engine.skip }, () => undefined)
else {
  const { url } = engine
  const clean = dropQueues(url)
  conforms(queueSuite, onEngine<QueueDriver>({ driver: 'amqp', module: amqp, url, capabilities, clean }))
}
