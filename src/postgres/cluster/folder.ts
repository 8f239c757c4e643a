import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fail } from './fail.ts'
import { canEnter, type Owner } from './owner.ts'

/** Where root keeps what Postgres cannot reach in the state folder itself. */
const elsewhere = '/var/lib/ashlar'

/** What is where. Everything lies in `folder`, unless Postgres runs as another user who cannot enter it. */
export interface Places {
  /** Lock, secret, logs, state. */
  folder: string
  /** Holds the members' data folders: `folder`, or one under /var/lib/ashlar that `folder/location` names. */
  data: string
  /** For copies of the programs. */
  binaries: string
}

export async function makePlaces(folder: string, owner: Owner): Promise<Places> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 })
  if (owner.uid === undefined) return { folder, data: folder, binaries: path.join(folder, 'binaries') }
  if (first !== undefined) await open755(first, folder)
  const binaries = path.join(elsewhere, 'binaries')
  const data = await readLocation(folder)
  if (data !== undefined) return { folder, data, binaries }
  if (canEnter(folder, owner)) return { folder, data: folder, binaries }
  return { folder, data: await makeLocation(folder), binaries }
}

/** A tight umask must not lock the owner out of folders that we made ourselves. */
async function open755(first: string, last: string): Promise<void> {
  for (let at = last; ; at = path.dirname(at)) {
    await chmod(at, 0o755)
    if (at === first || at === path.dirname(at)) return
  }
}

/** The place that `folder/location` names; not when `folder` is a copy whose original still uses that place. */
export async function readLocation(folder: string): Promise<string | undefined> {
  const data = (await readFile(path.join(folder, 'location'), 'utf8').catch(() => '')).trim()
  if (data === '') return undefined
  const user = (await readFile(path.join(data, 'folder'), 'utf8').catch(() => '')).trim()
  if (user === folder) return data
  return (await exists(path.join(user, 'location'))) ? undefined : data
}

async function makeLocation(folder: string): Promise<string> {
  const data = path.join(elsewhere, createHash('sha256').update(folder).digest('hex').slice(0, 16))
  // Whoever removed the state folder wants to begin anew; the data of before is kept aside, once.
  if (await exists(data)) {
    await removeFolder(`${data}.before`)
    await rename(data, `${data}.before`)
  }
  await mkdir(data, { recursive: true, mode: 0o755 })
  await open755(elsewhere, data)
  await writeFile(path.join(data, 'folder'), `${folder}\n`)
  await writeFile(path.join(folder, 'location'), `${data}\n`)
  return data
}

/** The password: made once, readable by this user only. */
export async function readSecret(folder: string, isNew: boolean): Promise<string> {
  const file = path.join(folder, 'secret')
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return ''
  })
  if (found.trim() !== '') return found.trim()
  if (!isNew) throw fail('unauthorized', `${file} is missing, so the database beside it cannot be opened: put it back`)
  const secret = randomBytes(24).toString('hex')
  await writeWhole(file, `${secret}\n`)
  return secret
}

/** What must outlive a process: who is primary, who listens where. */
export interface State {
  primary: string
  ports: Record<string, number>
}

/** Without a readable state file the primary is the one member whose data is no replica's. */
async function guessPrimary(data: string): Promise<string> {
  for (const name of await membersIn(data)) if (!(await exists(path.join(data, name, 'standby.signal')))) return name
  return 'pg0'
}

/** The names of the members that have data. */
export async function membersIn(data: string): Promise<string[]> {
  const found = await Promise.all(allNames.map((name) => exists(path.join(data, name, 'PG_VERSION'))))
  return allNames.filter((_, index) => found[index])
}

/** Every name that a member can have. */
export const allNames = Array.from({ length: 9 }, (_, index) => `pg${index}`)

export async function readState({ folder, data }: Places): Promise<State> {
  try {
    const { primary, ports } = JSON.parse(await readFile(path.join(folder, 'state.json'), 'utf8')) as Partial<State>
    if (primary !== undefined && allNames.includes(primary)) return { primary, ports: ports ?? {} }
  } catch {
    // missing, or cut short by a full disk
  }
  return { primary: await guessPrimary(data), ports: {} }
}

export async function writeState(folder: string, state: State): Promise<void> {
  await writeWhole(path.join(folder, 'state.json'), `${JSON.stringify(state)}\n`)
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = await open(`${file}.making`, 'w', 0o600)
  try {
    await draft.writeFile(text)
    await draft.sync()
  } finally {
    await draft.close()
  }
  await rename(`${file}.making`, file)
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

/** @throws `unsupported` when the data is of another major version; nothing has been touched by then */
export async function checkVersion(data: string, major: number): Promise<void> {
  const found = (await readFile(path.join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
  if (found === '' || found === String(major)) return
  throw fail(
    'unsupported',
    `${data} was made by PostgreSQL ${found}, and this Ashlar brings PostgreSQL ${major}, which cannot read it. ` +
      `To migrate: run pg_dumpall with PostgreSQL ${found} on it (the Ashlar version used before has it), move the ` +
      `folder away, start again, and load the dump with psql. Nothing was changed.`,
  )
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
