import { withinMs } from '../deadline.ts'
import { AshlarError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { cleaned } from './errors.ts'
import type { Fsync } from './url.ts'

const oldest = [7, 0] as const
const askMs = 10_000

/** The part of a client that one server answers. */
interface Node {
  info(): Promise<string>
  config(get: 'GET', name: string): Promise<unknown>
}

/** What a server is set to; undefined where it does not tell. */
export interface Settings {
  version: string | undefined
  isCluster: boolean
  maxMemory: number
  policy: string | undefined
  appendOnly: boolean | undefined
  fsync: string | undefined
}

/**
 * Looks whether the server can keep what it is given.
 * @returns what is worth knowing of its durability, if anything
 * @throws `unsupported` when it is too old, may drop keys, or does not sync as the URL asks
 */
export async function checkServer(connection: Connection): Promise<string | undefined> {
  const { cluster, fsync } = connection.url
  const settings = await connection.ask(() => settingsOf(connection))
  for (const each of settings) {
    const problem = problemOf(each, cluster, fsync)
    if (problem) throw new AshlarError('unsupported', problem)
  }
  return settings.map(cautionOf).find((caution) => caution !== undefined)
}

async function settingsOf({ client }: Connection): Promise<Settings[]> {
  const nodes = client.isCluster ? (client as { nodes(role: 'master'): Node[] }).nodes('master') : [client as Node]
  return Promise.all(nodes.map((node) => withinMs(settingsOfNode(node), askMs)))
}

async function settingsOfNode(node: Node): Promise<Settings> {
  const info = await unlessForbidden(node.info())
  const fsync = await unlessForbidden(node.config('GET', 'appendfsync'))
  return { ...readInfo(info ?? ''), fsync: Array.isArray(fsync) ? (fsync[1] as string | undefined) : undefined }
}

/** Hosted servers forbid some commands, or rename them. */
async function unlessForbidden<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (thrown) {
    const error = cleaned(thrown)
    if (/^NOPERM|unknown command|unknown subcommand/i.test(error.message)) return undefined
    throw error
  }
}

export function readInfo(info: string): Omit<Settings, 'fsync'> {
  const read = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const appendOnly = read('aof_enabled')
  return {
    version: read('redis_version'),
    isCluster: read('cluster_enabled') === '1',
    maxMemory: Number(read('maxmemory') ?? 0),
    policy: read('maxmemory_policy'),
    appendOnly: appendOnly === undefined ? undefined : appendOnly === '1',
  }
}

/** Why a server must not be used, if so. Pure. */
export function problemOf(settings: Settings, cluster: boolean, asked: Fsync | undefined): string | undefined {
  const { version, isCluster, maxMemory, policy, appendOnly, fsync } = settings
  if (version && isOlder(version))
    return `Redis ${version} is too old; ${oldest.join('.')} or newer is needed (or Valkey)`
  if (isCluster !== cluster && version)
    return isCluster
      ? 'the server is one of a Redis Cluster; add cluster=yes to its URL'
      : 'the server is no Redis Cluster; take cluster=yes out of its URL'
  if (maxMemory > 0 && policy && policy !== 'noeviction')
    return `the server may drop what it holds (maxmemory-policy ${policy}, maxmemory ${maxMemory}); set maxmemory-policy noeviction`
  if (!asked) return undefined
  const found = appendOnly ? (fsync ?? 'not told') : appendOnly === false ? 'no append-only file' : 'not told'
  const isEnough = appendOnly && (fsync === 'always' || fsync === asked)
  return isEnough
    ? undefined
    : `the URL asks for fsync=${asked} and the server has: ${found}; set appendonly yes and appendfsync ${asked}`
}

/** Pure. */
export function cautionOf({ appendOnly, fsync }: Settings): string | undefined {
  if (appendOnly === undefined) return 'the server does not tell whether it writes to disk'
  if (!appendOnly)
    return 'the server has no append-only file: what it holds since its last snapshot is lost when it dies'
  if (fsync === undefined) return 'the server does not tell how often it syncs its append-only file'
  if (fsync === 'always') return undefined
  return `appendfsync ${fsync}: the last ${fsync === 'everysec' ? 'two seconds' : 'half minute'} may be lost when its machine dies`
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}
