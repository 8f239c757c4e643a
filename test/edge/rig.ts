import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { silent } from '../../src/block.ts'
import type { Instance } from '../../src/blocks/discovery/driver.ts'
import type { Guard } from '../../src/edge/auth.ts'
import { ResponseCache } from '../../src/edge/cache.ts'
import type { Route } from '../../src/edge/config.ts'
import { Strangers, type RateLimit } from '../../src/edge/limit.ts'
import { usualLimits, type ListenerLimits } from '../../src/edge/listener.ts'
import { readyRoutes } from '../../src/edge/routes.ts'
import { EdgeServer } from '../../src/edge/server.ts'
import { Upstream, type Instances } from '../../src/edge/upstream.ts'

/** The instances that an edge is told of, as a test changes them. */
export class Fleet implements Instances {
  instances: Instance[] = []
  #changed: (instances: readonly Instance[]) => void = () => undefined

  constructor(...ports: number[]) {
    this.set(...ports)
  }

  set(...ports: number[]): void {
    this.instances = ports.map((port) => ({ id: `i${port}`, service: 'web', host: '127.0.0.1', port, meta: {} }))
    this.#changed(this.instances)
  }

  onChange(changed: (instances: readonly Instance[]) => void): () => void {
    this.#changed = changed
    return () => undefined
  }
}

export interface RigOptions {
  route?: Partial<Route>
  guard?: Guard
  limit?: RateLimit
  trustedHops?: number
  limits?: Partial<ListenerLimits>
}

export interface Rig extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly upstream: Upstream
}

/** An edge alone, in front of upstreams that the test plays itself. */
export async function openRig(fleet: Fleet, options: RigOptions = {}): Promise<Rig> {
  const { guard, limit, trustedHops = 0, limits } = options
  const upstream = new Upstream('web', fleet, options.route?.balance ?? 'round-robin')
  const [ready] = readyRoutes([{ path: '/*', to: 'web', ...options.route }])
  const route = {
    ...ready!,
    guard,
    limit,
    strangers: limit && new Strangers(limit),
    cache: options.route?.cache ? new ResponseCache(ready!.cacheBytes) : undefined,
    target: { upstream },
  }
  const { server } = new EdgeServer({
    name: 'front',
    routes: [route],
    trustedHops,
    s3: undefined,
    log: silent,
    limits: { ...usualLimits, ...limits },
  })
  const port = await listening(server)
  const stop = async () => {
    server.closeAllConnections()
    upstream.close()
    await closed(server)
  }
  return { port, url: `http://127.0.0.1:${port}`, upstream, [Symbol.asyncDispose]: stop }
}

export interface Peer extends AsyncDisposable {
  readonly port: number
  /** Connections that came so far. */
  readonly sockets: readonly Socket[]
}

/** An instance that speaks whatever a test makes it speak. */
export async function rawPeer(speak: (socket: Socket, nth: number) => void): Promise<Peer> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    speak(socket, sockets.push(socket))
  })
  return peerOf(server, sockets)
}

export async function httpPeer(listener: RequestListener): Promise<Peer> {
  const sockets: Socket[] = []
  const server = createHttp({ keepAliveTimeout: 75_000, insecureHTTPParser: false }, listener)
  server.on('connection', (socket) => sockets.push(socket))
  return peerOf(server, sockets)
}

async function peerOf(server: Server, sockets: Socket[]): Promise<Peer> {
  const port = await listening(server)
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await closed(server)
  }
  return { port, sockets, [Symbol.asyncDispose]: stop }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Calls back with each whole head that a raw connection receives (bodies are not understood). */
export function onHead(socket: Socket, then: (head: string) => void): void {
  let got = ''
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1')
    for (let end = got.indexOf('\r\n\r\n'); end >= 0; end = got.indexOf('\r\n\r\n')) {
      const head = got.slice(0, end + 4)
      got = got.slice(end + 4)
      then(head)
    }
  })
}

/** Speaks raw HTTP; answers all that came back once the peer closes, or `enough` says so. */
export function raw(port: number, text: string, enough = (_soFar: string) => false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
    let got = ''
    const late = setTimeout(() => socket.destroy(new Error(`no end; so far: ${got.slice(0, 2000)}`)), 10_000)
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
      if (enough(got)) socket.destroy()
    })
    socket.on('close', () => (clearTimeout(late), resolve(got)))
    socket.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' || reject(error))
  })
}

/** The status of each answer in a raw text. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}
