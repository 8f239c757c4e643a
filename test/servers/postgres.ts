import { readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { startCluster, type Cluster, type ClusterOptions } from '../../src/postgres/cluster/index.ts'

/** An empty database of a test's own; dropped, connections and all, at the end of its scope. */
export interface TestDatabase extends AsyncDisposable {
  /** Names every member of the cluster that it is in. */
  readonly url: string
  /** The cluster, for tests that lag or promote; only when this process runs it (see `startTestCluster`). */
  readonly cluster: Cluster | undefined
}

export interface TestCluster extends AsyncDisposable {
  readonly url: string
  readonly cluster: Cluster
  readonly folder: string
  /** Starts a cluster on the same folder; stop the one before. */
  again(options?: Partial<ClusterOptions>): Promise<TestCluster>
}

/** What makes a throw-away cluster fast. */
const hasty = { fsync: 'off', full_page_writes: 'off', shared_buffers: '32MB' }
const prefix = 'ashlar-test-'

/**
 * A cluster of a test's own, in a folder that vanishes with it; for tests that lag, promote, kill. `npm test` starts
 * one for the whole run and passes its URL to the test files as ASHLAR_TEST_DATABASE_URL.
 */
export async function startTestCluster(options: Partial<ClusterOptions> = {}): Promise<TestCluster> {
  removeLeftFolders()
  const name = `${prefix}${process.pid}-${crypto.randomUUID().slice(0, 8)}`
  const folder = options.folder ?? path.join(os.tmpdir(), name)
  const settings = { ...hasty, ...options.settings }
  const cluster = await startCluster({ replicas: 1, ...options, folder, settings })
  return {
    cluster,
    folder,
    url: cluster.url,
    again: (other = {}) => startTestCluster({ ...options, ...other, folder }),
    async [Symbol.asyncDispose]() {
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Folders of test runs that were killed. */
function removeLeftFolders(): void {
  for (const name of readdirSync(os.tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1])
    if (pid > 0 && !isAlive(pid)) rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

let shared: Promise<TestCluster> | undefined
let sharedReplicas = 0

/** This process's cluster, started on first use and stopped when nothing else is left to do. */
function sharedCluster(replicas: number): Promise<TestCluster> {
  if (shared && sharedReplicas < replicas)
    throw new Error('the first testDatabase() of a file must ask for the most replicas')
  if (!shared) {
    sharedReplicas = replicas
    shared = startTestCluster({ replicas })
    process.once('beforeExit', () => void shared?.then((cluster) => cluster[Symbol.asyncDispose]()))
  }
  return shared
}

/**
 * An empty database: in the cluster of ASHLAR_TEST_DATABASE_URL when that is set (it has one replica), else in one that
 * this process starts. With `replicas: 1` it resolves when the replica streams.
 */
export async function testDatabase(options: { replicas?: 0 | 1 } = {}): Promise<TestDatabase> {
  const given = process.env['ASHLAR_TEST_DATABASE_URL']
  const own = given === undefined ? await sharedCluster(options.replicas ?? 0) : undefined
  if (options.replicas === 1) await own?.cluster.ready()
  const base = given ?? own!.url
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await onPrimary(base, `create database ${name}`)
  return {
    url: base.replace(/\/[^/?]*(\?.*)?$/, `/${name}$1`),
    cluster: own?.cluster,
    async [Symbol.asyncDispose]() {
      await onPrimary(base, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Runs a statement on whichever of the URL's hosts is the primary. */
async function onPrimary(url: string, statement: string): Promise<void> {
  const hosts = /@([^/]+)\//.exec(url)?.[1]?.split(',') ?? []
  const problems: unknown[] = []
  for (const host of hosts) {
    const client = new Client(url.replace(/@[^/]+\//, `@${host}/`))
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ replica: boolean }>('select pg_is_in_recovery() as replica')
      if (rows[0]?.replica === false) return void (await client.query(statement))
    } catch (error) {
      problems.push(error)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  throw new AggregateError(problems, `no primary among ${hosts.join(', ')} for: ${statement}`)
}
