import path from 'node:path'
import { invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import { findPackage, readyBinaries, type Package } from './binaries.ts'
import { EmbeddedCluster } from './cluster.ts'
import type { LogLine, MemberState, Setup } from './crew.ts'
import { folderError } from './fail.ts'
import {
  allNames,
  checkVersion,
  makePlaces,
  membersIn,
  removeFolder,
  readLocation,
  readSecret,
  readState,
  writeState,
} from './folder.ts'
import type { Installed } from './initdb.ts'
import { takeLock } from './lock.ts'
import { Member } from './member.ts'
import { chooseOwner, type Owner } from './owner.ts'
import { choosePort } from './ports.ts'
import { sweep } from './process.ts'
import { checkSettings } from './settings.ts'
import { PostgresTether } from './tether.ts'

export interface ClusterOptions {
  /** Where the cluster keeps everything, such as `/x/.ashlar/postgres`; made when missing. */
  folder: string
  /** Streaming replicas beside the primary. Default 1, 0 to 8. */
  replicas?: number
  /** A member came up, went down or changed its role. */
  onMember?: (member: MemberState) => void
  /** What happens, in words. What Postgres itself writes is in `folder/<member>.log` (bounded to 2 MB). */
  log?: (line: LogLine) => void
  /** More postgresql.conf settings, such as `{ work_mem: '16MB' }`; those that Ashlar writes itself are refused. */
  settings?: Record<string, string>
}

/** A PostgreSQL primary and its streaming replicas, run by this process and ended with it. */
export interface Cluster extends AsyncDisposable {
  /** libpq's multi-host form, naming all members; the primary is the one where `pg_is_in_recovery()` is false. */
  readonly url: string
  readonly members: readonly MemberState[]
  /** Resolves when every replica streams. @throws `timeout` after 30 s */
  ready(): Promise<void>
  /** Lets a replica apply everything `seconds` late: 0 (not at all) to 3600. Ends with a promotion. */
  lag(member: string, seconds: number): Promise<void>
  /**
   * Makes a replica the primary; the others follow it, the old primary too (as a fresh copy when it has diverged).
   * While the old primary answers it is stopped in order first, and nothing acknowledged is lost.
   * @throws `unavailable` when the replica does not run, or does not stream from a primary that does; nothing is changed
   */
  promote(member: string): Promise<void>
  restart(member: string): Promise<void>
  /** Ends all: replicas, then the primary; at once when it takes longer than 10 s each. */
  stop(): Promise<void>
}

const known = ['folder', 'replicas', 'onMember', 'log', 'settings']

/**
 * Starts the embedded cluster of a folder and resolves when its primary accepts connections; replicas come up in the
 * background. The cluster keeps no process alive by itself, and ends within 10 s when this process is killed.
 * @throws `already_exists` when a living process runs it, `unsupported` on data of another major version or a platform
 *   without binaries, `exhausted` on a full disk, `unauthorized` on a folder that cannot be written, `invalid_argument`
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, replicas, settings } = check(options)
  const owner = chooseOwner()
  const from = await findPackage()
  try {
    await checkVersions(folder, from.major)
    const places = await makePlaces(folder, owner)
    const unlock = await takeLock(path.join(folder, 'lock'), folder)
    try {
      return await open({ options, places, unlock, settings, replicas, owner, from })
    } catch (error) {
      await unlock()
      throw error
    }
  } catch (error) {
    throw folderError(error, folder)
  }
}

function check(options: ClusterOptions) {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw invalid(`startCluster has no option '${name}'; it has ${known.join(', ')}`)
  if (typeof options.folder !== 'string' || options.folder === '')
    throw invalid(`folder: write the path of the folder for the database, such as '.ashlar/postgres'`)
  const settings = options.settings ?? {}
  checkSettings(settings)
  const replicas = toCount('replicas', options.replicas ?? 1, { max: 8 })
  return { folder: path.resolve(options.folder), replicas, settings }
}

/** Before anything is touched. */
async function checkVersions(folder: string, major: number): Promise<void> {
  const data = (await readLocation(folder)) ?? folder
  for (const name of allNames) await checkVersion(path.join(data, name), major)
}

interface Opening {
  options: ClusterOptions
  places: Setup['places']
  unlock: Setup['unlock']
  settings: Record<string, string>
  replicas: number
  owner: Owner
  from: Package
}

async function open({ options, places, unlock, settings, replicas, owner, from }: Opening): Promise<Cluster> {
  const log = options.log ?? (() => undefined)
  const { folder } = places
  const bin = await readyBinaries(from, owner, places.binaries)
  if (places.data !== folder)
    log({ level: 'info', member: '', text: `Postgres may not enter ${folder}; its data is in ${places.data}` })
  const state = await readState(places)
  const existing = await membersIn(places.data)
  const password = await readSecret(folder, existing.length === 0)
  const installed: Installed = { bin, owner, major: from.major }
  state.primary = choosePrimary(state.primary, existing, log)
  const members = chooseNames(state.primary, replicas).map((name) => {
    return new Member(name, path.join(places.data, name), path.join(folder, `${name}.log`), installed, password)
  })
  members.find(({ name }) => name === state.primary)!.role = 'primary'
  for (const { data } of members) {
    await sweep(data)
    await removeFolder(`${data}.making`)
  }
  for (const member of members) {
    const taken = members.map(({ port }) => port)
    member.port = state.ports[member.name] = await choosePort(folder, state.ports[member.name], taken)
  }
  await writeState(folder, state)
  const tether = new PostgresTether(members.map(({ data }) => data))
  const onMember = options.onMember ?? (() => undefined)
  const setup: Setup = { places, installed, password, state, members, settings, tether, unlock, onMember, log }
  return begin(new EmbeddedCluster(setup))
}

async function begin(cluster: EmbeddedCluster): Promise<Cluster> {
  try {
    await cluster.begin()
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** The primary, wherever it is by now, and as many others as there are replicas, in the order of their names. */
function chooseNames(primary: string, replicas: number): string[] {
  const others = allNames.filter((name) => name !== primary)
  return [primary, ...others.slice(0, replicas)].toSorted()
}

/** When the data of the primary has vanished, a replica's copy is all there is: better than to begin anew. */
function choosePrimary(remembered: string, existing: string[], log: (line: LogLine) => void): string {
  const [copy] = existing
  if (copy === undefined || existing.includes(remembered)) return remembered
  log({ level: 'warn', member: copy, text: `the data of the primary ${remembered} is missing: ${copy} takes over` })
  return copy
}
