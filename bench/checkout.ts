import { createHash } from 'node:crypto'
import { cp, readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { inNewFolder, root, Shutter } from './shutter.ts'

const copied = ['src', 'examples', 'scripts', 'bin', 'package.json', 'package-lock.json', 'tsconfig.json']

/**
 * Seconds of `npm start` itself, warm, in a copy of this checkout, so that its own state is not touched; the packages are
 * shared by a link. `undefined` when those are not complete: it would begin to install.
 */
export async function npmStart(rounds: number): Promise<number[] | undefined> {
  if (!(await isInstalled())) return undefined
  return inNewFolder(async (folder) => {
    for (const name of copied) await cp(path.join(root, name), path.join(folder, name), { recursive: true })
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
    const all: number[] = []
    for (let round = 0; round <= rounds; round++) {
      await using shutter = await Shutter.start({ folder, command: ['npm', 'start'] })
      await shutter.status()
      all.push(shutter.startMs / 1000)
    }
    return all.slice(1) // the first was cold
  })
}

async function isInstalled(): Promise<boolean> {
  const stamp = await readFile(path.join(root, 'node_modules/.ashlar-installed'), 'utf8').catch(() => '')
  const lock = await readFile(path.join(root, 'package-lock.json'))
  return stamp.startsWith(createHash('sha256').update(lock).digest('hex'))
}
