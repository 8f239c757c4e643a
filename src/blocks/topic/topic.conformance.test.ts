import { conforms, everyCapability } from '../../conformance.ts'
import { onMemory, onPostgres } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

const capabilities = everyCapability(topicSuite)

conforms(topicSuite, onMemory(memory, { ...capabilities, transactions: false }))
conforms(topicSuite, onPostgres(postgres, capabilities))
