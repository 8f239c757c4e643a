import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

export interface Host {
  host: string
  port: number
}

/** A PostgreSQL URL taken apart. Several hosts (libpq's `host1:p1,host2:p2`) name the members of one cluster. */
export interface PostgresUrl {
  hosts: Host[]
  user: string
  password: string
  database: string
  ssl: boolean | { rejectUnauthorized: boolean }
  /** `pool_size` 1..1000, default 10: connections per process. */
  poolSize: number
  /** `application_name`, default `ashlar`: shown in `pg_stat_activity`. */
  applicationName: string
}

const allowed = ['sslmode', 'pool_size', 'application_name']

/** Reads `postgres://user:password@host:port[,host:port…]/database?sslmode=…&pool_size=…`. @throws `invalid_argument` */
export function parsePostgresUrl(url: string): PostgresUrl {
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)\/([^?]*)(?:\?(.*))?$/.exec(url)
  if (!match)
    throw invalid('a PostgreSQL URL looks like postgres://user:password@host:5432/database; the one given does not')
  const [, user = '', password = '', hosts = '', database = '', query = ''] = match
  const options = new URLSearchParams(query)
  for (const name of options.keys()) {
    if (!allowed.includes(name))
      throw invalid(`PostgreSQL URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
  }
  return {
    hosts: hosts.split(',').map(parseHost),
    user: decode(user) || 'postgres',
    password: decode(password),
    database: decode(database) || 'postgres',
    ssl: parseSsl(options.get('sslmode') ?? 'disable'),
    poolSize: parsePoolSize(options.get('pool_size') ?? '10'),
    applicationName: options.get('application_name') ?? 'ashlar',
  }
}

function parseHost(text: string): Host {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? 5432)
  if (!match || port < 1 || port > 65535)
    throw invalid(`PostgreSQL URL: host '${text}' is not valid; write name:port with a port of 1 to 65535`)
  return { host: match[1]!.replace(/^\[|\]$/g, '') || 'localhost', port }
}

function parseSsl(mode: string): PostgresUrl['ssl'] {
  if (mode === 'disable') return false
  if (mode === 'require') return { rejectUnauthorized: false }
  if (mode === 'verify-full') return { rejectUnauthorized: true }
  throw invalid(`PostgreSQL URL: sslmode '${mode}' is not known; allowed are disable, require, verify-full`)
}

function parsePoolSize(text: string): number {
  const size = Number(text)
  if (!Number.isInteger(size) || size < 1 || size > 1000)
    throw invalid(`PostgreSQL URL: pool_size '${text}' is out of range; allowed is 1 to 1000`)
  return size
}

function decode(text: string): string {
  return decodePart(text, { url: 'PostgreSQL URL', parts: 'user, password or database' })
}

/** What two URLs share when they lead to the same database: used to tell whether a transaction belongs to a driver. */
export function originOf({ hosts, database }: PostgresUrl): string {
  const names = hosts.map(({ host, port }) => `${host}:${port}`).sort()
  return `${names.join(',')}/${database}`
}
