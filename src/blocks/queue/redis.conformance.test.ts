import { test } from 'node:test'
import { conforms, everyCapability } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { queueSuite } from './conformance.ts'
import * as redis from './redis.ts'

const capabilities = { ...everyCapability(queueSuite), transactions: false }

const { url, skip } = await engineFor('redis')
if (url === undefined) test('queue on redis', { skip }, () => undefined)
else conforms(queueSuite, onEngine({ driver: 'redis', module: redis, url, capabilities }))
