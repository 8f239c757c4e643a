import { createServer } from 'node:net'
import { AshlarError, describe } from '../errors.ts'

/** The first port at or above `wanted` (at most 100 further) that can be listened on. @throws `exhausted` */
export async function freePort(host: string, wanted: number): Promise<number> {
  let problem: unknown
  for (let port = wanted; port < Math.min(wanted + 100, 65536); port++) {
    try {
      return await tryPort(host, port)
    } catch (error) {
      problem = error
    }
  }
  throw new AshlarError('exhausted', `no free port on ${host} from ${wanted} on: ${describe(problem)}`)
}

function tryPort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, host, () => {
      const bound = (server.address() as { port: number }).port
      server.close(() => resolve(bound))
    })
  })
}
