import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

export interface Host {
  host: string
  port: number
}

/** How far writes must be on their way to the disk when they are answered. */
export type Fsync = 'always' | 'everysec'

/** A Redis URL taken apart. */
export interface RedisUrl {
  /** One; several only with `cluster`, where each is a way in. */
  hosts: Host[]
  user: string
  password: string
  /** Number of the database, 0 in a cluster. */
  database: number
  /** `rediss:`. `verify=no` takes any certificate. */
  tls: boolean | { rejectUnauthorized: boolean }
  /** `cluster=yes`: Redis Cluster. */
  cluster: boolean
  /** `fsync=always|everysec`: what the server must be set to, at least; looked at when opened. */
  fsync: Fsync | undefined
}

const allowed = ['cluster', 'fsync', 'verify']

/** Reads `redis[s]://user:password@host:port/database?fsync=…&cluster=yes&verify=no`. @throws `invalid_argument` */
export function parseRedisUrl(url: string): RedisUrl {
  const match = /^(rediss?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url)
  if (!match) throw invalid('a Redis URL looks like redis://user:password@host:6379/0; the one given does not')
  const [, scheme, user = '', password = '', hosts = '', database = '', query = ''] = match
  const options = new URLSearchParams(query)
  for (const name of options.keys())
    if (!allowed.includes(name))
      throw invalid(`Redis URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
  const cluster = oneOf(options, 'cluster', ['yes', 'no'] as const) === 'yes'
  const verify = oneOf(options, 'verify', ['yes', 'no'] as const)
  if (verify && scheme === 'redis') throw invalid('Redis URL option verify is for rediss: only; this URL has no TLS')
  return checked({
    hosts: hosts.split(',').map(parseHost),
    user: decode(user),
    password: decode(password),
    database: parseDatabase(database),
    tls: scheme === 'rediss' && { rejectUnauthorized: verify !== 'no' },
    cluster,
    fsync: oneOf(options, 'fsync', ['always', 'everysec'] as const),
  })
}

function checked(url: RedisUrl): RedisUrl {
  if (url.hosts.length > 1 && !url.cluster)
    throw invalid(`Redis URL: ${url.hosts.length} hosts are named; add cluster=yes, or name one`)
  if (url.cluster && url.database > 0)
    throw invalid(`Redis URL: database ${url.database} does not exist in a cluster; write 0, or none`)
  if (url.user && !url.password) throw invalid('Redis URL: it has a user but no password; write user:password@')
  return url
}

function parseHost(text: string): Host {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? 6379)
  if (!match || port < 1 || port > 65535)
    throw invalid(`Redis URL: host '${text}' is not valid; write name:port with a port of 1 to 65535`)
  return { host: match[1]!.replace(/^\[|\]$/g, '') || 'localhost', port }
}

function parseDatabase(text: string): number {
  if (/^\d{0,5}$/.test(text)) return Number(text)
  throw invalid(`Redis URL: database '${text}' is not a number; write 0 to 15, or leave it out`)
}

function oneOf<const V extends string>(options: URLSearchParams, name: string, values: readonly V[]): V | undefined {
  const value = options.get(name)
  if (value === null || (values as readonly string[]).includes(value)) return (value ?? undefined) as V | undefined
  throw invalid(`Redis URL: ${name} '${value}' is not known; allowed are ${values.join(', ')}`)
}

function decode(text: string): string {
  return decodePart(text, { url: 'Redis URL', parts: 'user or password' })
}
