import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isAshlarError } from 'ashlar'
import { accounts } from './accounts.ts'
import { admin } from './admin.ts'
import { assets } from './assets.ts'
import { avatars } from './avatars.ts'
import { feeds } from './feed.ts'
import { find } from './find.ts'
import { likes } from './likes.ts'
import * as pages from './pages/index.ts'
import { photo } from './photo.ts'
import { Refusal } from './refusal.ts'
import { oneAddress, sameOrigin, secureHeaders } from './security.ts'
import { uploads } from './uploads.ts'
import { frameOf, visitor, type Site } from './visitor.ts'

const site = new Hono<Site>()

site.use(secureHeaders)
site.use(oneAddress)
site.route('/', assets)
site.route('/', avatars)
site.use(sameOrigin)
site.use(visitor)
for (const part of [feeds, photo, find, uploads, likes, accounts, admin]) site.route('/', part)

site.notFound((c) => {
  if (isApi(c.req.path))
    return c.json({ error: { code: 'not_found', message: 'There is nothing at this address.' } }, 404)
  return c.html(pages.notFound(frameOf(c, 'Not found')), 404)
})

site.onError((thrown, c) => {
  const error = refusalOf(thrown)
  if (error.status >= 500)
    console.error(
      JSON.stringify({ level: 50, msg: `${c.req.method} ${c.req.path}: ${thrown.stack ?? thrown.message}` }),
    )
  if (isApi(c.req.path))
    return c.json({ error: { code: error.code, message: error.message, problems: error.problems } }, error.status)
  if (error.status === 401) return c.redirect(`/login?next=${encodeURIComponent(c.req.path)}`, 303)
  if (error.status === 404) return c.html(pages.notFound(frameOf(c, 'Not found')), 404)
  return c.html(pages.failure(frameOf(c, 'Something went wrong'), error.message), error.status)
})

const isApi = (path: string) => path.startsWith('/api/')

/** What to say of anything that was thrown: never what is inside. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof SyntaxError) return new Refusal(400, 'invalid', 'The body is no JSON.')
  if (error instanceof HTTPException) return new Refusal(error.status, 'invalid', error.message)
  if (isAshlarError(error) && error.retryable)
    return new Refusal(503, 'unavailable', 'A part of the site is away for a moment. Try again.')
  return new Refusal(500, 'internal', 'Something went wrong on our side.')
}

export default site
