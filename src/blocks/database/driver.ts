import type { Sql } from '../../postgres/sql.ts'
import type { Member } from './member.ts'

/**
 * What the one driver, `postgres`, promises. It connects on first use, retries nothing and throws `pg`'s own errors; what
 * they mean is told by `codeOf`.
 */
export interface DatabaseDriver {
  /** The primary, wherever it is: after a failover it is found again without a restart. */
  readonly sql: Sql
  /** Every host that reads may go to, the present primary among them; empty without replicas. */
  readonly members: readonly Member[]
}
