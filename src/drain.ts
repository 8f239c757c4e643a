import type { Server } from 'node:http'

const lookEveryMs = 50

/**
 * Ends an HTTP server without cutting a request short: no new connections, connections close as they fall idle, and after
 * `limitMs` those that are left are cut.
 */
export async function drainServer(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that was busy when the server closed is kept alive once its answer is out: look again for idle ones.
  const looking = setInterval(() => server.closeIdleConnections(), lookEveryMs)
  const limit = setTimeout(() => server.closeAllConnections(), limitMs)
  server.closeIdleConnections()
  await closed
  clearInterval(looking)
  clearTimeout(limit)
}
