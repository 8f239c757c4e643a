import { readdir, readFile } from 'node:fs/promises'

// What a tree of processes uses, from /proc. These benches run on Linux only.

/** Ticks of /proc/PID/stat a second; Linux has had 100 for user space on every machine Node runs on. */
const ticksPerSecond = 100

/** The process and all below it: roles, database servers, their backends. */
export async function treeOf(root: number): Promise<number[]> {
  const parents = await parentsOfAll()
  const found = [root]
  for (const each of found) for (const [pid, parent] of parents) if (parent === each) found.push(pid)
  return found.filter((pid) => pid === root || parents.has(pid))
}

async function parentsOfAll(): Promise<Map<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const stats = await Promise.all(pids.map(async (pid) => [pid, (await statOf(pid))?.parent] as const))
  return new Map(stats.filter((each): each is [number, number] => each[1] !== undefined))
}

async function statOf(pid: number): Promise<{ parent: number; ticks: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name stands in parentheses and may hold anything; the fields after it are state, parent …
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z') return undefined
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}

/** User and system time so far, in seconds, of processes that are still there. */
export async function cpuSeconds(pids: readonly number[]): Promise<Map<number, number>> {
  const all = await Promise.all(pids.map(async (pid) => [pid, await statOf(pid)] as const))
  return new Map(all.flatMap(([pid, stat]) => (stat ? [[pid, stat.ticks / ticksPerSecond] as const] : [])))
}

/** What was used between two looks; a process that is new counts from its beginning. */
export function used(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  let seconds = 0
  for (const [pid, now] of after) seconds += now - (before.get(pid) ?? 0)
  return seconds
}

/** Proportional share of memory in MB: what is shared counts once over all of them. */
export async function pssMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
}

/** How a process calls itself, for a table. */
export async function nameOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const words = line.split('\0').filter(Boolean)
  if (words[0]?.startsWith('postgres:')) return words[0]
  return words
    .map((word) => word.replace(/^.*\//, ''))
    .join(' ')
    .slice(0, 70)
}
