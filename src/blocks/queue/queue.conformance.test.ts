import { conforms, everyCapability } from '../../conformance.ts'
import { onMemory, onPostgres } from '../../../test/servers/leased.ts'
import { queueSuite } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

const capabilities = everyCapability(queueSuite)

conforms(queueSuite, onMemory(memory, { ...capabilities, transactions: false }))
conforms(queueSuite, onPostgres(postgres, capabilities))
