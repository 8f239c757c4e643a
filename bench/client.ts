import { request, Agent } from 'node:http'
import sharp from 'sharp'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/**
 * One member of the site as a browser would be: keeps cookies, and has a loopback address of its own, since the edge
 * limits requests by address.
 */
export class Client {
  readonly #origin: string
  readonly #agent: Agent
  readonly #cookies = new Map<string, string>()
  readonly name: string

  constructor(origin: string, number: number) {
    this.#origin = origin
    this.name = `bench${number}`
    this.#agent = new Agent({
      keepAlive: true,
      localAddress: `127.0.${Math.floor(number / 200) + 1}.${(number % 200) + 1}`,
    })
  }

  /** The same member at the address that the service has after a restart. */
  movedTo(origin: string, number: number): Client {
    const moved = new Client(origin, number)
    for (const [name, value] of this.#cookies) moved.#cookies.set(name, value)
    return moved
  }

  ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
    const url = new URL(path, this.#origin)
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    return new Promise((resolve, reject) => {
      const all = { ...(cookie && { cookie }), ...length, ...headers }
      const sent = request(url, { method, headers: all, agent: this.#agent, timeout: 30_000 }, (answer) => {
        answer.toArray().then((chunks: Buffer[]) => {
          for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line)
          resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() })
        }, reject)
      })
      sent.on('timeout', () => sent.destroy(new Error('no answer for 30 s')))
      sent.on('error', reject)
      sent.end(body)
    })
  }

  #keep(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (name) this.#cookies.set(name, value ?? '')
  }

  async json<T>(path: string, method: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    const answer = await this.ask(path, { method, headers, body: JSON.stringify(body) })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
    return JSON.parse(answer.text) as T
  }

  async signUp(): Promise<void> {
    const form = {
      email: `${this.name}@bench.example`,
      name: this.name,
      handle: this.name,
      password: 'a long password',
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(form).toString()
    const answer = await this.ask('/signup', { method: 'POST', headers, body })
    if (answer.status !== 303) throw new Error(`signup: ${answer.status} ${answer.text.slice(0, 200)}`)
  }

  /** As the upload page does it: a link, the file to the link, the publication. Answers the photo's id. */
  async upload(title: string, picture: Uint8Array): Promise<string> {
    const file = { name: 'bench.jpg', type: 'image/jpeg', bytes: picture.byteLength }
    const link = await this.json<{ id: string; url: string; headers: Record<string, string> }>(
      '/api/uploads',
      'POST',
      file,
    )
    const put = await this.ask(link.url, { method: 'PUT', headers: link.headers, body: picture })
    if (put.status >= 300) throw new Error(`PUT of the file: ${put.status} ${put.text.slice(0, 200)}`)
    const { id } = await this.json<{ id: string }>('/api/photos', 'POST', { upload: link.id, title })
    return id
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** A picture with some detail, so that there is work in resizing it. */
export function drawJpeg(width: number, seed: number): Promise<Buffer> {
  const height = Math.round((width * 2) / 3)
  const colour = { r: (seed * 53) % 256, g: (seed * 97) % 256, b: (seed * 31) % 256 }
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { width, height, channels: 3, background: colour, noise } })
    .jpeg({ quality: 80 })
    .toBuffer()
}
