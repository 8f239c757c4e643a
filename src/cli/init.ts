import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
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

/** What the folder needs around the service; a project that has its own keeps them. */
const surroundings: Record<string, string> = {
  'package.json': `{
  "private": true,
  "type": "module",
  "scripts": { "dev": "ashlar dev" }
}
`,
  'tsconfig.json': `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024", "esnext.disposable"],
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true,
    "noEmit": true
  }
}
`,
  '.gitignore': 'node_modules/\n.ashlar/\n',
}

export const command: Command = {
  usage: 'ashlar init [FOLDER]',
  about: 'Write a small service to begin with: blueprint, app, worker, migration.',
  arguments: 1,
  options: {},
  run: async (_values, [folder = '.']) => {
    const target = resolve(folder)
    for (const [name, text] of Object.entries(files)) await write(join(target, name), text)
    for (const [name, text] of Object.entries(surroundings))
      if (!existsSync(join(target, name))) await write(join(target, name), text)
    console.log(`\nwritten to ${target}; next:\n${next(target).join('\n')}`)
  },
}

/** The commands that are left to do. A checkout is installed by its path: the registry may not have it. */
function next(target: string): string[] {
  const steps = target === process.cwd() ? [] : [`  cd ${target}`]
  const source = import.meta.url.endsWith('.ts') ? fileURLToPath(new URL('../..', import.meta.url)) : 'ashlar'
  if (!existsSync(join(target, 'node_modules/ashlar'))) steps.push(`  npm install ${source}`)
  return [...steps, '  npx ashlar dev']
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
