import { Client, type ClientConfig } from 'pg'

/** Where one member of the cluster listens, and the key to it. */
export interface Address {
  port: number
  password: string
}

export const user = 'ashlar'
export const database = 'ashlar'

export function clientOptions(to: Address, name = database) {
  return {
    host: '127.0.0.1',
    port: to.port,
    user,
    password: to.password,
    database: name,
    ssl: false,
    connectionTimeoutMillis: 5_000,
    query_timeout: 60_000,
    application_name: 'ashlar-cluster',
  } satisfies ClientConfig
}

/** A connection to one member. Losing it later is routine: the error event is swallowed, the next query rejects. */
export async function connect(to: Address, name = database): Promise<Client> {
  const client = new Client(clientOptions(to, name))
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** One statement on a connection of its own. */
export async function ask<Row extends object>(
  to: Address,
  text: string,
  values: readonly unknown[] = [],
  name = database,
): Promise<Row[]> {
  const client = await connect(to, name)
  try {
    return (await client.query<Row>(text, [...values])).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}
