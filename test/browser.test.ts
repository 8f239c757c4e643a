import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { launchBrowser } from './browser.ts'

const html = `<!doctype html><title>Stones</title>
<style>body { background: white; color: black } p { font: 40px sans-serif } pre { font: 40px monospace }</style>
<p id=wide>WWWW</p><p id=narrow>iiii</p><pre>WWWW</pre>
<script>document.title += ' ' + [...'abc'].length; fetch('/more').then((r) => r.text()).then((t) => { narrow.textContent = t })</script>`

test('renders a page, runs its script and draws its text', async () => {
  await using server = await serve((url) => (url === '/' ? html : 'iiii loaded'))
  await using browser = await launchBrowser()
  const page = await browser.page()
  const strayRequests: string[] = []
  page.on('request', (request) => void (request.url().startsWith(server.url) || strayRequests.push(request.url())))
  await page.goto(server.url)
  await page.getByText('iiii loaded').waitFor()

  equal(await page.title(), 'Stones 3')
  deepEqual(strayRequests, [])
  ok((await darkPixels(page.locator('#wide'))) > 100, 'sans-serif text leaves no ink: there are no fonts')
  ok((await darkPixels(page.locator('pre'))) > 100, 'monospace text leaves no ink: there are no fonts')
})

test('two at once do not disturb each other', async () => {
  const browsers = await Promise.all([launchBrowser(), launchBrowser()])
  for (const each of browsers) {
    await using browser = each
    const page = await browser.page()
    await page.setContent('<h1>one of two</h1>')
    equal(await page.textContent('h1'), 'one of two')
  }
})

async function serve(answer: (url: string) => string) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(answer(request.url ?? ''))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** How many dark pixels a screenshot of the element has. */
async function darkPixels(element: { screenshot(): Promise<Buffer> }): Promise<number> {
  const { default: sharp } = await import('sharp')
  const pixels = await sharp(await element.screenshot())
    .greyscale()
    .raw()
    .toBuffer()
  return pixels.filter((value) => value < 80).length
}
