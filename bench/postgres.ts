import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { startCluster } from '../src/postgres/cluster/index.ts'

/** A PostgreSQL of the bench's own, as an operator would run it: everything on disk before it is answered. */
export async function withPostgres<T>(work: (url: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-bench-'))
  const settings = { shared_buffers: '256MB', max_wal_size: '4GB' }
  const cluster = await startCluster({ replicas: 0, folder: path.join(folder, 'postgres'), settings })
  try {
    return await work(cluster.url)
  } finally {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
