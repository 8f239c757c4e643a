import { Link } from './link.ts'

interface Shared {
  link: Promise<Link>
  users: number
}

const shared = new Map<string, Shared>()

/** A user's share of the one link of its URL. */
export interface Share {
  readonly link: Link
  /** Twice is harmless; the link closes with the last of its users. */
  close(): Promise<void>
}

/** Within a process all users of one URL share its connections. @throws `invalid_argument` `unsupported` */
export async function openPubSub(url: string): Promise<Share> {
  const entry = shared.get(url) ?? { link: Link.open(url), users: 0 }
  shared.set(url, entry)
  entry.users++
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    if (--entry.users > 0) return
    shared.delete(url)
    await (await entry.link.catch(() => undefined))?.close()
  }
  try {
    return { link: await entry.link, close }
  } catch (error) {
    await close()
    throw error
  }
}
