import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

export interface Host {
  host: string
  port: number
}

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** A Kafka URL taken apart. */
export interface KafkaUrl {
  /** Where to ask for the cluster first; it names its other brokers itself. */
  hosts: Host[]
  sasl: { mechanism: SaslMechanism; username: string; password: string } | undefined
  tls: { rejectUnauthorized: boolean } | undefined
  /** Copies of each partition of a new topic; -1: the brokers' default. */
  replication: number
  clientId: string
}

const allowed = ['acks', 'client_id', 'replication', 'sasl', 'tls']
const mechanisms: Record<string, SaslMechanism> = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
}

/**
 * Reads `kafka://user:password@host:port[,host:port…]?sasl=…&tls=…&replication=…&client_id=…&acks=all`.
 * @throws `invalid_argument`, never with the password in it
 */
export function parseKafkaUrl(url: string): KafkaUrl {
  const match = /^kafka:\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?@]*)\/?(?:\?(.*))?$/i.exec(url)
  if (!match)
    throw invalid(
      'a Kafka URL looks like kafka://user:password@host1:9092,host2:9092?tls=verify-full; the one given does not',
    )
  const [, user, password = '', hosts = '', query = ''] = match
  const options = optionsOf(query)
  checkAcks(options.get('acks'))
  return {
    hosts: hosts.split(',').map(parseHost),
    sasl: saslOf(user, password, options.get('sasl')),
    tls: tlsOf(options.get('tls') ?? 'disable'),
    replication: replicationOf(options.get('replication')),
    clientId: options.get('client_id') || 'ashlar',
  }
}

function optionsOf(query: string): Map<string, string> {
  const options = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (!allowed.includes(name))
      throw invalid(`Kafka URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
    if (options.has(name)) throw invalid(`Kafka URL option '${name}' is given twice`)
    options.set(name, value)
  }
  return options
}

function parseHost(text: string): Host {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(match?.[2] ?? 9092)
  if (!match || port < 1 || port > 65535)
    throw invalid(`Kafka URL: host '${text}' is not valid; write name:port with a port of 1 to 65535`)
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

/** An append is durable when it returns, so there is no weaker choice. */
function checkAcks(acks = 'all'): void {
  if (acks !== 'all')
    throw invalid(
      `Kafka URL: acks '${acks}' is not possible: an append that returned must not get lost; write acks=all`,
    )
}

function saslOf(user: string | undefined, password: string, name: string | undefined): KafkaUrl['sasl'] {
  if (user === undefined) {
    if (name !== undefined) throw invalid(`Kafka URL: sasl '${name}' needs user:password@ before the host`)
    return undefined
  }
  const mechanism = mechanisms[name ?? 'plain']
  if (!mechanism)
    throw invalid(`Kafka URL: sasl '${name}' is not known; allowed are ${Object.keys(mechanisms).join(', ')}`)
  return { mechanism, username: decode(user), password: decode(password) }
}

function tlsOf(mode: string): KafkaUrl['tls'] {
  if (mode === 'disable') return undefined
  if (mode === 'require') return { rejectUnauthorized: false }
  if (mode === 'verify-full') return { rejectUnauthorized: true }
  throw invalid(`Kafka URL: tls '${mode}' is not known; allowed are disable, require, verify-full`)
}

function replicationOf(text: string | undefined): number {
  if (text === undefined) return -1
  const copies = Number(text)
  if (Number.isInteger(copies) && copies >= 1 && copies <= 100) return copies
  throw invalid(
    `Kafka URL: replication '${text}' is out of range; allowed is 1 to 100, by default what the brokers say`,
  )
}

function decode(text: string): string {
  return decodePart(text, { url: 'Kafka URL', parts: 'user or password' })
}
