import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import sharp from 'sharp'
import { launchBrowser } from '../browser.ts'
import { RunningService } from './running.ts'

const slowMs = 60_000
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

test('the pages of Shutter', { timeout: 240_000 }, async (t) => {
  await using shutter = await RunningService.start()
  await using browser = await launchBrowser()
  const open = (options?: BrowserContextOptions) => browser.page({ ...options, baseURL: shutter.url })

  await t.test('a visitor signs up, uploads, likes, searches with a typo and leaves', async () => {
    const page = await open()
    const complaints = complaintsOf(page, shutter.url)
    await signUp(page)
    await upload(page, 'Xylophone meadow')
    await like(page)
    await findByTypo(page, 'xylofone', 'Xylophone meadow')
    await completes(page, 'xylo', 'Xylophone meadow')
    await logOut(page)
    deepEqual(complaints, [])
  })

  await t.test(
    'without scripts, a refused form keeps what was typed and says what is wrong beside the field',
    async () => {
      const page = await open({ javaScriptEnabled: false })
      await page.goto('/signup')
      await fillSignUp(page, { Handle: '7up' })
      await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click()
      await page.locator('#handle[aria-invalid=true]').waitFor()
      equal(await page.getByLabel('Handle').inputValue(), '7up')
      match(await page.locator('#handle-problem').innerText(), /a letter first/)
      equal(await page.getByLabel('Password').inputValue(), '', 'a password is never sent back')
    },
  )

  await t.test('no page scrolls sideways on a phone', async () => {
    const page = await open(phone)
    const account = { email: 'wim@example.org', password: 'good light' }
    equal((await page.request.post('/api/sessions', { data: account })).status(), 204)
    const { photos } = await (await page.request.get('/api/photos')).json()
    const addresses = [
      '/',
      `/photo/${photos[0].id}`,
      '/u/wim',
      '/tag/meadow',
      '/search?q=e',
      '/login',
      '/signup',
      '/upload',
      '/stats',
      '/nowhere',
    ]
    for (const address of addresses) {
      await page.goto(address)
      equal(await overflowOf(page), 0, address)
    }
  })
})

/** Everything that a page should not do: errors, refused scripts, requests to other sites. */
function complaintsOf(page: Page, url: string): string[] {
  const all: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && all.push(message.text())))
  page.on('pageerror', (error) => void all.push(String(error)))
  page.on('request', (request) => {
    const to = request.url()
    if (!to.startsWith(url) && !to.startsWith('blob:') && !to.startsWith('data:')) all.push(`a request to ${to}`)
  })
  return all
}

async function fillSignUp(page: Page, changed: Record<string, string> = {}): Promise<void> {
  const values = { Name: 'Wim', Handle: 'wim', 'E-mail address': 'wim@example.org', Password: 'good light', ...changed }
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value)
}

async function signUp(page: Page): Promise<void> {
  await page.goto('/signup?next=/upload')
  await fillSignUp(page)
  await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click()
  await page.waitForURL('**/upload')
}

/** Through the page's own file input; ends on the photo's page. */
async function upload(page: Page, title: string): Promise<void> {
  const picture = sharp({ create: { width: 1200, height: 800, channels: 3, background: '#4a8f5c' } })
  const jpeg = { name: 'IMG_0042.jpg', mimeType: 'image/jpeg', buffer: await picture.jpeg().toBuffer() }
  const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }
  await page.locator('input[type=file]').setInputFiles([jpeg, text])
  await page.getByText('notes.txt: This is no JPEG').waitFor()
  await page.getByRole('button', { name: 'Leave this photo out' }).last().click()
  await page.getByLabel('Title', { exact: true }).fill(title)
  await page.getByLabel('Tags').fill('meadow, Green Things')
  await page.getByRole('button', { name: 'Publish 1 photo' }).click()
  await page.getByRole('link', { name: 'See it on its page' }).click({ timeout: slowMs })
  await page.waitForURL('**/photo/*')
  await isLoaded(page, title)
  await page.getByRole('link', { name: '#green-things' }).waitFor()
}

/** What is asked of an image in the browser. */
interface Picture {
  decode(): Promise<void>
  naturalWidth: number
}

/** Waits until the picture itself is there, not only its place. */
async function isLoaded(page: Page, alt: string): Promise<void> {
  const picture = page.locator(`main img[alt="${alt}"]`)
  await picture.waitFor()
  await picture.evaluate((image: Picture) => image.decode())
  ok(await picture.evaluate((image: Picture) => image.naturalWidth > 0))
}

async function like(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Like this photo' })
  await button.click()
  await page.locator('.like[aria-pressed=true] .count', { hasText: '1' }).waitFor()
  await button.click()
  await page.locator('.like[aria-pressed=false] .count', { hasText: '0' }).waitFor()
  await button.click()
  await page.locator('.like[aria-pressed=true] .count', { hasText: '1' }).waitFor()
}

async function findByTypo(page: Page, typo: string, title: string): Promise<void> {
  await page.getByLabel('Search photos').fill(typo)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: `${title} by Wim` }).waitFor()
  await isLoaded(page, title)
}

async function completes(page: Page, begin: string, title: string): Promise<void> {
  await page.getByLabel('Search photos').fill(begin)
  await page.getByRole('option', { name: title }).waitFor()
  await page.keyboard.press('ArrowDown')
  equal(await page.getByLabel('Search photos').inputValue(), title)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: title }).waitFor()
}

async function logOut(page: Page): Promise<void> {
  await page.locator('summary[aria-label="Menu of Wim"]').click()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('banner').getByRole('link', { name: 'Log in' }).waitFor()
}

const overflowOf = (page: Page) => page.evaluate('document.documentElement.scrollWidth - innerWidth')
