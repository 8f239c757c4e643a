import type { Case } from '../../../conformance.ts'
import type { Database, DatabaseOptions } from '../database.ts'

/** What the suite needs of a test set-up: one empty database, and hands on its replica and its network. */
export interface DatabaseHarness {
  /** A handle on the same empty database each time; the harness closes it. */
  open(options?: DatabaseOptions): Promise<Database>
  /** Stops (or resumes) replaying on the replica, which goes on answering. With the capability `replicas`. */
  replay(on: boolean): Promise<void>
  /** What happens between the handle and the replica: nothing passes, or all is cut and refused. With `replicas`. */
  network(state: 'well' | 'cut' | 'frozen'): void
  /** Breaks every connection to the primary from the server's side. */
  breakConnections(): Promise<void>
  /** Makes the replica the primary, the other one its replica. With the capability `failover`. */
  failOver(): Promise<void>
}

export type DatabaseCase = Case<DatabaseHarness>

export const table = (db: Database) => db.run`create table items (id int primary key, name text)`
export const names = async (db: Pick<Database, 'many'>) =>
  (await db.many<{ name: string }>`select name from items order by id`).map(({ name }) => name)
