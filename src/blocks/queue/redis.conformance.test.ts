import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { queueSuite } from './conformance.ts'
import * as redis from './redis.ts'

const capabilities = {
  transactions: false,
  delay: true,
  priority: true,
  ordered: true,
  dedupe: true,
  dedupeWindows: true,
  uncounted: true,
  exactStats: true,
  deadLetters: true,
  history: true,
  jobs: true,
  pause: true,
}

const { url, skip } = await engineFor('redis')
if (url === undefined) test('queue on redis', { skip }, () => undefined)
else conforms(queueSuite, onEngine({ driver: 'redis', module: redis, url, capabilities }))
