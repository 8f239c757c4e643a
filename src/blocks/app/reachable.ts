import { networkInterfaces } from 'node:os'

/** The address under which others reach a server that listens on this host: nobody can connect to 'all addresses'. */
export function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
  const first = outer.find(({ family }) => family === 'IPv4') ?? (host === '::' ? outer[0] : undefined)
  return first?.address ?? '127.0.0.1'
}
