import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { missingEngines } from '../test/servers/engines.ts'
import { startTestCluster } from '../test/servers/postgres.ts'

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

/**
 * Runs the test files against one database cluster, and the real servers that are up; says before and after which are not.
 * @returns the exit code
 */
export async function runTests(files: string[], flags: string[]): Promise<number> {
  const missing = await missingEngines()
  tell(missing)
  try {
    return await runAll(files, flags, ending())
  } finally {
    tell(missing)
  }
}

function tell(missing: string[]): void {
  if (missing.length) console.log(`\n*** NOT TESTED on ${missing.length} real servers ***\n${missing.join('\n')}\n`)
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
