import type { IncomingMessage } from 'node:http'
import type { Client } from './client.ts'
import type { SessionAuth } from './config.ts'

/** What a check found: who it is, a stranger who may pass (`subject` undefined), or a refusal. */
export type Checked = { subject: string | undefined } | { refused: 401 | 403; challenge: string }

/** Checks one request. @throws when who asks cannot be found out now */
export type Guard = (incoming: IncomingMessage, client: Client) => Promise<Checked>

/** What the edge needs of the sessions block. */
export interface SessionStore {
  of(request: Request): Promise<{ user: string | undefined } | undefined>
}

export function sessionGuard(auth: SessionAuth, sessions: SessionStore): Guard {
  return async ({ headers: { cookie } }, { proto }) => {
    // The cookie's name depends on whether the client speaks https.
    const request = new Request(`${proto}://edge/`, cookie === undefined ? {} : { headers: { cookie } })
    const session = cookie === undefined ? undefined : await sessions.of(request)
    if (session?.user === undefined && auth.need !== 'optional') return { refused: 401, challenge: 'Cookie' }
    return { subject: session?.user }
  }
}
