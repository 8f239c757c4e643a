import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AshlarError, describe } from '../errors.ts'
import type { Command } from './command.ts'

const files: Record<string, string> = {
  'blueprint.ts': `import { app, blueprint, database, edge, queue, worker } from 'ashlar'

export interface Greeting { name: string }

export const hello = blueprint('hello', {
  db:    database({ migrations: new URL('./migrations/', import.meta.url), because: 'greetings are kept' }),
  greet: queue<Greeting>({ attempts: 5, because: 'writing may be slow; nobody should wait for it' }),
  web:   app(() => import('./app.ts'), { instances: 2 }),
  work:  worker(() => import('./workers.ts')),
  front: edge({ listen: 8080, routes: [{ path: '/*', to: 'web' }] }),
})
`,
  'app.ts': `import { hello } from './blueprint.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const { db, greet } = hello.blocks
    const name = new URL(request.url).searchParams.get('name')
    if (name) await greet.send({ name })
    const rows = await db.many<{ name: string }>\`select name from greetings order by at desc limit 10\`
    return Response.json({ greeted: rows.map((row) => row.name) })
  },
}
`,
  'workers.ts': `import { hello } from './blueprint.ts'

export default function start(): void {
  const { greet } = hello.blocks
  greet.work(async (job) => {
    await job.once('insert', (tx) => tx.sql.query('insert into greetings (name) values ($1)', [job.payload.name]))
  })
}
`,
  'migrations/0001_greetings.sql':
    'create table greetings (name text not null, at timestamptz not null default now());\n',
}

export const command: Command = {
  usage: 'ashlar init [FOLDER]',
  about: 'Write a small service to begin with: blueprint, app, worker, migration.',
  arguments: 1,
  options: {},
  run: async (_values, [folder = '.']) => {
    for (const [name, text] of Object.entries(files)) await write(join(resolve(folder), name), text)
    console.log(`\nwritten to ${resolve(folder)}; start it with: npx ashlar dev`)
  },
}

/** Never overwrites what is there. */
async function write(path: string, text: string): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
    console.log(`  ${path}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new AshlarError('already_exists', `${path} is there already and was left as it is; choose another folder`)
    throw new AshlarError('unavailable', `cannot write ${path}: ${describe(error)}`)
  }
}
