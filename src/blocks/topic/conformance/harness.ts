import type { Code } from '../../../errors.ts'
import type { TopicDriver } from '../driver.ts'

/** What a driver needs for the suite. */
export interface TopicHarness {
  /**
   * One more driver on the same engine, whose topics are empty at first, as another process would open it; the harness
   * closes it. @param name of the block; default one and the same
   */
  driver(name?: string): Promise<TopicDriver>
  codeOf(error: unknown): Code | undefined
  /** The database of `{ tx }` and `once`: the driver's own when it declares `transactions`; may be another's, or none. */
  databaseUrl?: string
}
