import type { Server } from 'node:http'
import { AshlarError, describe } from '../errors.ts'
import { listen } from '../listen.ts'

/** Where an edge listens. */
export interface Listen {
  host: string
  port: number
}

/** Listens, and answers where: with port 0 the system chooses one. @throws `unavailable` */
export async function listenOn(server: Server, { host, port }: Listen): Promise<Listen> {
  try {
    return { host, port: await listen(server, port, host) }
  } catch (error) {
    throw new AshlarError(
      'unavailable',
      `edge: cannot listen on ${host}:${port}: ${describe(error)}; choose another port, or stop what uses it`,
      { cause: error },
    )
  }
}
