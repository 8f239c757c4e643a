import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Read-your-writes: how far a user's writes have got in the primary's log. It lives as long as one request or job and
 * travels between requests as a token (a cookie), so that a read may go to any replica that has replayed so much.
 */
export interface WrittenUpTo {
  /** WAL position as text (`0/16B3748`), `undefined` before the first write. */
  lsn: string | undefined
  /** The furthest write of this request itself. */
  own?: string
}

const current = new AsyncLocalStorage<WrittenUpTo>()

/** Runs work that reads its own writes. The object tells afterwards how far it wrote. */
export function readingOwnWrites<T>(position: WrittenUpTo, work: () => T): T {
  return current.run(position, work)
}

/** The position of the request or job under way; `undefined` outside of one. */
export function writtenUpTo(): WrittenUpTo | undefined {
  return current.getStore()
}

/**
 * Notes a write at this WAL position. Among the writes of one request it never goes back; a position that the request
 * brought along gives way, since the log is further now, unless it came from a log that was lost in a failover.
 */
export function wroteAt(lsn: string): void {
  const position = current.getStore()
  if (!position) return
  if (position.own === undefined || compareLsn(lsn, position.own) > 0) position.own = lsn
  position.lsn = position.own
}

/** Order of two WAL positions: negative, 0 or positive. */
export function compareLsn(a: string, b: string): number {
  const [aHigh, aLow] = parts(a)
  const [bHigh, bLow] = parts(b)
  return aHigh - bHigh || aLow - bLow
}

/** True for text of the form `0/16B3748`: at most 8 hexadecimal digits on either side. */
export function isLsn(text: string): boolean {
  return /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(text)
}

function parts(lsn: string): [number, number] {
  const [high = '0', low = '0'] = lsn.split('/')
  return [Number.parseInt(high, 16), Number.parseInt(low, 16)]
}
