import { getRequestListener } from '@hono/node-server'
import type { Block, OpenContext } from '../block.ts'
import type { LiveRoute } from './server.ts'

interface Endpoint extends Block {
  endpoint?: (request: Request) => Promise<Response>
}

/** The S3 endpoints of the buckets that serve themselves, told apart by the first path segment after `/s3/`. */
export function s3Of({ service }: OpenContext, routes: readonly LiveRoute[]) {
  const buckets = routes.flatMap(({ target }) => ('bucket' in target ? (target.bucket as unknown as Endpoint) : []))
  const byName = new Map(
    buckets
      .filter(({ endpoint }) => endpoint)
      .map((bucket) => [service ? `${service}.${bucket.name}` : bucket.name, bucket]),
  )
  if (byName.size === 0) return undefined
  const answer = (request: Request) => {
    const name = bucketIn(request)
    if (name === undefined) return failure(400, 'InvalidURI')
    return byName.get(name)?.endpoint?.(request) ?? failure(404, 'NoSuchBucket')
  }
  const listener = getRequestListener(answer, { overrideGlobalObjects: false })
  return (incoming: Parameters<typeof listener>[0], response: Parameters<typeof listener>[1]) =>
    void listener(incoming, response)
}

function bucketIn({ url }: Request): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname).split('/')[2] ?? ''
  } catch {
    return undefined
  }
}

function failure(status: number, code: string): Response {
  return new Response(`<Error><Code>${code}</Code></Error>`, { status, headers: { 'content-type': 'application/xml' } })
}
