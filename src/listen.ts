import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { AshlarError, describe } from './errors.ts'

/** Listens on the first free port from `wanted` on (0: any), and answers which. @throws `exhausted` */
export async function listenFrom(server: Server, wanted: number, host = '127.0.0.1'): Promise<number> {
  let problem: unknown
  for (let port = wanted; port <= wanted + (wanted === 0 ? 0 : 100) && port < 65536; port++) {
    try {
      return await listen(server, port, host)
    } catch (error) {
      problem = error
    }
  }
  throw new AshlarError('exhausted', `no free port on ${host} from ${wanted} on: ${describe(problem)}`)
}

/** Listens, and answers on which port: with port 0 the system chooses one. @throws what the system says, raw */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      server.on('error', () => undefined) // a connection that cannot be taken (no descriptors left) must not end the process
      resolve((server.address() as { port: number }).port)
    })
  })
}

/** The first free port from `wanted` on (0: any), for another process to listen on. @throws `exhausted` */
export async function freePort(host = '127.0.0.1', wanted = 0): Promise<number> {
  const server = createServer()
  const port = await listenFrom(server, wanted === 0 ? lowest + randomInt(span) : wanted, host)
  await new Promise((resolve) => server.close(resolve))
  return port
}

// Below the range from which systems hand out ports by themselves (32768 on Linux, 49152 elsewhere): whatever listens on
// "any port" between our look and the use of what we found cannot get it.
const lowest = 18_000
const span = 12_000

/** Whether a `Host` header names this machine: a foreign name that leads here is a foreign site's (DNS rebinding). */
export function isLocal(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '')
}
