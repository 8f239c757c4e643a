import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface ProcessStatus {
  /** 'web-1', 'pg0' … */
  id: string
  /** edge, app, worker, console (the process that started the others), primary, replica. */
  role: string
  pid: number
  healthy: boolean
  /** Share of memory that is this process's own (PSS) where the system tells, else resident memory. With its own children. */
  memoryBytes: number
}

/** What `.ashlar/status.json` holds. */
export interface Status {
  service: string
  addresses: Record<string, string>
  processes: ProcessStatus[]
}

/** Writes the file whole or not at all. */
export async function writeStatus(folder: string, status: Status): Promise<void> {
  const path = join(folder, 'status.json')
  await writeFile(`${path}.new`, JSON.stringify(status, null, 2) + '\n')
  await rename(`${path}.new`, path)
}

export async function removeStatus(folder: string): Promise<void> {
  await rm(join(folder, 'status.json'), { force: true })
}

/** For a process that ends without waiting. */
export function removeStatusAtOnce(folder: string): void {
  rmSync(join(folder, 'status.json'), { force: true })
}

/** Memory of a process and, for a database server, of the processes it forked. 0 when it is gone. */
export async function memoryOf(pid: number, withChildren: boolean): Promise<number> {
  if (process.platform !== 'linux') return residentBytes(pid)
  const pids = withChildren ? [pid, ...(await childrenOf(pid))] : [pid]
  const sizes = await Promise.all(pids.map(pssBytes))
  return sizes.reduce((sum, each) => sum + each, 0)
}

async function pssBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  )
  return lists.join(' ').split(/\s+/).filter(Boolean).map(Number)
}

async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '0' }))
  return Number(stdout.trim() || 0) * 1024
}
