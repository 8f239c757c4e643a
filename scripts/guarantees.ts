import { spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { startTestCluster } from '../test/servers/postgres.ts'

// `npm run guarantees`: runs every block's conformance suite on every driver and writes docs/guarantees.md from what was
// seen. A cell is kept, declared (the driver says that it lacks it) or broken; never blank.

const reporter = './scripts/guarantees-reporter.ts'
const target = 'docs/guarantees.md'

async function run(url: string): Promise<number> {
  const files = globSync('src/blocks/*/*.conformance.test.ts').toSorted()
  const args = ['--conditions=source', '--test', '--test-concurrency=2', `--test-reporter=${reporter}`, ...files]
  const env = { ...process.env, ASHLAR_TEST_DATABASE_URL: url }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const code = await new Promise<number>((resolve) => child.once('close', (ended) => resolve(ended ?? 1)))
  if (text.includes('| --- |')) writeFileSync(target, header() + text)
  return code
}

function header(): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  return `# Guarantees

What each block promises, and which driver was seen to keep it. Written by \`npm run guarantees\` from a run of the conformance suites; do not edit.
Ashlar ${version}, ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, PostgreSQL 18 (embedded), ${process.platform} ${process.arch}.

✓ kept · – declared: the driver says that it lacks this, and refuses what needs it · ✗ broken
`
}

await using cluster = await startTestCluster()
process.exitCode = await run(cluster.url)
console.log(readFileSync(target, 'utf8').match(/[✓✗]/g)?.length ?? 0, `cells written to ${target}`)
