import { Shared } from '../shared.ts'
import { Connection } from './connection.ts'

/** A user's share of the one connection of its URL. */
export interface Share {
  readonly connection: Connection
  /** Twice is harmless; the connection closes with the last of its users. */
  close(): Promise<void>
}

const connections = new Shared<Connection>((connection) => connection.close())

/** Within a process all users of one URL share one connection. @throws `invalid_argument` `unsupported` */
export async function openRedis(url: string): Promise<Share> {
  const { of: connection, release: close } = await connections.take(url, () => Connection.open(url))
  return { connection, close }
}
