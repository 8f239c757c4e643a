import { Hono, type Context } from 'hono'
import { isAshlarError } from 'ashlar'
import { shutter } from './blueprint.ts'
import { Fields } from './input.ts'
import { welcomeMail } from './letters.ts'
import * as pages from './pages/index.ts'
import { hashPassword, isPassword } from './passwords.ts'
import { Refusal } from './refusal.ts'
import { safePath } from './security.ts'
import { addressOf, frameOf, logIn, logOut, type Site } from './visitor.ts'

/** Sign up, log in, log out. */
export const accounts = new Hono<Site>()
  .get('/signup', (c) => c.html(pages.signup(frameOf(c, 'Sign up'), { email: '', name: '', handle: '', problems: {} })))
  .post('/signup', async (c) => {
    const form = await formOf(c)
    try {
      await logIn(c, await signUp(c, form))
      return c.redirect(nextOf(c), 303)
    } catch (error) {
      const { status, problems } = asRefusal(error)
      const { email = '', name = '', handle = '' } = form
      return c.html(pages.signup(frameOf(c, 'Sign up'), { email, name, handle, problems }), status)
    }
  })
  .get('/login', (c) => c.html(pages.login(frameOf(c, 'Log in'), { email: '', problems: {} })))
  .post('/login', async (c) => {
    const form = await formOf(c)
    try {
      await logIn(c, await checkLogin(c, form))
      return c.redirect(nextOf(c), 303)
    } catch (error) {
      const { status, problems } = asRefusal(error)
      return c.html(pages.login(frameOf(c, 'Log in'), { email: form.email ?? '', problems }), status)
    }
  })
  .post('/logout', async (c) => {
    await logOut(c)
    return c.redirect('/', 303)
  })
  .post('/api/sessions', async (c) => {
    await logIn(c, await checkLogin(c, await c.req.json()))
    return c.body(null, 204)
  })

async function signUp(c: Context<Site>, body: unknown): Promise<string> {
  const fields = new Fields(body, ['email', 'name', 'handle', 'password'])
  const email = fields.email('email')
  const name = fields.text('name', 'The name', { min: 1, max: 60 })
  const handle = fields.handle('handle')
  const password = fields.password('password', { min: 8 })
  fields.check()
  await limit(c, `address ${addressOf(c)}`)
  const hash = await hashPassword(password)
  return addMember({ email, name, handle, hash })
}

/** The member and the letter of welcome are one commit. @throws Refusal 409 when the address or the handle is taken */
async function addMember(of: { email: string; name: string; handle: string; hash: string }): Promise<string> {
  const { db, mail } = shutter.blocks
  return db.transaction(async (tx) => {
    const taken = await tx.many<{ email: string }>`
      select lower(email) as email from members where lower(email) = ${of.email} or lower(handle) = ${of.handle}`
    if (taken.some(({ email }) => email === of.email)) throw taken409('email', 'This address has an account: log in.')
    if (taken.length > 0) throw taken409('handle', 'This handle is taken.')
    const { id } = await tx.one<{ id: string }>`
      insert into members (email, handle, name, password)
      values (${of.email}, ${of.handle}, ${of.name}, ${of.hash}) returning id`
    await mail.send(welcomeMail(of), { tx })
    return id
  })
}

const taken409 = (field: string, message: string) => new Refusal(409, 'already_exists', message, { [field]: message })

/** @returns the member's id. @throws Refusal; says the same whether the address or the password was wrong */
async function checkLogin(c: Context<Site>, body: unknown): Promise<string> {
  const fields = new Fields(body, ['email', 'password'])
  const email = fields.email('email')
  const password = fields.password('password', { min: 1 })
  fields.check()
  // The address first: one that may not try any more must not lock others out of their accounts either.
  await limit(c, `address ${addressOf(c)}`, `account ${email}`)
  const member = await shutter.blocks.db.read.maybe<{ id: string; password: string }>`
    select id, password from members where lower(email) = ${email}`
  if ((await isPassword(password, member?.password)) && member) return member.id
  throw new Refusal(401, 'unauthorized', 'This address and password do not belong together.')
}

/** @throws Refusal 429 when one of these has tried too often */
async function limit(c: Context<Site>, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    const { allowed, headers } = await shutter.blocks.logins.take(key)
    if (allowed) continue
    for (const [name, value] of Object.entries(headers)) c.header(name, value)
    throw new Refusal(429, 'exhausted', 'Too many tries. Wait a minute and try again.')
  }
}

async function formOf(c: Context<Site>): Promise<Record<string, string>> {
  const body = await c.req.parseBody().catch((): never => {
    throw new Refusal(400, 'invalid', 'The form arrived broken. Send it again.')
  })
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** Two sign-ups at the same moment: the second breaks the table's own rule. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (isAshlarError(error, 'already_exists')) return taken409('handle', 'This address or handle has just been taken.')
  throw error
}

/** Where to go after a log-in: a page of this site, whatever the link said. */
function nextOf(c: Context<Site>): string {
  return safePath(c.req.query('next'))
}
