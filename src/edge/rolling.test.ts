import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { silent, type Block, type OpenContext } from '../block.ts'
import { app } from '../blocks/app/index.ts'
import { discovery } from '../blocks/discovery/index.ts'
import { until } from '../conformance.ts'
import { edge } from './index.ts'

/** Opens the parts of a service by hand, so that instances can come and go under a running edge. */
function contextOf(name: string, registry: Block): OpenContext {
  const block = (need: string) => {
    if (need !== 'discovery') throw new Error(`${need} is not open here`)
    return registry
  }
  return { name, service: 'shop', log: silent, edgePort: 0, block } as unknown as OpenContext
}

test('three instances replaced one by one under steady load, POSTs among it: no request fails', async () => {
  await using registry = await discovery('registry', { url: 'memory:' })
  const echo = async (incoming: Request) => new Response(await incoming.text())
  const start = () => app(async () => ({ default: { fetch: echo } })).open(contextOf('web', registry))
  let fleet = await Promise.all([start(), start(), start()])
  await using front = await edge({ listen: 0, routes: [{ path: '/*', to: 'web' }] }).open(contextOf('front', registry))
  await using load = steadyLoad(front.address.port)
  for (let each = 0; each < 3; each++) {
    await load.goesOn()
    const [oldest, ...rest] = fleet
    fleet = [...rest, await start()]
    await oldest.close()
  }
  await load.goesOn()
  assert.deepEqual(await load.end(), [])
  for (const instance of fleet) await instance.close()
})

/** Six clients that keep their connections and ask without a pause, every third time with a POST. */
function steadyLoad(port: number) {
  const agent = new Agent({ keepAlive: true })
  const failed: string[] = []
  let asked = 0
  const stop = new AbortController()
  const client = async () => {
    while (!stop.signal.aborted) {
      const outcome = await ask(agent, port, asked % 3 === 0 ? 'POST' : 'GET').catch(String)
      if (outcome !== '200') failed.push(outcome)
      asked++
    }
  }
  const clients = Array.from({ length: 6 }, client)
  const end = async () => {
    stop.abort()
    await Promise.all(clients)
    agent.destroy()
    return failed
  }
  const goesOn = () => {
    const before = asked
    return until('load goes on', () => asked > before + 40, 30_000)
  }
  return { goesOn, end, [Symbol.asyncDispose]: async () => void (await end()) }
}

function ask(agent: Agent, port: number, method: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, agent }, (answer) => {
      answer.resume().on('error', reject)
      answer.on('end', () => resolve(String(answer.statusCode)))
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? 'body' : undefined)
  })
}
