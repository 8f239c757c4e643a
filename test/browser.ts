import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

/** A browser for a test; it ends with the test's scope. */
export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser
  /** A page of its own (own cookies), 1280 by 800 unless the options say otherwise. */
  page(options?: BrowserContextOptions): Promise<Page>
}

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const stepTimeoutMs = 15_000

/** Runs as root and in containers, and asks the network for nothing but the pages. */
const args = [
  '--no-sandbox',
  '--no-zygote',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-pings',
  '--no-first-run',
]

/**
 * Starts the browser that npm installed: Chromium with the libraries and fonts that it needs, so that pages look the same on a
 * bare machine. Where there is no such build (macOS), the Chrome that is installed.
 */
export async function launchBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ args, handleSIGINT: false, handleSIGTERM: false, ...(await program()) })
  return {
    browser,
    async page(options) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
      context.setDefaultTimeout(stepTimeoutMs)
      return context.newPage()
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

async function program() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { channel: 'chrome' }
  const folder = await unpacked()
  const libraries = [path.join(folder, 'al2023/lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':')
  return {
    executablePath: path.join(folder, 'chromium'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: path.join(folder, 'fonts.conf') },
  }
}

/** The folder with the unpacked program: made by whoever comes first, seen by the others only when complete. */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(readFileSync(`${modules}/@sparticuz/chromium/package.json`, 'utf8')) as {
    version: string
  }
  const folder = `${modules}/.cache/ashlar-chromium-${version}`
  if (existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  mkdirSync(making, { recursive: true })
  try {
    await unpack(making)
    writeFileSync(path.join(making, 'fonts.conf'), fontsOf(folder))
    renameSync(making, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return folder
}

/** The package unpacks into the temporary folder, and its libraries only where it believes itself on Lambda. */
async function unpack(folder: string): Promise<void> {
  const code = `import('@sparticuz/chromium').then((it) => it.default.executablePath())`
  const env = { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }
  await promisify(execFile)(process.execPath, ['--eval', code], { cwd: modules, env, timeout: 120_000 })
}

/** Only the fonts that come along: a screenshot must not depend on the machine's. */
function fontsOf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>${modules}/dejavu-fonts-ttf/ttf</dir>
  <cachedir>${folder}/font-cache</cachedir>
  <selectfont><rejectfont><glob>*/DejaVuMath*</glob></rejectfont></selectfont>
  <alias binding="same"><family>sans-serif</family><prefer><family>Open Sans</family><family>DejaVu Sans</family></prefer></alias>
  <alias binding="same"><family>system-ui</family><prefer><family>Open Sans</family><family>DejaVu Sans</family></prefer></alias>
  <alias binding="same"><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`
}
