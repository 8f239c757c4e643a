/** A session at rest. Its id never is: only `idHash`. */
export interface StoredSession {
  idHash: string
  user: string | undefined
  /** JSON text of an object. */
  data: string
  /** 1 at first; each update adds one. */
  version: number
  createdAtMs: number
  /** Until the earlier of idle and absolute end, by the engine's clock. Above 0. */
  expiresInMs: number
}

/** A session to be kept. */
export interface NewSession {
  idHash: string
  user: string | undefined
  data: string
  idleMs: number
  absoluteMs: number
}

/**
 * What a session driver promises: durable (a crash loses no acknowledged session), atomic updates, expiry by the engine's
 * own clock. An ended session is never answered, swept or not, and nothing but `insert` brings one into being: a slow request
 * undoes no log-out. Concurrent use; raw errors; each call answers within 5 s; never retries.
 */
export interface SessionDriver {
  insert(session: NewSession): Promise<void>
  /** Also prolongs the idle time when a tenth of it has passed. */
  read(idHash: string, idleMs: number): Promise<StoredSession | undefined>
  /** Replaces the data if the version still is `expected`; false when another was faster or it is gone. */
  update(idHash: string, expected: number, data: string): Promise<boolean>
  /** Moves a session to a new id, keeping data and ends, and to a user if one is named; the old id ends at once. False when it is gone. */
  rotate(idHash: string, toIdHash: string, user: string | undefined): Promise<boolean>
  delete(idHash: string): Promise<void>
  /** Ends all sessions of a user, except one if given. Answers how many. */
  deleteUser(user: string, exceptIdHash?: string): Promise<number>
  stats(): Promise<{ live: number }>
  close(): Promise<void>
}
