import { enableCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { AshlarError, describe, invalid, isAshlarError } from '../errors.ts'
import type { Command } from './command.ts'

const commands: Record<string, () => Promise<{ command: Command }>> = {
  dev: () => import('./dev.ts'),
  start: () => import('./start.ts'),
  check: () => import('./check.ts'),
  status: () => import('./status.ts'),
  init: () => import('./init.ts'),
}

// Parsed code is kept on disk: the next start takes half the time, and half the memory where TypeScript runs as it is.
enableCompileCache(process.env.NODE_COMPILE_CACHE)

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help') return help()
  const load = commands[name]
  if (!load) throw invalid(`there is no command '${name}'; there are ${Object.keys(commands).join(', ')}`)
  const { command } = await load()
  if (args.includes('--help')) return usage(command)
  const { values, positionals } = read(command, args)
  await command.run(values, positionals)
}

function read(command: Command, args: string[]) {
  const options = Object.fromEntries(Object.entries(command.options).map(([name, { type }]) => [name, { type }]))
  try {
    const parsed = parseArgs({ args, options, allowPositionals: (command.arguments ?? 0) > 0, strict: true })
    if (parsed.positionals.length > (command.arguments ?? 0))
      throw new Error(`too many arguments: ${parsed.positionals.join(' ')}`)
    return parsed
  } catch (error) {
    throw invalid(`${describe(error)}\nusage: ${command.usage}`)
  }
}

async function help(): Promise<void> {
  console.log('Ashlar: the building blocks of a scalable service.\n')
  for (const load of Object.values(commands)) {
    const { command } = await load()
    console.log(`  ${command.usage.padEnd(52)} ${command.about}`)
  }
}

function usage(command: Command): void {
  console.log(`${command.usage}\n${command.about}\n`)
  for (const [name, { type, about }] of Object.entries(command.options))
    console.log(`  --${name}${type === 'string' ? ' VALUE' : ''}`.padEnd(28) + about)
}

// The channel to the launcher, once listened to, would keep this process alive for ever.
const letGo = () => process.connected && process.disconnect()

main(process.argv.slice(2)).then(letGo, (error: unknown) => {
  console.error(`ashlar: ${isAshlarError(error) ? error.message : describe(error, 2000)}`)
  if (!(error instanceof AshlarError) && error instanceof Error && process.env.ASHLAR_DEBUG) console.error(error.stack)
  process.exit(1)
})
