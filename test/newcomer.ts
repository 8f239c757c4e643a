import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { launchBrowser } from './browser.ts'

// What a newcomer sees after `npm start`: opens the page, waits for a picture, keeps a screenshot.
//   node --conditions=source test/newcomer.ts URL FILE.png

const patienceMs = 60_000
/** Pictures that have arrived and are no mere icons; in the page's own words. */
const shown = '[...document.images].filter((image) => image.complete && image.naturalWidth > 32 && image.width > 32)'

const [url, file] = process.argv.slice(2)
if (!url || !file) throw new Error('usage: newcomer.ts URL FILE.png')

await using browser = await launchBrowser()
const page = await browser.page()
const problems: string[] = []
page.on('pageerror', (error) => problems.push(error.message))
page.on('response', (response) => {
  if (response.status() >= 500) problems.push(`${response.status()} ${response.url()}`)
})

mkdirSync(path.dirname(file), { recursive: true })
try {
  await page.goto(url, { timeout: patienceMs })
  await page.waitForFunction(`${shown}.length > 0`, undefined, { timeout: patienceMs })
} catch (error) {
  problems.push(`${url} shows no picture: ${(error as Error).message}`)
} finally {
  await page.screenshot({ path: file })
}

const pictures = await page.evaluate(`${shown}.length`)
console.log(`${await page.title()}: ${String(pictures)} pictures; screenshot in ${file}`)
for (const problem of problems) console.error(`problem: ${problem}`)
process.exitCode = problems.length ? 1 : 0
