import { invalid } from '../../errors.ts'
import { refuseUnknown } from '../../block.ts'
import type { Instance } from './driver.ts'

/** Where an instance is reached, and short facts about it. */
export interface Address {
  /** Name or IP address by which others reach it; at most 253 characters. */
  host: string
  /** 1 to 65535. */
  port: number
  /** Version, zone, weight …: at most 32 entries, names of 1 to 64 and values of at most 512 characters. */
  meta?: Record<string, string>
  /** Unique for this run of the process. Default: a random one. */
  id?: string
}

/** Service names are also DNS labels and Kubernetes and Consul names elsewhere: at most 63 plain characters. */
export function checkService(block: string, service: string): string {
  if (typeof service === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(service)) return service
  throw invalid(
    `${block}: '${service}' is not a service name; write 1 to 63 letters, digits, '.', '-' or '_', a letter or digit first`,
  )
}

/** @throws `invalid_argument` */
export function checkAddress(block: string, service: string, address: Address, randomId: string): Instance {
  refuseUnknown(`${block}: register`, address, ['host', 'port', 'meta', 'id'])
  const { host, port, meta = {}, id = randomId } = address
  if (typeof host !== 'string' || !/^[A-Za-z0-9._:%-]{1,253}$/.test(host))
    throw invalid(`${block}: host '${host}' is not valid; write a name or an IP address, without port or brackets`)
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw invalid(`${block}: port ${String(port)} is out of range; allowed is 1 to 65535`)
  if (typeof id !== 'string' || !/^[A-Za-z0-9._:-]{1,128}$/.test(id))
    throw invalid(`${block}: id '${id}' is not valid; write 1 to 128 letters, digits, '.', '_', ':' or '-'`)
  return { id, service, host, port, meta: checkMeta(block, meta) }
}

function checkMeta(block: string, meta: Record<string, string>): Record<string, string> {
  const entries = Object.entries(meta)
  if (entries.length > 32) throw invalid(`${block}: meta has ${entries.length} entries; allowed are up to 32`)
  for (const [name, value] of entries) {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
      throw invalid(`${block}: meta name '${name}' is not valid; write 1 to 64 letters, digits, '.', '_' or '-'`)
    if (typeof value !== 'string' || value.length > 512 || value.includes('\0'))
      throw invalid(`${block}: meta '${name}' must be text of at most 512 characters, without NUL`)
  }
  return Object.fromEntries(entries)
}
