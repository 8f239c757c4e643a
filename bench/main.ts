import { parseArgs } from 'node:util'
import { machine, report, type Bench } from './report.ts'

// `npm run bench -- NAME [--quick]`: a table for people, then one line of JSON for programs.

const benches: Record<string, () => Promise<{ bench: Bench }>> = {
  start: () => import('./start.ts'),
  survive: () => import('./survive.ts'),
  freshness: () => import('./freshness.ts'),
  queue: () => import('./queue.ts'),
  topic: () => import('./topic.ts'),
  stream: () => import('./stream.ts'),
}

/** @returns the exit code: 1 when the bench could not be run; a goal that is missed is a result, not a failure */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } })
  const [name = ''] = positionals
  const load = benches[name]
  if (!load || positionals.length > 1) {
    console.error(`usage: npm run bench -- NAME [--quick]; NAME is one of ${Object.keys(benches).join(', ')}`)
    return 2
  }
  const { bench } = await load()
  const on = machine()
  console.log(`${name}${values.quick ? ', quick' : ''}, on ${on}\n`)
  report(name, on, await bench({ quick: values.quick === true }))
  return 0
}

process.exit(await main())
