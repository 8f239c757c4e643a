import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { queueSuite } from './conformance.ts'
import * as sqs from './sqs.ts'

const capabilities = { deadLetters: true }

const { url, skip } = await engineFor('sqs')
if (url === undefined) test('queue on sqs', { skip }, () => undefined)
else {
  conforms(queueSuite, onEngine({ driver: 'sqs', module: sqs, url, capabilities: { ...capabilities, delay: true } }))
  const fifo = { ...capabilities, ordered: true, dedupe: true }
  conforms(queueSuite, onEngine({ driver: 'sqs, fifo', module: sqs, url: `${url}&fifo=true`, capabilities: fifo }))
}
