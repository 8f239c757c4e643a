import { Connection } from './connection.ts'

interface Shared {
  connection: Promise<Connection>
  users: number
}

const shared = new Map<string, Shared>()

/** A user's share of the one connection of its URL. */
export interface Share {
  readonly connection: Connection
  /** Twice is harmless; the connection closes with the last of its users. */
  close(): Promise<void>
}

/** Within a process all users of one URL share one connection. @throws `invalid_argument` `unsupported` */
export async function openRedis(url: string): Promise<Share> {
  const entry = shared.get(url) ?? { connection: Connection.open(url), users: 0 }
  shared.set(url, entry)
  entry.users++
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    if (--entry.users > 0) return
    shared.delete(url)
    await (await entry.connection.catch(() => undefined))?.close()
  }
  try {
    return { connection: await entry.connection, close }
  } catch (error) {
    await close()
    throw error
  }
}
