import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { fail } from './fail.ts'
import { startOf } from './process.ts'

/**
 * One process at a time may run the cluster of a folder. The lock names the process and when it began, so a lock left
 * by a killed process is taken over even when its pid lives on as something else.
 * @param complain words the error
 * @returns what gives the lock back
 * @throws `already_exists` naming the folder and the pid of the process that has it
 */
export async function takeLock(
  file: string,
  folder: string,
  complain: (folder: string, pid: number | undefined) => Error = taken,
): Promise<() => Promise<void>> {
  const mine = `${process.pid}\n${startOf(process.pid) ?? ''}\n${crypto.randomUUID()}\n`
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await writeFile(draft, mine)
  try {
    for (let tries = 0; !(await place(draft, file)); tries++) {
      const held = await readFile(file, 'utf8').catch(() => '')
      const pid = holderOf(held)
      if (pid !== undefined || tries > 20) throw complain(folder, pid)
      if (held !== '') await removeStale(file, held)
    }
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true })
  }
}

/** A hard link appears whole or not at all, and fails when the name is taken. */
async function place(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function holderOf(text: string): number | undefined {
  const [pid, start] = text.split('\n')
  const number = Number(pid)
  if (!Number.isInteger(number) || number <= 0) return undefined
  return startOf(number) === start ? number : undefined
}

/** Two processes may find the same stale lock: whoever moved away a fresh one puts it back. */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`
  await rename(file, aside).catch(() => undefined)
  const moved = await readFile(aside, 'utf8').catch(() => stale)
  if (moved !== stale) await link(aside, file).catch(() => undefined)
  await rm(aside, { force: true })
}

function taken(folder: string, pid: number | undefined): Error {
  return fail(
    'already_exists',
    `the database in ${folder} is in use by process ${pid ?? 'unknown'}: stop that one, or use another folder`,
  )
}
