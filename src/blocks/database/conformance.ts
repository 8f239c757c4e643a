import type { Suite } from '../../conformance.ts'
import { connectionCases } from './conformance/connections.ts'
import type { DatabaseHarness } from './conformance/harness.ts'
import { readCases } from './conformance/reads.ts'
import { statementCases } from './conformance/statements.ts'
import { transactionCases } from './conformance/transactions.ts'

export type { DatabaseHarness }

/** What the `database` block promises. Capabilities: `replicas`, `failover`. */
export const databaseSuite: Suite<DatabaseHarness> = {
  block: 'database',
  cases: [...statementCases, ...transactionCases, ...readCases, ...connectionCases],
}
