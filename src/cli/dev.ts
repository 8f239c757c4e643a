import { basename, dirname } from 'node:path'
import { checkBlueprint } from '../blueprint/check.ts'
import { findBlueprint, loadBlueprint } from '../blueprint/load.ts'
import { openConsole } from '../console/index.ts'
import { invalid } from '../errors.ts'
import { startDev } from './dev-service.ts'
import type { Command } from './command.ts'
import { watchSources } from './watch.ts'

export const command: Command = {
  usage: 'ashlar dev',
  about: 'Run the whole service here: database, edge, apps, workers, console; reload on change.',
  options: {
    blueprint: { type: 'string', about: 'the blueprint file (default: blueprint.ts)' },
    'console-port': { type: 'string', about: 'first port to try for the console (default: 8090)' },
    'no-watch': { type: 'boolean', about: 'do not restart on changes' },
  },
  run: async (values) => {
    const path = findBlueprint(values.blueprint as string | undefined)
    const blueprint = await loadBlueprint(path)
    const problems = checkBlueprint(blueprint)
    if (problems.length > 0) throw invalid(`${basename(path)}:\n  ${problems.join('\n  ')}`)
    const ending = endOfDev()
    await using dev = await startDev(blueprint, path, {
      consolePort: Number(values['console-port'] ?? 8090),
      openConsole,
    })
    const stopWatching = values['no-watch'] ? () => {} : watchSources(dirname(path), (file) => dev.reload(file))
    console.log(await Promise.race([dev.ready.then(() => dev.welcome()), ending]))
    await ending
    stopWatching()
  },
}

/** Ctrl-C, SIGTERM, or the end of the launcher that started this. A second Ctrl-C does not wait for anything. */
function endOfDev(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked && signal === 'SIGINT') process.exit(130)
        asked = true
        resolve('stopping: finishing what is under way')
      })
    }
    process.once('disconnect', () => resolve('the launcher has ended: stopping'))
  })
}
