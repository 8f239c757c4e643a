import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../../src/listen.ts'
import { repository, Run, type RunOptions } from './dev.ts'

const source = JSON.stringify(path.join(repository, 'src/index.ts'))

export const files = {
  'blueprint.ts': (port: number) => `import { app, blueprint, database, edge, queue, worker } from ${source}
export const tiny = blueprint('tiny', {
  db: database({ migrations: new URL('./migrations/', import.meta.url), replicas: 1 }),
  jobs: queue<{ name: string; ms?: number }>({ attempts: 9, visibility: '2s' }),
  web: app(() => import('./app.ts'), { instances: 2 }),
  work: worker(() => import('./workers.ts'), { instances: 2 }),
  front: edge({ listen: ${port}, routes: [{ path: '/*', to: 'web' }] }),
})
`,
  'app.ts': () => `import { tiny } from './blueprint.ts'
const answers: Record<string, (query: URLSearchParams) => Promise<unknown>> = {
  '/': async () => 'first',
  '/env': async (query) => ({ value: process.env[query.get('name')!] ?? null }),
  '/rows': async () => (await tiny.blocks.db.many<{ name: string }>\`select name from rows order by name\`).map((row) => row.name),
  '/add': async (query) => tiny.blocks.db.run\`insert into rows (name) values (\${query.get('name')})\`.then(() => 'added'),
  '/send': async (query) => tiny.blocks.jobs.send({ name: query.get('name')!, ms: Number(query.get('ms') ?? 0) }).then(() => 'sent'),
  '/slow': async (query) => {
    await new Promise((resolve) => setTimeout(resolve, Number(query.get('ms'))))
    await tiny.blocks.db.run\`insert into rows (name) values (\${query.get('name')})\`
    return 'slow'
  },
}
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    return Response.json(await answers[pathname]!(searchParams))
  },
}
`,
  'workers.ts': () => `import { setTimeout as sleep } from 'node:timers/promises'
import { tiny } from './blueprint.ts'
export default function start(): AsyncDisposable {
  const { db, jobs } = tiny.blocks
  jobs.work(async ({ payload, once }) => {
    if (payload.ms) await sleep(payload.ms)
    await once('row', (tx) => tx.sql.query('insert into rows (name) values ($1)', [payload.name]))
  })
  return {
    async [Symbol.asyncDispose]() {
      if (!process.env.FAREWELL) return
      await sleep(2000)
      await db.run\`insert into rows (name) values (\${'farewell ' + process.pid})\`
    },
  }
}
`,
  'migrations/0001_rows.sql': () => 'create table rows (name text primary key);\n',
}

export interface SiteOptions {
  /** Name of the folder, below a temporary one. */
  name?: string
  /** Instead of the temporary folder. */
  below?: string
  /** Another folder to begin with: its `.ashlar`, database and all, is copied. */
  like?: Site
}

/** A small service in a folder of its own, which goes with everything that ran there. */
export class Site implements AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly #root: string

  static async make({ name = 'site', below = os.tmpdir(), like }: SiteOptions = {}): Promise<Site> {
    const root = mkdtempSync(path.join(below, 'ashlar-e2e-'))
    if (below === os.tmpdir()) chmodSync(root, 0o755) // the database's user must come in
    const site = new Site(root, path.join(root, name), await freePort())
    for (const [file, text] of Object.entries(files)) site.write(file, text(site.port))
    if (like) cpSync(path.join(like.folder, '.ashlar'), path.join(site.folder, '.ashlar'), { recursive: true })
    return site
  }

  private constructor(root: string, folder: string, port: number) {
    this.#root = root
    this.folder = folder
    this.port = port
  }

  write(file: string, text: string): void {
    const target = path.join(this.folder, file)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, text)
  }

  read(file: string): string {
    return readFileSync(path.join(this.folder, file), 'utf8')
  }

  has(file: string): boolean {
    return existsSync(path.join(this.folder, file))
  }

  /** `ashlar dev` here. */
  async dev(options: RunOptions & { args?: string[] } = {}): Promise<Run> {
    const { args = ['--no-watch'], ...rest } = options
    return new Run(this.folder, ['dev', '--console-port', String(await freePort()), ...args], rest)
  }

  /** Processes that work in this folder, or whose command names it. */
  strays(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const command = this.#ofProcess(pid, () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
        const work = this.#ofProcess(pid, () => readlinkSync(`/proc/${pid}/cwd`))
        const ours = command !== '' && Number(pid) !== process.pid && (command + work).includes(this.#root)
        return ours ? [`${pid} ${command.slice(0, 150)}`] : []
      })
  }

  #ofProcess(_pid: string, ask: () => string): string {
    try {
      return ask()
    } catch {
      return ''
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stray of this.strays()) process.kill(Number(stray.split(' ')[0]), 'SIGKILL')
    const location = path.join(this.folder, '.ashlar/postgres/location')
    if (existsSync(location)) rmSync(readFileSync(location, 'utf8').trim(), { recursive: true, force: true })
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }
}
