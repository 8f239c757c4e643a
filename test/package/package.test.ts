import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// The package as its users get it: built, packed, installed in an empty folder, type-checked and run. `npm run package`.

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'ashlar-package-'))
const minuteMs = 60_000

before(
  async () => {
    await node([path.join(root, 'scripts/build.ts')], root)
    const packed = await npm(['pack', '--json', '--pack-destination', folder], root)
    const tarball = path.join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename)
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
    await npm(['install', '--prefer-offline', tarball, `@types/node@${versionOf('@types/node')}`], folder)
  },
  { timeout: 5 * minuteMs },
)

after(() => rmSync(folder, { recursive: true, force: true }))

/** A strict user's, who reads our declarations too. */
const compilerOptions = {
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: false,
}

test('holds what runs and its declarations: no tests, no sources', () => {
  const files = globSync('node_modules/ashlar/**/*', { cwd: folder }).map((file) =>
    file.replace('node_modules/ashlar/', ''),
  )
  deepEqual(
    files.filter((file) => /\.test\.|(?<!\.d)\.ts$|^(src|test|scripts|examples|bench)\b/.test(file)),
    [],
  )
  deepEqual(
    ['LICENSE', 'README.md', 'bin/ashlar.mjs', 'dist/index.js', 'dist/index.d.ts'].filter(
      (file) => !files.includes(file),
    ),
    [],
  )
})

test('holds every file that the sources read beside themselves', () => {
  const assets = globSync('src/**/*.{sql,html,css,js,svg}', { cwd: root }).map((file) => file.replace(/^src/, 'dist'))
  deepEqual(
    assets.filter((file) => !existsSync(path.join(folder, 'node_modules/ashlar', file))),
    [],
  )
})

test('every subpath loads, and its declarations pass a strict check', { timeout: 3 * minuteMs }, async () => {
  const names = subpaths()
  ok(names.length > 15, `only ${names.join(' ')}`)
  const imports = names.map((name, index) => `import * as m${index} from '${name}'`)
  const counts = names.map((name, index) => `'${name}': Object.keys(m${index}).length`)
  writeFileSync(
    path.join(folder, 'all.ts'),
    `${imports.join('\n')}\nconsole.log(JSON.stringify({ ${counts.join(', ')} }))\n`,
  )
  // The types of `ashlar/native` are those of the engines' own clients, which whoever uses it has installed.
  const withoutClients = imports.filter((_, index) => names[index] !== 'ashlar/native')
  writeFileSync(
    path.join(folder, 'checked.ts'),
    `${withoutClients.join('\n')}\nexport const all = [${withoutClients.map((each) => /m\d+/.exec(each)![0]).join(', ')}]\n`,
  )
  await typeCheck('checked.ts')
  const exported = JSON.parse(await node(['all.ts'], folder)) as Record<string, number>
  deepEqual(
    names.filter((name) => !exported[name]),
    [],
  )
})

test('the command tells what it can do', async () => {
  match(await node([path.join(folder, 'node_modules/.bin/ashlar'), '--help'], folder), /ashlar dev/)
})

test("the README's quick start type-checks and runs", { timeout: 3 * minuteMs }, async (context) => {
  const code = quickStart(context)
  if (code === undefined) return
  writeFileSync(path.join(folder, 'quick-start.ts'), code)
  await typeCheck('quick-start.ts')
  await node(['quick-start.ts'], folder)
})

/** The first TypeScript block after the heading "Quick start". */
function quickStart(context: TestContext): string | undefined {
  const readme = existsSync(path.join(root, 'README.md')) ? readFileSync(path.join(root, 'README.md'), 'utf8') : ''
  const code = /^#+ Quick start\b[\s\S]*?^```ts\n([\s\S]*?)^```/im.exec(readme)?.[1]
  if (code === undefined) {
    const missing = 'README.md has no heading "Quick start" with a ```ts block after it'
    equal(process.env['CI'], undefined, missing)
    console.error(`SKIPPED: ${missing}`)
    context.skip(missing)
  }
  return code
}

function subpaths(): string[] {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { exports: object }
  return Object.keys(exports).flatMap((subpath) => {
    if (subpath === './package.json') return []
    if (!subpath.includes('*')) return subpath.replace('.', 'ashlar')
    return globSync('src/blocks/*/conformance.ts', { cwd: root }).map(
      (file) => `ashlar/conformance/${path.basename(path.dirname(file))}`,
    )
  })
}

function versionOf(name: string): string {
  return (
    JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }
  ).version
}

function typeCheck(file: string): Promise<string> {
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
  return node([path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], folder)
}

function npm(args: string[], cwd: string): Promise<string> {
  const own = process.env['npm_execpath']
  const quiet = [...args, '--no-audit', '--no-fund', '--loglevel=error']
  return own?.endsWith('npm-cli.js') ? node([own, ...quiet], cwd) : run('npm', quiet, cwd)
}

function node(args: string[], cwd: string): Promise<string> {
  return run(process.execPath, args, cwd)
}

/** Standard output of a command that must succeed; what it printed, when it does not. */
async function run(file: string, args: string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, args, { cwd, timeout: 3 * minuteMs, maxBuffer: 64 * 2 ** 20 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string }
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error })
  }
}
