import { createServer, type Server } from 'node:http'
import { listen } from '../listen.ts'
import { registry } from '../telemetry.ts'
import type { Running } from './run.ts'

/** What `/health` of a role process answers. */
export interface RoleHealth {
  ok: boolean
  blocks: Record<string, { ok: boolean; detail?: string }>
}

/**
 * The door for operators of one role process, on loopback: `/metrics` (Prometheus), `/health` (200 or 503 with each
 * block's state) and `/stats` (each block's figures). Answers GET only.
 */
export async function openAdmin(
  running: Running,
  host = '127.0.0.1',
  port = 0,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    void answer(running, request.method === 'GET' ? (request.url ?? '/') : '').then(
      ({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      () => response.writeHead(500).end(),
    )
  })
  const bound = await listen(server, port, host)
  server.unref()
  return { port: bound, close: () => close(server) }
}

async function answer(running: Running, path: string): Promise<{ status: number; type: string; body: string }> {
  if (path === '/metrics') return { status: 200, type: registry.contentType, body: await registry.metrics() }
  if (path === '/health') {
    const blocks = await running.health()
    const ok = Object.values(blocks).every((each) => each.ok)
    return {
      status: ok ? 200 : 503,
      type: 'application/json',
      body: JSON.stringify({ ok, blocks } satisfies RoleHealth),
    }
  }
  if (path === '/stats') return { status: 200, type: 'application/json', body: JSON.stringify(await stats(running)) }
  return { status: 404, type: 'text/plain', body: 'there are /metrics, /health and /stats, by GET\n' }
}

async function stats(running: Running): Promise<Record<string, Record<string, number>>> {
  const all = [...running.handles].map(async ([name, block]) => [name, await block.stats().catch(() => ({}))] as const)
  return Object.fromEntries(await Promise.all(all))
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
