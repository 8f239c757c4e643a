import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import { describe, invalid, isAshlarError } from '../errors.ts'
import { isLocal, listenFrom } from '../listen.ts'
import { act } from './actions.ts'
import { FigureReader } from './figures.ts'
import type { Service } from './service.ts'
import { snapshotOf, type Snapshot } from './snapshot.ts'

export type { Service } from './service.ts'
export type { Snapshot } from './snapshot.ts'

export interface ConsoleOptions {
  /** First port to try, on 127.0.0.1. */
  port: number
}

const everyMs = 1_000
const maxBodyBytes = 4_096
const maxListeners = 20
const assets: Record<string, [file: string, type: string]> = {
  '/': ['page.html', 'text/html'],
  '/console.css': ['console.css', 'text/css'],
  '/console.js': ['console.js', 'text/javascript'],
  '/drawing.js': ['drawing.js', 'text/javascript'],
  '/details.js': ['details.js', 'text/javascript'],
}
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/**
 * The console: a page drawn from the running blueprint, its figures as server-sent events (`/events`), the same as JSON
 * (`/state.json`), and actions (`POST /actions/kill` …). On loopback only; a page of another origin cannot act, and a name
 * other than localhost is refused, so that no foreign site reaches it through the browser (DNS rebinding).
 */
export async function openConsole(
  service: Service,
  { port }: ConsoleOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  const door = new Door(service)
  const server = createServer((request, response) => {
    door.answer(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        response.writeHead(isAshlarError(error, 'invalid_argument') ? 400 : 500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: describe(error) }))
    })
  })
  const bound = await listenFrom(server, port)
  return {
    url: `http://127.0.0.1:${bound}`,
    async [Symbol.asyncDispose]() {
      door.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

class Door {
  readonly #service: Service
  readonly #figures: FigureReader
  readonly #listeners = new Set<ServerResponse>()
  #timer: NodeJS.Timeout | undefined

  constructor(service: Service) {
    this.#service = service
    this.#figures = new FigureReader(service)
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0]!
    if (!isLocal(request.headers.host))
      return void response.writeHead(421).end('the console answers to localhost only\n')
    if (request.method === 'POST' && path.startsWith('/actions/')) return this.#act(path.slice(9), request, response)
    if (request.method !== 'GET') return void response.writeHead(405).end()
    if (path === '/state.json') return json(response, await this.#snapshot())
    if (path === '/events') return this.#listen(response)
    const asset = assets[path]
    if (!asset) return void response.writeHead(404).end('there is nothing here\n')
    const body = await readFile(new URL(asset[0], import.meta.url))
    response
      .writeHead(200, {
        'content-type': `${asset[1]}; charset=utf-8`,
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-cache',
      })
      .end(body)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const response of this.#listeners) response.end()
  }

  async #act(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, host } = request.headers
    if (request.headers['content-type'] !== 'application/json' || (origin !== undefined && origin !== `http://${host}`))
      return void response.writeHead(403).end('actions come from the console page only\n')
    const said = await act(this.#service, name, await bodyOf(request))
    json(response, { said })
  }

  /** Figures are gathered only while somebody looks. */
  #listen(response: ServerResponse): void {
    if (this.#listeners.size >= maxListeners) return void response.writeHead(503).end('too many consoles are open\n')
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.on('close', () => this.#left(response))
    this.#listeners.add(response)
    this.#timer ??= setInterval(() => void this.#tell(), everyMs)
    void this.#tell()
  }

  #left(response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #tell(): Promise<void> {
    const event = `data: ${JSON.stringify(await this.#snapshot())}\n\n`
    // One that does not read misses figures instead of filling memory.
    for (const response of this.#listeners) if (response.writableLength === 0) response.write(event)
  }

  async #snapshot(): Promise<Snapshot> {
    return snapshotOf(this.#service, await this.#figures.read())
  }
}

function json(response: ServerResponse, value: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > maxBodyBytes) throw invalid(`an action's body is at most ${maxBodyBytes} bytes`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('an action takes a JSON object')
  }
}
