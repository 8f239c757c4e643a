import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runTests } from './run-tests.ts'

// `npm test [-- PATTERNS]`: one database cluster for the whole run, then all test files against it; those that drive a
// whole service (test/e2e) after the others, one at a time.

const everything = ['{src,test,examples,scripts,bench,engines}/**/*.test.ts']
/** Run by `npm run package`, which installs the package. */
const elsewhere = ['test/package/package.test.ts', '**/node_modules/**']

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
  return runTests(files, flags)
}

process.exitCode = await main()
