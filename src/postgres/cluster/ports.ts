import { createHash } from 'node:crypto'
import net from 'node:net'
import { fail } from './fail.ts'

const first = 15_432
const count = 10_000

/** True when nobody listens on this port of 127.0.0.1. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * The port to listen on: the wanted one when it is free, else the next free one. Below the range from which systems
 * take ports for outgoing connections, and spread by folder so that clusters seldom try the same.
 */
export async function choosePort(
  folder: string,
  wanted: number | undefined,
  taken: readonly number[],
): Promise<number> {
  const start = wanted ?? first + (createHash('sha256').update(folder).digest().readUInt32BE(0) % count)
  for (let step = 0; step < count; step++) {
    const port = first + ((start - first + step + count) % count)
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw fail('exhausted', `no free port on 127.0.0.1 from ${first} to ${first + count - 1}: stop what listens there`)
}
