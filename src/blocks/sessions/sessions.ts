import type { Block, BlockOptions } from '../../block.ts'
import type { DriverTable } from '../../declare.ts'
import type { Duration } from '../../units.ts'
import type { SessionDriver } from './driver.ts'

export interface SessionOptions extends BlockOptions {
  /** Ends after so long without a request. 1m to 400d, default '7d'. */
  idle?: Duration
  /** Ends so long after it began, whatever happens. At least `idle`, at most 400d; default '30d', or `idle` when that is longer. */
  absolute?: Duration
  /** Name of the cookie. Default 'sid', with the prefix '__Host-' over https. */
  cookie?: string
  /** 'lax' (default) 'strict' 'none' (over https only). */
  sameSite?: 'lax' | 'strict' | 'none'
  /** Drivers for more engines, by URL scheme. Default none. */
  drivers?: DriverTable<SessionDriver>
}

export interface Session<Data extends object> {
  /** The secret id, 256 random bits, base64url. Give it to nobody but its owner. */
  readonly id: string
  readonly user: string | undefined
  readonly data: Readonly<Data>
  readonly createdAt: Date
  /** When it ends if nothing more happens. */
  readonly expiresAt: Date
}

/**
 * Who is logged in, in a store that all app instances share. What an acknowledged call changed is what the next request of any
 * instance sees. Only a hash of each id is stored, so that a copy of the store logs nobody in.
 * All calls: @throws `unavailable` `timeout` when the store is away (retried twice first), `closed`
 */
export interface Sessions<Data extends object = Record<string, unknown>> extends Block {
  /** @throws `invalid_argument` for a user of more than 512 characters, or data that is no JSON object of at most 1 MB */
  create(user?: string, data?: Partial<Data>): Promise<Session<Data>>
  /** `undefined` when there is none, it has ended, or the text is no id. Prolongs the idle time. */
  get(id: string): Promise<Session<Data> | undefined>
  /**
   * Merges these keys into the data (`undefined` removes one); parallel updates of different keys all hold.
   * @throws `not_found` when it has ended, `conflict` after 50 lost races, `invalid_argument` as for `create`
   */
  update(id: string, changes: Partial<Data>): Promise<Session<Data>>
  /**
   * A new id for the same session, at log-in (name the user) and at each change of rights; the old id ends at once, the ends stay.
   * @throws `not_found`
   */
  rotate(id: string, user?: string): Promise<Session<Data>>
  /** Logs out. No request under way can bring the session back. Harmless when it has ended. */
  end(id: string): Promise<void>
  /** Ends all sessions of a user, except one if named. Answers how many. */
  endAll(user: string, exceptId?: string): Promise<number>
  /** The session named by a request's cookie. */
  of(request: Request): Promise<Session<Data> | undefined>
  /**
   * The `Set-Cookie` value that gives a session to its owner (HttpOnly, SameSite, Secure over https), or takes it back.
   * Https is told by the request's URL or by `X-Forwarded-Proto`, which the edge sets.
   * @throws `invalid_argument` over 4096 bytes, or for sameSite 'none' over http: browsers drop such cookies without a word
   */
  cookie(session: Session<Data> | undefined, request: Request): string
}
