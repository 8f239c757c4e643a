import { spawn } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startTestCluster } from '../test/servers/postgres.ts'

// `npm test [-- PATTERNS]`: one database cluster for the whole run, then all test files against it; those that drive a
// whole service (test/e2e) after the others, one at a time.

const everything = ['{src,test,examples,scripts,bench}/**/*.test.ts']
/** Run by `npm run package`, which installs the package. */
const elsewhere = ['test/package/package.test.ts', '**/node_modules/**']
const testTimeoutMs = 120_000

/** Groups of files, one after the other; how many files of a group run at once. */
function groupsOf(files: string[]) {
  const isEndToEnd = (file: string) => file.startsWith('test/e2e/')
  return [
    { files: files.filter((file) => !isEndToEnd(file)), concurrency: 2 },
    { files: files.filter(isEndToEnd), concurrency: 1 },
  ].filter((group) => group.files.length > 0)
}

interface Outcome {
  code: number
  tests: number
}

/** Runs `node --test` on the files. */
async function run(files: string[], flags: string[], signal: AbortSignal, url: string): Promise<Outcome> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ashlar-tests-'))
  const counted = path.join(folder, 'count')
  try {
    const code = await finished([...flags, ...reporters(counted), ...files], signal, url)
    return { code, tests: existsSync(counted) ? Number(readFileSync(counted, 'utf8')) : 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function reporters(counted: string): string[] {
  const spec = ['--test-reporter=spec', '--test-reporter-destination=stdout']
  return [...spec, '--test-reporter=./scripts/count-reporter.ts', `--test-reporter-destination=${counted}`]
}

function finished(args: string[], signal: AbortSignal, url: string): Promise<number> {
  const env = { ...process.env, ASHLAR_LAUNCHER: undefined, ASHLAR_TEST_DATABASE_URL: url }
  const all = ['--conditions=source', '--test', `--test-timeout=${testTimeoutMs}`, ...args]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'inherit', 'inherit'], env })
  signal.addEventListener('abort', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** Aborts on the first Ctrl-C, SIGTERM, or the end of the launcher. */
function ending(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(signal))
  process.once('disconnect', () => controller.abort('disconnect'))
  process.channel?.unref()
  return controller.signal
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'test-name-pattern': { type: 'string' }, 'test-only': { type: 'boolean' } },
  })
  const files = globSync(positionals.length ? positionals : everything, { exclude: elsewhere }).toSorted()
  if (files.length === 0) {
    console.error(`no test files match ${(positionals.length ? positionals : everything).join(' ')}`)
    return 1
  }
  const flags = values['test-name-pattern'] ? [`--test-name-pattern=${values['test-name-pattern']}`] : []
  if (values['test-only']) flags.push('--test-only')
  return runAll(files, flags, ending())
}

async function runAll(files: string[], flags: string[], signal: AbortSignal): Promise<number> {
  await using cluster = await startTestCluster()
  const total: Outcome = { code: 0, tests: 0 }
  for (const group of groupsOf(files)) {
    if (signal.aborted) return 130
    const { code, tests } = await run(
      group.files,
      [...flags, `--test-concurrency=${group.concurrency}`],
      signal,
      cluster.url,
    )
    total.code ||= code
    total.tests += tests
  }
  if (total.tests === 0) console.error('no test ran')
  return signal.aborted ? 130 : total.code || (total.tests === 0 ? 1 : 0)
}

process.exitCode = await main()
