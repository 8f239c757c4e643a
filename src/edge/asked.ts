import type { IncomingMessage, ServerResponse } from 'node:http'
import { clientOf, requestId, type Client } from './client.ts'
import { refuse } from './respond.ts'
import { originForm, safePath } from './routes.ts'

/** A request that passed the first look. */
export interface Asked {
  incoming: IncomingMessage
  response: ServerResponse
  /** Path and query, as sent. */
  target: string
  /** Without the query, still encoded. */
  path: string
  client: Client
  id: string
}

/** Reads what is asked, or refuses what two parsers could read differently. `s3`: whether somebody serves `/s3/`. */
export function readAsked(
  incoming: IncomingMessage,
  response: ServerResponse,
  { trustedHops, s3 }: { trustedHops: number; s3: boolean },
): Asked | undefined {
  const status = flawOf(incoming)
  if (status !== undefined) return refuseAndClose(response, status)
  const client = clientOf(incoming, trustedHops)
  const target = originForm(incoming.url ?? '', incoming.headers.host)
  if (!client || target === undefined) return refuseAndClose(response, 400)
  // Keys of objects are opaque: their endpoint reads, and checks the signature of, exactly what was sent.
  const path = s3 && target.startsWith('/s3/') ? target.split('?', 1)[0] : safePath(target)
  if (path === undefined) return refuseAndClose(response, 400)
  return { incoming, response, target, path, client, id: requestId(incoming.headers['x-request-id']) }
}

const most = 200

function flawOf({ rawHeaders, headers, httpVersion }: IncomingMessage): 400 | 431 | 501 | undefined {
  if (rawHeaders.length / 2 > most) return 431
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return 400
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (httpVersion === '1.0' || headers['content-length'] !== undefined) return 400
  return coding.toLowerCase() === 'chunked' ? undefined : 501
}

function refuseAndClose(response: ServerResponse, status: number): undefined {
  response.shouldKeepAlive = false
  refuse(response, status)
}
