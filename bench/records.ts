import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Client } from 'pg'

/** The service's database, asked behind its back: the primary, whichever member that is. */
export async function ask<Row extends object>(folder: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const at = path.join(folder, '.ashlar/postgres')
  const { primary, ports } = JSON.parse(await readFile(path.join(at, 'state.json'), 'utf8')) as {
    primary: string
    ports: Record<string, number>
  }
  const password = (await readFile(path.join(at, 'secret'), 'utf8')).trim()
  const name = 'ashlar'
  const client = new Client({ host: '127.0.0.1', port: ports[primary]!, user: name, password, database: name })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}
