import type { S3Access } from '../driver.ts'
import { S3Error } from './error.ts'

/** Pages of the site itself may use its links from a browser; pages of no other origin may. */
function isOwn(request: Request, access: S3Access): boolean {
  return request.headers.get('origin') === new URL(access.endpoint).origin
}

/** Headers that let a page of the site read the answer. */
export function corsHeaders(request: Request, access: S3Access): [string, string][] {
  if (!isOwn(request, access)) return []
  return [
    ['access-control-allow-origin', new URL(access.endpoint).origin],
    ['access-control-expose-headers', 'etag, content-range, x-amz-request-id'],
    ['vary', 'origin'],
  ]
}

/** @throws S3Error AccessForbidden for another origin */
export function preflight(request: Request, access: S3Access): Response {
  if (!isOwn(request, access)) throw new S3Error('AccessForbidden', 'CORSResponse: this origin is not allowed')
  const headers = {
    'access-control-allow-methods': 'GET, HEAD, PUT',
    'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? 'content-type',
    'access-control-max-age': '600',
  }
  return new Response(null, { status: 204, headers })
}
