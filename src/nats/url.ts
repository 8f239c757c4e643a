import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

/** A NATS URL taken apart. */
export interface NatsUrl {
  /** `host:port` of one server or several of one cluster: each is a way in. */
  servers: string[]
  /** What the server asks for, at most one of the three. */
  login: { user: string; pass: string } | { token: string } | { creds: string } | undefined
  /** `tls=yes`: nothing is said to a server without TLS; `tls=no`: without, though it could. Default: if the server has it. */
  tls: boolean | undefined
  /** Files in PEM: `ca` the server's certificate is checked with, `cert` and `key` that we show it. */
  files: { ca?: string; cert?: string; key?: string }
  /** On how many servers of a cluster streams are kept. */
  replicas: number
}

const allowed = ['tls', 'ca', 'cert', 'key', 'creds', 'replicas']

/** Reads `nats://user:password@host:4222,host:4222?tls=yes&ca=FILE&cert=FILE&key=FILE&creds=FILE&replicas=3`. @throws `invalid_argument` */
export function parseNatsUrl(url: string): NatsUrl {
  const match = /^nats:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?@]*)\/?(?:\?(.*))?$/i.exec(url)
  if (!match) throw invalid('a NATS URL looks like nats://user:password@host:4222; the one given does not')
  const [, user, pass, hosts = '', query = ''] = match
  const options = new URLSearchParams(query)
  for (const name of options.keys())
    if (!allowed.includes(name))
      throw invalid(`NATS URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
  return {
    servers: hosts.split(',').map(readHost),
    login: readLogin(user, pass, options.get('creds') ?? undefined),
    ...readTls(options),
    replicas: Number(oneOf(options, 'replicas', ['1', '3', '5']) ?? 1),
  }
}

function readLogin(user: string | undefined, pass: string | undefined, creds: string | undefined): NatsUrl['login'] {
  if (user === undefined) return creds === undefined ? undefined : { creds }
  if (creds !== undefined) throw invalid('NATS URL: it has both user@ and creds=; one of them is enough')
  return pass === undefined ? { token: decode(user) } : { user: decode(user), pass: decode(pass) }
}

function readTls(options: URLSearchParams): Pick<NatsUrl, 'tls' | 'files'> {
  const tls = oneOf(options, 'tls', ['yes', 'no'])
  const given = ['ca', 'cert', 'key'].filter((name) => options.has(name))
  if (given.length > 0 && tls === 'no')
    throw invalid(`NATS URL: ${given.join(', ')} and tls=no do not go together; write tls=yes`)
  if (options.has('cert') !== options.has('key')) throw invalid('NATS URL: cert and key go together; name both files')
  const files = Object.fromEntries(given.map((name) => [name, options.get(name)!]))
  return { tls: tls === undefined && given.length === 0 ? undefined : tls !== 'no', files }
}

function readHost(text: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+|)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(match?.[2] ?? 4222)
  if (!match || port < 1 || port > 65535)
    throw invalid(`NATS URL: host '${text}' is not valid; write name:port with a port of 1 to 65535`)
  return `${match[1] || 'localhost'}:${port}`
}

function oneOf<const V extends string>(options: URLSearchParams, name: string, values: readonly V[]): V | undefined {
  const value = options.get(name)
  if (value === null || (values as readonly string[]).includes(value)) return (value ?? undefined) as V | undefined
  throw invalid(`NATS URL: ${name} '${value}' is not known; allowed are ${values.join(', ')}`)
}

function decode(text: string): string {
  return decodePart(text, { url: 'NATS URL', parts: 'user or password' })
}
