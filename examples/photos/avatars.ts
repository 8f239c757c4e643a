import { createHash } from 'node:crypto'
import { Hono } from 'hono'

/** A picture for who has none: the initial on two colours that follow from the handle. */
export const avatars = new Hono().get('/avatars/:file{[a-z][a-z0-9-]{1,29}\\.svg}', (c) => {
  const handle = c.req.param('file').slice(0, -'.svg'.length)
  return c.body(draw(handle), 200, { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' })
})

function draw(handle: string): string {
  const hue = createHash('sha256').update(handle).digest().readUInt16BE() % 360
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">
  <linearGradient id="g" x2="1" y2="1">
    <stop stop-color="hsl(${hue} 60% 62%)"/><stop offset="1" stop-color="hsl(${(hue + 50) % 360} 60% 42%)"/>
  </linearGradient>
  <rect width="96" height="96" fill="url(#g)"/>
  <text x="48" y="64" font-family="system-ui, sans-serif" font-size="46" font-weight="600" fill="#fff" text-anchor="middle">${handle[0]!.toUpperCase()}</text>
</svg>`
}
