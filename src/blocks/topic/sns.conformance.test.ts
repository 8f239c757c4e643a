import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { onEngine } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import * as sns from './sns.ts'

const { url, skip } = await engineFor('sns')
const capabilities = { filters: true, deadLetters: true }

if (url === undefined) test('topic on sns', { skip }, () => undefined)
else conforms(topicSuite, onEngine({ driver: 'sns', module: sns, url, capabilities }))
