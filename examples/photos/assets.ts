import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'

const folder = fileURLToPath(new URL('./public/', import.meta.url))
const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

interface Files {
  /** Of all files together, so that they can name each other by relative paths. */
  version: string
  bytes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  /** When the newest of them was written. */
  changedMs: number
}

let files: Files | undefined

/** The address of a file of `public/`, with its version in it: browsers and the edge keep it for ever. */
export function asset(name: string): string {
  const { version, bytes } = current()
  if (!bytes.has(name)) throw new Error(`public/ has no file ‘${name}’; there are ${[...bytes.keys()].join(', ')}`)
  return `/assets/${version}/${name}`
}

/** Serves them. An address with another version, from a page that an older instance sent, gets today's file for now. */
export const assets = new Hono().get('/assets/:version/:name{.+}', (c) => {
  const { version, bytes } = current()
  const body = bytes.get(c.req.param('name'))
  if (!body) return c.notFound()
  const isCurrent = c.req.param('version') === version
  return c.body(body, 200, {
    'content-type': types[extname(c.req.param('name'))] ?? 'application/octet-stream',
    'cache-control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache',
  })
})

/** In development a designer's change shows at the next request. */
function current(): Files {
  if (!files || (process.env.ASHLAR_DEV === '1' && newestMs() !== files.changedMs)) files = read()
  return files
}

function read(): Files {
  const changedMs = newestMs()
  const bytes = new Map(names().map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]))
  const hash = createHash('sha256')
  for (const [name, body] of bytes) hash.update(name).update(body)
  return { version: hash.digest('hex').slice(0, 12), bytes, changedMs }
}

const newestMs = () => Math.max(0, ...names().map((name) => statSync(join(folder, name)).mtimeMs))

function names(): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return paths.map((path) => path.slice(folder.length).replaceAll('\\', '/')).toSorted()
}
