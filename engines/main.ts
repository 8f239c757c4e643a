import { parseArgs } from 'node:util'
import { engineNames, type Engine, type EngineName } from './engine.ts'
import { engines } from './index.ts'
import { statusOfAll } from './status.ts'
import { down, up } from './up.ts'

// `npm run engines -- up [NAMES] | down [NAMES] | status [--json]`: real servers for the tests, left running in the background.

const usage = `usage: npm run engines -- up [NAMES] | down [NAMES] | status [--json]; NAMES: ${engineNames.join(' ')}`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
  const [command = '', ...names] = positionals
  const unknown = names.filter((name) => !Object.hasOwn(engines, name))
  if (!['up', 'down', 'status'].includes(command) || unknown.length || (command === 'status' && names.length)) {
    console.error(unknown.length ? `unknown: ${unknown.join(', ')}\n${usage}` : usage)
    return 2
  }
  if (command === 'status') return status(values.json === true)
  const all = Object.values(engines)
  return change(command, names.length ? names.map((name) => engines[name as EngineName]) : all)
}

async function change(command: string, wanted: readonly Engine[]): Promise<number> {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`
  const say = (line: string) => console.log(`${seconds()}  ${line}`)
  const failed = command === 'up' ? await up(wanted, say) : await down(wanted, say)
  if (failed.length) console.error(`not ${command}: ${failed.map(({ name }) => name).join(', ')}`)
  return failed.length ? 1 : 0
}

async function status(asJson: boolean): Promise<number> {
  const all = await statusOfAll()
  if (asJson) console.log(JSON.stringify(all))
  else for (const { name, state, url, title } of all) console.log(name.padEnd(9), state.padEnd(8), url ?? title)
  return 0
}

process.exit(await main())
