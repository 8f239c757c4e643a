import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import * as redis from './redis.ts'

const capabilities = {
  uncounted: true,
  transactions: false,
  filters: true,
  changesFilters: true,
  ordered: true,
  deadLetters: true,
  history: true,
  keepsMessages: true,
  trims: true,
  figures: true,
}

const { url, skip } = await engineFor('redis')
if (url === undefined) test('topic on redis', { skip }, () => undefined)
else conforms(topicSuite, onEngine({ driver: 'redis', module: redis, url, capabilities }))
