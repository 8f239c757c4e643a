import { conforms } from '../../conformance.ts'
import { onMemory, onPostgres } from '../../../test/servers/leased.ts'
import { queueSuite } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

const capabilities = {
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

conforms(queueSuite, onMemory(memory, { ...capabilities, transactions: false }))
conforms(queueSuite, onPostgres(postgres, { ...capabilities, transactions: true }))
