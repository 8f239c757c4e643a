import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OpenContext } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { invalid } from '../../errors.ts'

/** What the URLs of the drivers that keep the bytes themselves share: `?public=`. */
export interface OwnUrl {
  /** All before the `?`. */
  base: string
  /** Where clients reach `endpoint`: the option `public`, else the blueprint's `publicUrl`. */
  publicUrl?: string
}

/** @throws `invalid_argument` for an option that is not known */
export function parseOwnUrl({ url, publicUrl }: OpenContext): OwnUrl {
  const [base = '', query = ''] = url.split('?', 2)
  const options = new URLSearchParams(query)
  for (const name of options.keys()) {
    if (name !== 'public') throw invalid(`bucket: URL option '${name}' is not known; allowed is public`)
  }
  const reached = options.get('public') ?? publicUrl
  return reached === undefined ? { base } : { base, publicUrl: checkPublic(reached) }
}

function checkPublic(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash || parsed.username)
    throw invalid(`bucket: the public address '${url}' is not valid; write one such as https://example.com`)
  return parsed.href.replace(/\/+$/, '')
}

/** The folder of one bucket. @throws `invalid_argument` */
export function folderOf(context: OpenContext): string {
  const { base } = parseOwnUrl(context)
  return join(base === 'file:' ? join(context.folder, 'buckets') : pathOf(base), folderName(engineName(context)))
}

function pathOf(base: string): string {
  if (!base.startsWith('file:///'))
    throw invalid(`bucket: '${base}' is not a folder; write file: for the service's own, or file:///absolute/path`)
  return fileURLToPath(base)
}

/** Names that differ in case only are two buckets, also on disks that do not tell case apart. */
function folderName(name: string): string {
  return `${name.toLowerCase()}.${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
}
