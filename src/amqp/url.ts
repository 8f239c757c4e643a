import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

/** A RabbitMQ URL taken apart. */
export interface AmqpUrl {
  host: string
  port: number
  user: string
  password: string
  vhost: string
  /** `amqps:`. `verify=no` takes any certificate, `cacertfile` names who else may sign one. */
  tls: { rejectUnauthorized: boolean; caFile: string | undefined } | undefined
  /** `heartbeat`, in seconds, 1..60, default 10: a link that is silent for two to three times as long is given up. */
  heartbeatS: number
}

const allowed = ['cacertfile', 'heartbeat', 'verify']

/** Reads `amqp[s]://user:password@host:port/vhost?heartbeat=…&verify=no&cacertfile=…`. @throws `invalid_argument` */
export function parseAmqpUrl(url: string): AmqpUrl {
  const match =
    /^(amqps?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]]+\]|[^:/?]*)(?::(\d{1,5}))?(?:\/([^?/]*))?(?:\?(.*))?$/i.exec(
      url,
    )
  if (!match)
    throw invalid(
      'a RabbitMQ URL looks like amqp://user:password@host:5672/vhost, with a vhost /a written %2Fa; the one given does not',
    )
  const [, scheme, user, password, host, port, vhost, query = ''] = match
  const isSecure = scheme!.toLowerCase() === 'amqps'
  const options = new URLSearchParams(query)
  for (const name of options.keys())
    if (!allowed.includes(name))
      throw invalid(`RabbitMQ URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
  return {
    host: host!.replace(/^\[|\]$/g, '') || 'localhost',
    port: parsePort(port ?? (isSecure ? '5671' : '5672')),
    user: decode(user ?? 'guest'),
    password: decode(password ?? (user === undefined ? 'guest' : '')),
    vhost: decode(vhost ?? '') || '/',
    tls: parseTls(isSecure, options),
    heartbeatS: parseHeartbeat(options.get('heartbeat') ?? '10'),
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (port >= 1 && port <= 65535) return port
  throw invalid(`RabbitMQ URL: port '${text}' is out of range; allowed is 1 to 65535`)
}

function parseTls(isSecure: boolean, options: URLSearchParams): AmqpUrl['tls'] {
  const verify = options.get('verify') ?? 'yes'
  if (verify !== 'yes' && verify !== 'no')
    throw invalid(`RabbitMQ URL: verify '${verify}' is not known; allowed are yes, no`)
  if (isSecure) return { rejectUnauthorized: verify === 'yes', caFile: options.get('cacertfile') ?? undefined }
  if (!options.has('verify') && !options.has('cacertfile')) return undefined
  throw invalid('RabbitMQ URL: verify and cacertfile are for amqps: only; this URL has no TLS')
}

function parseHeartbeat(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 60) return seconds
  throw invalid(`RabbitMQ URL: heartbeat '${text}' is out of range; allowed is 1 to 60 (seconds)`)
}

function decode(text: string): string {
  return decodePart(text, { url: 'RabbitMQ URL', parts: 'user, password or vhost' })
}
