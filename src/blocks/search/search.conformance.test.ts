import { once } from 'node:events'
import net from 'node:net'
import { silent, type OpenContext } from '../../block.ts'
import { conforms, type Subject } from '../../conformance.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { searchSuite, type SearchHarness } from './conformance.ts'
import * as memory from './memory.ts'
import * as postgres from './postgres/index.ts'

let indexes = 0

/** Another index for each case. */
function contextOf(url: string): OpenContext {
  const unknown = (name: string): never => {
    throw new Error(`no block ${name} here`)
  }
  return {
    name: `photos${indexes++}`,
    service: 'test',
    url,
    folder: '',
    secret: '',
    relays: false,
    log: silent,
    block: unknown,
  }
}

const onMemory: Subject<SearchHarness> = {
  driver: 'memory',
  capabilities: {},
  async open() {
    const context = contextOf('memory:shared')
    const opening = memory.open(context) // keeps the store while the case opens and closes others
    await opening
    return {
      scheme: 'memory',
      codeOf: memory.codeOf,
      open: () => memory.open(context),
      [Symbol.asyncDispose]: async () => (await opening).close(),
    }
  },
}

const database = await testDatabase()

const onPostgres: Subject<SearchHarness> = {
  driver: 'postgres',
  capabilities: { outage: true },
  async open() {
    const network = await startNetwork(database.url)
    const context = contextOf(network.url)
    return {
      scheme: 'postgres',
      codeOf: postgres.codeOf,
      open: () => postgres.open(context),
      outage: network,
      [Symbol.asyncDispose]: () => network.close(),
    }
  },
}

/** The way to each host of a database, which can be cut. */
async function startNetwork(url: string) {
  const sockets = new Set<net.Socket>()
  let cut = false
  const servers: net.Server[] = []
  const hosts = /@([^/]+)\//.exec(url)![1]!.split(',')
  const proxied = await Promise.all(
    hosts.map(async (host) => {
      const server = net.createServer((near) => {
        if (cut) return void near.destroy()
        const [, name, port] = /^(.*):(\d+)$/.exec(host)!
        const far = net.connect(Number(port), name)
        for (const [socket, other] of [
          [near, far],
          [far, near],
        ] as const) {
          sockets.add(socket)
          socket.on('error', () => undefined)
          socket.once('close', () => (sockets.delete(socket), other.destroy()))
        }
        near.pipe(far).pipe(near)
      })
      servers.push(server)
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
    }),
  )
  const hangUp = () => sockets.forEach((socket) => socket.destroy())
  return {
    url: url.replace(/@[^/]+\//, `@${proxied.join(',')}/`),
    async begin() {
      cut = true
      hangUp()
    },
    async end() {
      cut = false
    },
    async close() {
      hangUp()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

conforms(searchSuite, onMemory)
conforms(searchSuite, onPostgres)
