import { Shared } from '../shared.ts'
import { Link } from './link.ts'

/** A user's share of the one link of its URL. */
export interface Share {
  readonly link: Link
  /** Twice is harmless; the link closes with the last of its users. */
  close(): Promise<void>
}

const links = new Shared<Link>((link) => link.close())

/** Within a process all users of one URL share its connections. @throws `invalid_argument` `unsupported` */
export async function openPubSub(url: string): Promise<Share> {
  const { of: link, release: close } = await links.take(url, () => Link.open(url))
  return { link, close }
}
