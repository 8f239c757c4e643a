import { isLsn } from '../../postgres/consistency.ts'

/** Carries how far a client's writes have got, so that its next reads see them. */
const name = 'ashlar_rw'
const maxAgeSeconds = 60
const mine = new RegExp(`(?:^|; *)${name}=([^;]*)`)

/** The position that a client brings; `undefined` for none, and for what is no position. */
export function positionOf({ headers }: Request): string | undefined {
  const value = mine.exec(headers.get('cookie') ?? '')?.[1]
  return value && isLsn(value) ? value : undefined
}

/** Hands the client its position. */
export function withPosition(response: Response, lsn: string, secure: boolean): Response {
  const cookie = `${name}=${lsn}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`
  try {
    response.headers.append('set-cookie', cookie)
    return response
  } catch {
    // Answers of `fetch` and of `Response.redirect` cannot be changed.
    const copy = new Response(response.body, response)
    copy.headers.append('set-cookie', cookie)
    return copy
  }
}
