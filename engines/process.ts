import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const lookMs = 20
const goneMs = 10_000

interface Seen {
  isZombie: boolean
  group: number
  /** When it started: two processes of one number differ in it. */
  mark: string
}

/** What the system says of a process that is alive. */
function look(pid: number): Seen | undefined {
  return process.platform === 'linux' ? lookInProc(pid) : lookWithPs(pid)
}

function lookInProc(pid: number): Seen | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name, in brackets, may hold anything
    return { isZombie: fields[0] === 'Z' || fields[0] === 'X', group: Number(fields[2]), mark: fields[19]! }
  } catch {
    return undefined
  }
}

function lookWithPs(pid: number): Seen | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,pgid=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const [, state, group, mark] = /^\s*(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(stdout) ?? []
  return state === undefined ? undefined : { isZombie: state.startsWith('Z'), group: Number(group), mark: mark! }
}

/** Tells a process from a later one with the same number; `undefined` when it is gone. */
export function markOf(pid: number): string | undefined {
  const seen = look(pid)
  return seen && !seen.isZombie ? seen.mark : undefined
}

/** Whether any process of the group is alive. One that only waits to be buried is not. */
export function isGroupAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false
  if (process.platform !== 'linux') return true
  return readdirSync('/proc').some((name) => {
    const seen = /^\d+$/.test(name) ? lookInProc(Number(name)) : undefined
    return seen !== undefined && seen.group === group && !seen.isZombie
  })
}

/** Whether there was someone to get it. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  return signalTo(-group, signal)
}

function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Asks the leader of the group to end; after `graceMs`, and for what the leader left, SIGKILL. Resolves when all are gone. */
export async function stopGroup(leader: number, graceMs: number): Promise<void> {
  signalTo(leader, 'SIGTERM')
  signalGroup(leader, 'SIGCONT') // a process that was paused hears nothing
  await until(() => markOf(leader) === undefined, graceMs)
  await killGroup(leader)
}

export async function killGroup(leader: number): Promise<void> {
  signalGroup(leader, 'SIGKILL')
  if (!(await until(() => !isGroupAlive(leader), goneMs))) throw new Error(`process group ${leader} outlives SIGKILL`)
}

/** Looks again and again until it holds; whether it did within the time. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(lookMs)) {
    if (await holds()) return true
  }
  return holds()
}
