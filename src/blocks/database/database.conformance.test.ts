import { after } from 'node:test'
import { DatabaseStage } from '../../../test/servers/database-harness.ts'
import { conforms } from '../../conformance.ts'
import { databaseSuite } from './conformance.ts'

const stage = await DatabaseStage.open()
after(() => stage[Symbol.asyncDispose]())

conforms(databaseSuite, {
  driver: 'postgres',
  capabilities: { replicas: true, failover: true },
  open: () => stage.stand(),
})
