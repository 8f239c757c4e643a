import { checkBlueprint } from '../blueprint/check.ts'
import { findBlueprint, loadBlueprint } from '../blueprint/load.ts'
import { resolveEngines } from '../blueprint/resolve.ts'
import { invalid } from '../errors.ts'
import { loadDotEnv, withDatabase } from './environment.ts'
import type { Command } from './command.ts'

export const command: Command = {
  usage: 'ashlar check',
  about: 'Look for mistakes in the blueprint and in the engines that the environment names; starts nothing.',
  options: { blueprint: { type: 'string', about: 'the blueprint file (default: blueprint.ts)' } },
  run: async ({ blueprint: path }) => {
    const file = findBlueprint(path as string | undefined)
    await loadDotEnv()
    const blueprint = await loadBlueprint(file)
    const problems = checkBlueprint(blueprint)
    if (problems.length > 0)
      throw invalid(
        `${blueprint.name} has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n  ${problems.join('\n  ')}`,
      )
    const engines = resolveEngines(blueprint, withDatabase())
    for (const [name, { scheme, from }] of engines)
      console.log(
        `  ${name.padEnd(14)} ${blueprint.declarations[name]!.kind.padEnd(10)} ${scheme.padEnd(10)} ${!process.env[from] && from !== 'default' ? 'embedded' : from}`,
      )
    console.log(`${blueprint.name}: no mistakes found`)
  },
}
