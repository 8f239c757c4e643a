/** A session at rest. Its id never is: only `idHash`. */
export interface StoredSession {
  idHash: string
  user: string | undefined
  /** JSON text of an object. */
  data: string
  /** 1 at first; each update adds one. */
  version: number
  createdAtMs: number
  /** The earlier of idle and absolute end, by the engine's clock. */
  expiresInMs: number
}

/**
 * What a session driver promises: durable (a crash loses no acknowledged session), atomic updates, expiry by the engine's
 * own clock. An ended session is never answered, swept or not. Concurrent use, raw errors.
 */
export interface SessionDriver {
  insert(session: {
    idHash: string
    user: string | undefined
    data: string
    idleMs: number
    absoluteMs: number
  }): Promise<void>
  /** Also prolongs the idle time when a tenth of it has passed. */
  read(idHash: string, idleMs: number): Promise<StoredSession | undefined>
  /** Replaces the data if the version still is `expected`; false when another was faster or it is gone. */
  update(idHash: string, expected: number, data: string): Promise<boolean>
  /** Moves a session to a new id and user, keeping data and ends; the old id ends at once. False when it is gone. */
  rotate(idHash: string, toIdHash: string, user: string | undefined): Promise<boolean>
  delete(idHash: string): Promise<void>
  /** Ends all sessions of a user, except one if given. Answers how many. */
  deleteUser(user: string, exceptIdHash?: string): Promise<number>
  stats(): Promise<{ live: number }>
  close(): Promise<void>
}
