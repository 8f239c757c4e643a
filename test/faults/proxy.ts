import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy that plays a bad network between a client and a server. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Connections that came so far. */
  readonly accepted: number
  /** From now on leads here; connections that are open stay where they are. */
  target: { host: string; port: number }
  /** Breaks all connections, with a reset; new ones are reset at once until `heal`. */
  cut(): void
  /** Keeps all connections open but passes nothing on, in neither direction: a half-open network. */
  freeze(): void
  heal(): void
}

export async function openProxy(target: { host: string; port: number }, listenHost = '127.0.0.1'): Promise<FaultProxy> {
  const proxy = new TcpProxy(target)
  await proxy.listen(listenHost)
  return proxy
}

class TcpProxy implements FaultProxy {
  target: { host: string; port: number }
  accepted = 0
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  #state: 'well' | 'cut' | 'frozen' = 'well'

  constructor(target: { host: string; port: number }) {
    this.target = target
    this.#server = createServer((client) => this.#accept(client))
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  listen(host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(0, host, resolve)
      this.#server.unref()
    })
  }

  #accept(client: Socket): void {
    this.accepted++
    client.on('error', () => undefined)
    if (this.#state === 'cut') return reset(client)
    const server = connect(this.target)
    server.on('error', () => reset(client))
    const pair: [Socket, Socket] = [client, server]
    this.#pairs.add(pair)
    client.on('close', () => (this.#pairs.delete(pair), server.destroy()))
    server.on('close', () => client.destroy())
    if (this.#state === 'well') join(pair)
  }

  cut(): void {
    this.#state = 'cut'
    for (const [client, server] of this.#pairs) {
      reset(client)
      server.destroy()
    }
  }

  freeze(): void {
    this.#state = 'frozen'
    for (const [client, server] of this.#pairs) {
      client.unpipe(server).pause()
      server.unpipe(client).pause()
    }
  }

  heal(): void {
    if (this.#state === 'frozen') for (const pair of this.#pairs) join(pair)
    this.#state = 'well'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Node cannot reset a socket that is just being ended: it would stay open for ever, and the process with it. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

function join([client, server]: [Socket, Socket]): void {
  client.pipe(server)
  server.pipe(client)
}
