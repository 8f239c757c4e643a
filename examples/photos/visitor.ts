import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Session } from 'ashlar/sessions'
import { asset } from './assets.ts'
import { shutter } from './blueprint.ts'
import { demoLogin } from './demo-login.ts'
import type { Frame, Viewer } from './model.ts'
import { logInFirst, Refusal } from './refusal.ts'

/** A member who is logged in. */
export interface Member extends Viewer {
  admin: boolean
}

/** What each request carries besides itself. */
export interface Site {
  Variables: { session: Session<object> | undefined; member: Member | undefined }
}

/** Finds out who asks; any instance can, since sessions are shared. */
export const visitor = createMiddleware<Site>(async (c, next) => {
  const session = await shutter.blocks.sessions.of(c.req.raw)
  c.set('session', session)
  c.set('member', session?.user === undefined ? undefined : await memberOf(session.user))
  await next()
})

async function memberOf(id: string): Promise<Member | undefined> {
  return shutter.blocks.db.read.maybe<Member>`
    select id, handle, name, admin, coalesce(nullif(avatar, ''), '/avatars/' || handle || '.svg') as avatar
    from members where id = ${id}`
}

/** @throws Refusal 401 for a stranger */
export function memberIn(c: Context<Site>): Member {
  const member = c.get('member')
  if (!member) throw logInFirst()
  return member
}

/** @throws Refusal 401 or 403 */
export function adminIn(c: Context<Site>): Member {
  const member = memberIn(c)
  if (!member.admin) throw new Refusal(403, 'forbidden', 'Only an administrator may do this.')
  return member
}

/** Logs a member in: a new session id, so that one planted before is worth nothing. */
export async function logIn(c: Context<Site>, member: string): Promise<void> {
  const { sessions } = shutter.blocks
  const before = c.get('session')
  const session = before ? await sessions.rotate(before.id, member) : await sessions.create(member)
  c.header('set-cookie', sessions.cookie(session, c.req.raw), { append: true })
}

export async function logOut(c: Context<Site>): Promise<void> {
  const { sessions } = shutter.blocks
  const session = c.get('session')
  if (session) await sessions.end(session.id)
  c.header('set-cookie', sessions.cookie(undefined, c.req.raw), { append: true })
}

/** What a page needs around its content. */
export function frameOf(c: Context<Site>, title: string): Frame {
  const dev = process.env.ASHLAR_DEV === '1'
  return { title, viewer: c.get('member'), path: c.req.path, asset, demoLogin: dev ? demoLogin : undefined }
}

/** The client's address, as the edge saw it. */
export function addressOf(c: Context<Site>): string {
  return c.req.header('x-forwarded-for') ?? 'local'
}
