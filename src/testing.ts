import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent, type Log } from './block.ts'
import type { Blueprint, Declarations } from './blueprint/blueprint.ts'
import { resolveEngines } from './blueprint/resolve.ts'
import { run } from './blueprint/run.ts'
import { freePort } from './listen.ts'
import { startCluster } from './postgres/cluster/index.ts'

/** How `testing` runs a service. */
export interface TestingOptions {
  /** An empty PostgreSQL database. Default: one of its own where the blueprint declares a database, else all in memory. */
  databaseUrl?: string
  /** More of the environment: `{ FEED_URL: 'redis://…' }`. The process's own is not looked at. */
  env?: Record<string, string>
  /** Streaming replicas of a database of its own. Default 0. */
  replicas?: number
  /** Where what happens is told. Default: nowhere. */
  log?: Log
}

/** A whole service inside a test; disposing ends it and removes what it kept. */
export interface TestService<D extends Declarations> extends AsyncDisposable {
  readonly blocks: Blueprint<D>['blocks']
  /** Address of the edge, when one is declared. */
  readonly url: string
  /** `fetch` relative to the edge. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/**
 * Starts a whole blueprint inside a test, in this process, on free ports: `await using service = await testing(shutter)`.
 * With a database of its own, the first start takes about a second, each further one less.
 */
export async function testing<D extends Declarations>(
  blueprint: Blueprint<D>,
  options: TestingOptions = {},
): Promise<TestService<D>> {
  await using undo = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), `ashlar-testing-${process.pid}-`))
  await chmod(folder, 0o711) // as root, the database runs as another user, and must come in
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  const databaseUrl = options.databaseUrl ?? (await ownDatabase(blueprint, folder, options.replicas ?? 0, undo))
  const edgePort = await freePort()
  const url = `http://127.0.0.1:${edgePort}`
  const env = { ...options.env, ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) }
  const parts = {
    role: 'all' as const,
    folder,
    secret: randomBytes(32).toString('hex'),
    publicUrl: url,
    edgePort,
    log: options.log ?? silent,
  }
  undo.use(
    await run(blueprint, {
      ...parts,
      engines: resolveEngines(blueprint, env),
      ...(databaseUrl ? { databaseUrl } : {}),
    }),
  )
  const stop = undo.move()
  return {
    blocks: blueprint.blocks,
    url,
    fetch: (path, init) => fetch(new URL(path, url), init),
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  }
}

async function ownDatabase(
  blueprint: Blueprint,
  folder: string,
  replicas: number,
  undo: AsyncDisposableStack,
): Promise<string | undefined> {
  if (!Object.values(blueprint.declarations).some(({ kind }) => kind === 'database')) return undefined
  const cluster = undo.use(
    await startCluster({
      folder: join(folder, 'postgres'),
      replicas,
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    }),
  )
  return cluster.url
}
