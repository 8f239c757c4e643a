import { createServer } from 'node:http'
import { listenFrom } from './listen.ts'
import type { Service } from './service.ts'

export interface ConsoleOptions {
  /** First port to try. */
  port: number
  /** Environment of the role processes (`DATABASE_URL` …), for figures read from the engines. */
  env: Readonly<Record<string, string | undefined>>
}

/** Opens the console on loopback. */
export async function openConsole(
  service: Service,
  options: ConsoleOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    const processes = service.processes()
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ service: service.blueprint.name, processes, members: service.members() }))
  })
  const port = await listenFrom(server, options.port)
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
