import type { Block, BlockOptions } from '../../block.ts'
import type { Duration } from '../../units.ts'

export interface SessionOptions extends BlockOptions {
  /** Ends after so long without a request. 1m to 400d, default '7d'. */
  idle?: Duration
  /** Ends so long after log-in whatever happens. Default '30d'. */
  absolute?: Duration
  /** Name of the cookie. Default 'sid', with the prefix '__Host-' over https. */
  cookie?: string
  /** 'lax' (default) 'strict' 'none'. */
  sameSite?: 'lax' | 'strict' | 'none'
}

export interface Session<Data extends object> {
  /** The secret id, 128+ random bits, base64url. Give it to nobody but its owner. */
  readonly id: string
  readonly user: string | undefined
  readonly data: Readonly<Data>
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Who is logged in, in a store that all app instances share. */
export interface Sessions<Data extends object = Record<string, unknown>> extends Block {
  create(user?: string, data?: Partial<Data>): Promise<Session<Data>>
  get(id: string): Promise<Session<Data> | undefined>
  /** Merges these keys into the data; parallel updates of different keys all hold. @throws `not_found` when it has ended */
  update(id: string, changes: Partial<Data>): Promise<Session<Data>>
  /** A new id for the same session, at log-in and at each change of rights; the old id ends at once. @throws `not_found` */
  rotate(id: string, user?: string): Promise<Session<Data>>
  end(id: string): Promise<void>
  /** Ends all sessions of a user, except one if named. Answers how many. */
  endAll(user: string, exceptId?: string): Promise<number>
  /** The session named by a request's cookie. */
  of(request: Request): Promise<Session<Data> | undefined>
  /** The `Set-Cookie` value that gives a session to its owner (HttpOnly, SameSite, Secure over https), or ends it. */
  cookie(session: Session<Data> | undefined, request: Request): string
}
