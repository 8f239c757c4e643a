import { readFileSync, realpathSync, statSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import path from 'node:path'
import { fail } from './fail.ts'

/** The user that Postgres runs as. Without ids it is the user of this process. */
export interface Owner {
  uid?: number
  gid?: number
}

/**
 * Postgres refuses to run as root, so root hands it to `nobody`, which every system has.
 * @throws `unsupported` when the user has no line in the passwd file: initdb looks it up there
 */
export function chooseOwner(uid = process.getuid?.(), passwd = '/etc/passwd'): Owner {
  if (uid !== 0) return {}
  const line = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readPasswd(passwd))
  if (!line)
    throw fail(
      'unsupported',
      `Postgres cannot run as root, and ${passwd} has no user 'nobody' to run it as: start this process as another user`,
    )
  return { uid: Number(line[1]), gid: Number(line[2]) }
}

function readPasswd(passwd: string): string {
  try {
    return readFileSync(passwd, 'utf8')
  } catch {
    return ''
  }
}

/** True when the owner can reach what is in this folder: every folder on the way lets it through. */
export function canEnter(folder: string, { uid, gid }: Owner): boolean {
  if (uid === undefined) return true
  for (let at = realpathSync(folder); ; at = path.dirname(at)) {
    const stat = statSync(at)
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001
    if ((stat.mode & bit) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

/** Makes a file the owner's. */
export async function give(file: string, { uid, gid }: Owner): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(file, uid, gid)
}
