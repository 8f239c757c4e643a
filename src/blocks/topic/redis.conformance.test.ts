import { test } from 'node:test'
import { conforms, everyCapability } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import * as redis from './redis.ts'

const capabilities = { ...everyCapability(topicSuite), transactions: false }

const { url, skip } = await engineFor('redis')
if (url === undefined) test('topic on redis', { skip }, () => undefined)
else conforms(topicSuite, onEngine({ driver: 'redis', module: redis, url, capabilities }))
