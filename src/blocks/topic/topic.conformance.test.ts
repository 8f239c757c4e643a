import { conforms } from '../../conformance.ts'
import { onMemory, onPostgres } from '../../../test/servers/leased.ts'
import { topicSuite } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres.ts'

const capabilities = {
  uncounted: true,
  filters: true,
  changesFilters: true,
  ordered: true,
  deadLetters: true,
  history: true,
  keepsMessages: true,
  trims: true,
  figures: true,
}

conforms(topicSuite, onMemory(memory, { ...capabilities, transactions: false }))
conforms(topicSuite, onPostgres(postgres, { ...capabilities, transactions: true }))
