import { join } from 'node:path'
import { AshlarError } from '../errors.ts'
import { takeLock } from '../postgres/cluster/lock.ts'

/**
 * One `ashlar dev` at a time works in a state folder; what a killed one left is taken over.
 * @throws `already_exists` naming the process that has it
 */
export async function claimFolder(folder: string): Promise<AsyncDisposable> {
  const giveBack = await takeLock(
    join(folder, 'dev.lock'),
    folder,
    (_folder, pid) =>
      new AshlarError(
        'already_exists',
        `'ashlar dev' runs in this folder already, as process ${pid ?? 'unknown'}: stop that one first, or start from another folder`,
      ),
  )
  return { [Symbol.asyncDispose]: giveBack }
}
