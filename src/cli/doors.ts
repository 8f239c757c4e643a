import type { Blueprint } from '../blueprint/blueprint.ts'
import { freePort } from '../listen.ts'

/** Where each edge will listen, by name: the port it asks for, or the next free one, said clearly. */
export async function edgeAddresses(blueprint: Blueprint): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const taken = new Set<number>()
  for (const [name, { kind, options }] of Object.entries(blueprint.declarations)) {
    if (kind !== 'edge') continue
    const [, host = '127.0.0.1', asked] = /^(?:(.+):)?(\d+)$/.exec(String((options as { listen: unknown }).listen))!
    const port = await portFor(host, Number(asked), taken)
    if (Number(asked) !== 0 && port !== Number(asked))
      console.log(`port ${asked} is taken: the edge '${name}' listens on ${port} instead`)
    taken.add(port)
    found.set(name, `http://${reachable(host)}:${port}`)
  }
  return found
}

async function portFor(host: string, asked: number, taken: ReadonlySet<number>): Promise<number> {
  let port = await freePort(bare(host), asked)
  while (taken.has(port)) port = await freePort(bare(host), asked === 0 ? 0 : port + 1)
  return port
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** What listens on every address is reached by loopback from here. */
function reachable(host: string): string {
  const plain = bare(host)
  if (plain === '0.0.0.0' || plain === '::') return '127.0.0.1'
  return plain.includes(':') ? `[${plain}]` : plain
}
