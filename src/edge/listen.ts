import type { Server } from 'node:http'
import { AshlarError, describe } from '../errors.ts'

/** Where an edge listens. */
export interface Listen {
  host: string
  port: number
}

export function listenOn(server: Server, { host, port }: Listen): Promise<Listen> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new AshlarError(
          'unavailable',
          `edge: cannot listen on ${host}:${port}: ${describe(error)}; choose another port, or stop what uses it`,
          { cause: error },
        ),
      ),
    )
    server.listen(port, host, () => resolve({ host, port: (server.address() as { port: number }).port }))
  })
}
