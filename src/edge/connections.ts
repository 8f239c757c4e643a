import { Agent } from 'node:http'

// Shorter than an app keeps its side open (75 s), so that we hardly ever write into a connection that is being closed.
const idleMs = 30_000
const mostSockets = 1024
const mostIdle = 64

/** The connections to one instance, kept open between requests. */
export class Connections {
  readonly agent = new Agent({
    keepAlive: true,
    maxSockets: mostSockets,
    maxFreeSockets: mostIdle,
    timeout: idleMs,
    scheduling: 'lifo',
  })
  /** For one request only: when a kept connection turned out to be dead. */
  readonly fresh = new Agent({ maxSockets: mostSockets })

  /** The instance has left: idle connections close now, busy ones after their answer. The instance waits for just that. */
  retire(): void {
    this.agent.maxFreeSockets = 0
    for (const sockets of Object.values(this.agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  close(): void {
    this.agent.destroy()
    this.fresh.destroy()
  }
}
