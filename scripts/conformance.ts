import { globSync } from 'node:fs'
import path from 'node:path'
import { runTests } from './run-tests.ts'

// `npm run conformance -- BLOCK [DRIVER]`: one block's suite, on every driver or on one, with the real servers that are up
// (`npm run engines -- up`) or named by `ASHLAR_TEST_<NAME>_URL`.

const suites = 'src/blocks/*/*.conformance.test.ts'

async function main(): Promise<number> {
  const [block = '', driver, ...others] = process.argv.slice(2)
  const files = globSync(suites).filter((file) => blockOf(file) === block)
  if (files.length === 0 || others.length > 0) {
    const blocks = [...new Set(globSync(suites).map(blockOf))].toSorted()
    console.error(`usage: npm run conformance -- BLOCK [DRIVER]; BLOCK is one of ${blocks.join(', ')}`)
    return 2
  }
  // Cases are named `<block> on <driver>: <guarantee>`.
  return runTests(files, driver === undefined ? [] : [`--test-name-pattern=^${block} on ${driver}\\b`])
}

const blockOf = (file: string) => path.basename(path.dirname(file))

process.exitCode = await main()
