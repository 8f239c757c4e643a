import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once as onceEvent } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { testDatabase } from '../../test/servers/postgres.ts'
import { until } from '../conformance.ts'
import { freePort } from '../listen.ts'
import { ensureOnce, once } from './once.ts'
import { openSql } from './open.ts'
import { addToOutbox, ensureOutbox, startRelay } from './outbox.ts'
import { parsePostgresUrl } from './url.ts'

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find(isThere)

function isThere(file: string): boolean {
  try {
    execFileSync(file, ['--version'])
    return true
  } catch {
    return false
  }
}

/** PgBouncer in transaction mode, with one connection to the server of this URL's first host. */
async function openPooler(url: string): Promise<{ url: string } & AsyncDisposable> {
  const { user, password, hosts } = parsePostgresUrl(url)
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-pooler-'))
  const port = await freePort()
  const users = path.join(folder, 'users')
  await writeFile(users, `"${user}" "${password}"`)
  await writeFile(
    path.join(folder, 'ini'),
    `[databases]\n* = host=${hosts[0]!.host} port=${hosts[0]!.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\n` +
      `unix_socket_dir=\nauth_type=plain\nauth_file=${users}\npool_mode=transaction\ndefault_pool_size=1\n`,
  )
  await Promise.all([chmod(folder, 0o755), chmod(users, 0o644)])
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const child: ChildProcess = spawn(pgbouncer!, [path.join(folder, 'ini')], { stdio: 'ignore', ...nobody })
  return {
    url: url.replace(/@[^/]+\//, `@127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      const exited = onceEvent(child, 'exit')
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true })
    },
  }
}

test(
  'everything of this floor works through a transaction-mode pooler with one server connection',
  { skip: pgbouncer ? false : 'there is no pgbouncer on this machine' },
  async () => {
    await using db = await testDatabase()
    await using pooler = await openPooler(db.url)
    await using sql = openSql(pooler.url)
    await until('the pooler answers', () => sql.query('select 1').then(Boolean, () => false))
    await Promise.all([ensureOutbox(sql), ensureOnce(sql)])
    const got: string[] = []
    const relay = await startRelay(sql, 't', async (batch) => void got.push(...batch.map(({ body }) => body)), {
      pollMs: 100,
    })
    const send = (index: number) =>
      sql.transaction(async (tx) => {
        await addToOutbox(tx, 't', [{ key: 'k', body: String(index), headers: {} }])
        await once(tx, 's', String(index % 5), async () => 1)
      })
    await Promise.all(Array.from({ length: 20 }, (_, index) => send(index)))
    await until('all are published', () => got.length === 20)
    assert.equal((await sql.query('select * from ashlar.once')).rowCount, 5)
    await relay[Symbol.asyncDispose]()
  },
)
