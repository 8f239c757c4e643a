import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const lookEveryMs = 20

/** Who is connected to a server, and what is under way. */
export class Connected {
  readonly #sockets = new Set<Socket>()
  readonly #answering = new Set<ServerResponse>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (_, outgoing) => {
      this.#answering.add(outgoing)
      outgoing.on('close', () => this.#answering.delete(outgoing))
    })
  }

  /** The answers under way say `Connection: close`, where they have not begun yet. */
  closeAfterAnswers(): void {
    for (const outgoing of this.#answering) outgoing.shouldKeepAlive = false
  }

  /** Waits until no connection is idle, at most so long. */
  async noneIdle(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs
    while (this.#sockets.size > this.#answering.size && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}
