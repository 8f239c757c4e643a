import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { until } from '../../src/conformance.ts'

const patienceMs = 30_000

interface Photo {
  id: string
  state: 'preparing' | 'ready' | 'failed'
  problem?: string
  sizes: { url: string; width: number }[]
}

/** Somebody with a browser: keeps cookies, says where requests come from, follows no redirect by itself. */
export class Visitor {
  readonly handle = `v${randomUUID().slice(0, 8)}`
  readonly #base: string
  readonly #cookies = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, 'sec-fetch-site': 'same-origin', ...(init.headers as Record<string, string>) }
    const response = await fetch(new URL(path, this.#base), { redirect: 'manual', ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      this.#cookies.set(name!, value!)
    }
    return response
  }

  /** An answer of the API. */
  async api<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.fetch(path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text || '{}') as T
  }

  async signUp(): Promise<this> {
    const { handle } = this
    const form = { email: `${handle}@example.org`, name: 'A Visitor', handle, password: 'long enough' }
    const response = await this.fetch('/signup', { method: 'POST', body: new URLSearchParams(form) })
    assert.equal(response.status, 303, await response.text())
    return this
  }

  async isLoggedIn(): Promise<boolean> {
    return (await this.fetch('/upload')).status === 200
  }

  /** @returns the new photo's id */
  async upload(bytes: Uint8Array<ArrayBuffer>, details: { title: string; tags?: string[] }): Promise<string> {
    const wanted = { name: 'photo.jpg', type: 'image/jpeg', bytes: bytes.length }
    const link = await this.api<{ id: string; url: string; headers: Record<string, string> }>(
      'POST',
      '/api/uploads',
      wanted,
    )
    const stored = await fetch(link.url, { method: 'PUT', headers: link.headers, body: bytes })
    assert.equal(stored.status, 200, await stored.text())
    return (await this.api<{ id: string }>('POST', '/api/photos', { upload: link.id, ...details })).id
  }

  photo(id: string): Promise<Photo> {
    return this.api<Photo>('GET', `/api/photos/${id}`)
  }

  /** The photo once the worker is done with it. */
  async prepared(id: string): Promise<Photo> {
    let photo: Photo | undefined
    const isDone = async () => (photo = await this.photo(id)).state !== 'preparing'
    await until(`photo ${id} is prepared`, isDone, patienceMs)
    return photo!
  }

  async feed(): Promise<{ id: string; width: number; height: number }[]> {
    return (await this.api<{ photos: { id: string; width: number; height: number }[] }>('GET', '/api/photos')).photos
  }
}
