import { spawn } from 'node:child_process'
import { chmod, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { user } from './ask.ts'
import { fail } from './fail.ts'
import { removeFolder } from './folder.ts'
import { give, type Owner } from './owner.ts'

export interface Installed {
  /** The folder of the programs. */
  bin: string
  owner: Owner
  major: number
}

/** What Postgres sees of our environment: nothing that could change where it looks or how it speaks. */
export const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Makes the data folder of a new cluster; a half-made one is never taken for whole. */
export async function createData(installed: Installed, data: string, password: string, sync: boolean): Promise<void> {
  const making = `${data}.making`
  const passwordFile = `${data}.password`
  await removeFolder(making)
  await mkdir(making, { mode: 0o700 })
  await give(making, installed.owner)
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    await give(passwordFile, installed.owner)
    await runInitdb(installed, making, passwordFile, sync)
  } catch (error) {
    await removeFolder(making)
    throw error
  } finally {
    await rm(passwordFile, { force: true })
  }
  await chmod(making, 0o700)
  await rename(making, data)
  await syncFolder(path.dirname(data))
}

/** The collation is Postgres's own C.UTF-8, the same on every system; the C library only classifies characters. */
function initdbArguments(making: string, passwordFile: string, sync: boolean): string[] {
  const ctype = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'
  const given = {
    '--pgdata': making,
    '--username': user,
    '--pwfile': passwordFile,
    '--auth': 'scram-sha-256',
    '--encoding': 'UTF8',
    '--locale': 'C',
    '--lc-ctype': ctype,
    '--locale-provider': 'builtin',
    '--builtin-locale': 'C.UTF-8',
  }
  const options = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  return [...options, '--data-checksums', ...(sync ? [] : ['--no-sync'])]
}

async function runInitdb(
  { bin, owner }: Installed,
  making: string,
  passwordFile: string,
  sync: boolean,
): Promise<void> {
  const initdb = spawn(path.join(bin, 'initdb'), initdbArguments(making, passwordFile, sync), {
    ...owner,
    cwd: making,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  initdb.stderr.on('data', (chunk) => (errors = (errors + String(chunk)).slice(-2_000)))
  const status = await new Promise<number | null>((resolve, reject) => {
    initdb.once('error', (error) => reject(spawnError(error, bin)))
    initdb.once('close', resolve)
  })
  if (status === 0) return
  const said = errors.trim().replace(/\s+/g, ' ')
  if (/look up effective user ID/.test(said))
    throw fail('unsupported', `the user that runs this has no line in /etc/passwd, which Postgres needs: ${said}`)
  if (/No space left on device/.test(said)) throw Object.assign(new Error(said), { code: 'ENOSPC' })
  throw fail('internal', `initdb could not make ${making}: ${said}`, new Error(said))
}

/** Why a program could not be started at all. */
export function spawnError(error: NodeJS.ErrnoException, bin: string): Error {
  if (error.code === 'EPERM')
    return fail('unsupported', `root may not start Postgres as another user here: start this process as a plain user`)
  if (error.code === 'ENOENT')
    return fail(
      'unsupported',
      `the programs in ${bin} cannot run here; they need glibc (not musl, as on Alpine)`,
      error,
    )
  return fail('internal', `the programs in ${bin} cannot be started: ${error.message}`, error)
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}
