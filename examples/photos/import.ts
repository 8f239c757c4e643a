import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readAttribution, stem, titleOf } from './attribution.ts'
import { Client, isPicture } from './client.ts'
import { demoLogin } from './demo-login.ts'

// `npm run photos -- import FOLDER`: uploads a folder of pictures through the site's public API.

const usage = `usage: npm run photos -- import FOLDER [--url ADDRESS] [--user E-MAIL] [--password WORD] [--tag TAG …]

Uploads every JPEG, PNG, WebP and AVIF of a folder. A table | file | by | licence | in its README.md tells whose they are.
Without --url they go to the site that 'npm start' runs here, wherever it listens.
Without --user the demo administrator of 'ashlar dev' is used; instead of --password, SHUTTER_PASSWORD may be set.`

const atOnce = 3

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      user: { type: 'string' },
      password: { type: 'string' },
      tag: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command, folder, ...rest] = positionals
  if (values.help || command !== 'import' || !folder || rest.length > 0) throw new Error(usage)
  const url = values.url ?? (await siteHere())
  if (!URL.canParse(url)) throw new Error(`--url: '${url}' is no address; write http://127.0.0.1:8080`)
  // npm runs this in the project's folder; the user stands in another, perhaps.
  const path = resolve(process.env.INIT_CWD ?? '.', folder)
  const files = await picturesIn(path)
  const client = new Client(url)
  await client.logIn(values.user ?? demoLogin.email, passwordFor(values))
  await importAll(client, path, files, values.tag)
  console.log(`see them at ${url}`)
}

/** Where `npm start` says that the site is: its port may have been taken, and whoever has it must not get our photos. */
async function siteHere(): Promise<string> {
  const text = await readFile('.ashlar/status.json', 'utf8').catch(() => undefined)
  const { addresses } = JSON.parse(text ?? '{}') as { addresses?: { edge?: string } }
  if (addresses?.edge) return addresses.edge
  throw new Error(`no site runs here: start it with 'npm start', or name another with --url`)
}

function passwordFor({ user, password = process.env.SHUTTER_PASSWORD }: { user?: string; password?: string }): string {
  if (password) return password
  if (user === undefined || user === demoLogin.email) return demoLogin.password
  throw new Error(`the password of ${user} is missing: give --password, or set SHUTTER_PASSWORD`)
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot read the folder ${folder}: ${error.code ?? error.message}`)
  })
  const files = names.filter(isPicture).toSorted()
  if (files.length === 0) throw new Error(`${folder} holds no JPEG, PNG, WebP or AVIF`)
  return files
}

/** A few at a time. One that is refused does not stop the others. */
async function importAll(client: Client, folder: string, files: string[], tags: string[]): Promise<void> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '')
  const attribution = readAttribution(readme)
  const failed: string[] = []
  const left = [...files]
  let done = 0
  const work = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const details = { title: titleOf(file), tags, attribution: attribution.get(stem(file)) }
      await client.upload(join(folder, file), details).catch((error: Error) => failed.push(`${file}: ${error.message}`))
      showProgress(++done, files.length, file)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  console.log(`${files.length - failed.length} of ${files.length} photos are published`)
  for (const each of failed) console.error(each)
  if (failed.length > 0) process.exitCode = 1
}

const barWidth = 30

function showProgress(done: number, all: number, file: string): void {
  if (!process.stderr.isTTY) return void process.stderr.write(`${done}/${all} ${file}\n`)
  const full = Math.round((done / all) * barWidth)
  process.stderr.write(`\r\x1b[K${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${done}/${all} ${file}`)
}

try {
  await main()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
