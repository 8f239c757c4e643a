import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { within } from './wait.ts'

const hasProc = process.platform === 'linux'

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * When a process began, as a text that no later process with the same pid shares (until the next boot, whose id is
 * part of it). `undefined` when there is no such process.
 */
export function startOf(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  if (hasProc) return `${readText('/proc/sys/kernel/random/boot_id').trim()} ${statOf(pid)[19] ?? ''}`
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** The Postgres processes that work in this data folder, whoever started them. */
export function postgresIn(data: string): number[] {
  const folder = real(data)
  if (!hasProc) return postmasterIn(data)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workFolder(pid) === folder && readText(`/proc/${pid}/comm`).startsWith('postgres'))
    .map(Number)
    .filter((pid) => !isZombie(pid))
}

/** Ends what is left in a data folder: asks first, then insists. Touches nothing that works elsewhere. */
export async function sweep(data: string): Promise<number> {
  const found = postgresIn(data).length
  if (found === 0) return 0
  const gone = () => postgresIn(data).length === 0
  // Orphans of a killed postmaster notice its death and leave within moments, a living one stops fast on SIGINT.
  const masters = postmasterIn(data)
  for (const pid of masters) end(pid, 'SIGINT')
  if (await within(masters.length > 0 ? 4_000 : 1_000, gone)) return found
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of postgresIn(data)) end(pid, signal)
    if (await within(2_000, gone)) break
  }
  return found
}

/** A signal that ends; one that is stopped wakes up to find it waiting. */
export function end(pid: number, signal: NodeJS.Signals): void {
  send(pid, signal)
  send(pid, 'SIGCONT')
}

export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it is gone already
  }
}

function postmasterIn(data: string): number[] {
  const pid = Number(readText(path.join(data, 'postmaster.pid')).split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid || !isAlive(pid)) return []
  if (hasProc) return workFolder(pid) === real(data) ? [pid] : []
  return commandOf(pid).includes(data) ? [pid] : []
}

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

function workFolder(pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function real(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

function isZombie(pid: number): boolean {
  return hasProc && statOf(pid)[0] === 'Z'
}

/** /proc/PID/stat from the state on; the name before it may hold spaces and brackets. */
function statOf(pid: number): string[] {
  const text = readText(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
