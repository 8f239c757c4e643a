import { basename, extname } from 'node:path'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const attempts = 5
const deadlineMs = 30_000

const types: Record<string, string> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
}

export const isPicture = (file: string) => extname(file).toLowerCase() in types

export interface Details {
  title: string
  tags: string[]
  attribution: string | undefined
}

/** Shutter's public API, as a program uses it. Errors are sentences for whoever runs the program. */
export class Client {
  readonly #base: URL
  readonly #cookies = new Map<string, string>()

  constructor(url: string) {
    this.#base = new URL(url)
  }

  async logIn(email: string, password: string): Promise<void> {
    await this.#json('POST', '/api/sessions', { email, password })
  }

  /** From a file to a published photo: link, upload, publication. @returns its address */
  async upload(file: string, details: Details): Promise<string> {
    const bytes = await readFile(file)
    const type = types[extname(file).toLowerCase()]
    const link = await this.#json<Link>('POST', '/api/uploads', { name: basename(file), type, bytes: bytes.length })
    await send(new URL(link.url), { method: 'PUT', headers: link.headers, body: bytes })
    const photo = await this.#json<{ url: string }>('POST', '/api/photos', { upload: link.id, ...details })
    return new URL(photo.url, this.#base).href
  }

  async #json<T>(method: string, path: string, body: object): Promise<T> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'content-type': 'application/json', cookie }
    const response = await send(new URL(path, this.#base), { method, headers, body: JSON.stringify(body) })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  #keep(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (name !== undefined && value !== undefined) this.#cookies.set(name, value)
  }
}

interface Link {
  id: string
  url: string
  headers: Record<string, string>
}

/** Sends until it is answered: each of these requests may come twice. A refusal is final, except 429 and 5xx. */
async function send(url: URL, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(deadlineMs) }).catch(
      (error: Error) => error,
    )
    if (response instanceof Response && response.ok) return response
    const mayPass = response instanceof Error || response.status === 429 || response.status >= 500
    if (!mayPass || attempt === attempts) throw new Error(await reasonOf(response, url))
    const told = response instanceof Response ? Number(response.headers.get('retry-after') ?? 0) * 1000 : 0
    await sleep(Math.min(60_000, Math.max(told, 250 * 2 ** attempt)))
  }
}

async function reasonOf(response: Response | Error, url: URL): Promise<string> {
  if (response instanceof Error) {
    const cause = (response.cause as { code?: string } | undefined)?.code
    return `${url.origin} does not answer (${cause ?? response.message}); is Shutter running there? Name another with --url`
  }
  const text = await response.text()
  const said = /"message":"([^"]+)"/.exec(text)?.[1] ?? /<Message>([^<]+)</.exec(text)?.[1] ?? text.slice(0, 200)
  return `${response.status}: ${said}`
}
