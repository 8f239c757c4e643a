import { basename, dirname } from 'node:path'
import { checkBlueprint } from '../blueprint/check.ts'
import { findBlueprint, loadBlueprint } from '../blueprint/load.ts'
import { openConsole } from '../console/index.ts'
import { invalid } from '../errors.ts'
import { toCount } from '../units.ts'
import { startDev } from './dev-service.ts'
import type { Command } from './command.ts'
import { loadDotEnv, stateFolder } from './environment.ts'
import { removeStatusAtOnce } from './status-file.ts'
import { watchSources } from './watch.ts'

/** Ctrl-C in a terminal reaches both the launcher, which passes it on, and us: the echo is no second Ctrl-C. */
const echoMs = 1_000

export const command: Command = {
  usage: 'ashlar dev',
  about: 'Run the whole service here: database, edge, apps, workers, console; reload on change.',
  options: {
    blueprint: { type: 'string', about: 'the blueprint file (default: blueprint.ts)' },
    'console-port': { type: 'string', about: 'first port to try for the console (default: 8090)' },
    'no-watch': { type: 'boolean', about: 'do not restart on changes' },
  },
  run: async (values) => {
    const consolePort = toCount('--console-port', Number(values['console-port'] ?? 8090), { max: 65_000 })
    const path = findBlueprint(values.blueprint as string | undefined)
    await loadDotEnv()
    const blueprint = await loadBlueprint(path)
    const problems = checkBlueprint(blueprint)
    if (problems.length > 0) throw invalid(`${basename(path)}:\n  ${problems.join('\n  ')}`)
    const ending = endOfDev()
    const ended = new Promise<string>((resolve) => {
      ending.addEventListener('abort', () => resolve(String(ending.reason)), { once: true })
    })
    try {
      await using dev = await startDev(blueprint, path, { consolePort, openConsole, ending })
      if (!values['no-watch']) watchUntil(ending, dirname(path), (file) => dev.reload(file))
      await Promise.race([dev.ready.then(() => console.log(dev.welcome())), ended])
      console.log(await ended)
    } catch (error) {
      if (error !== ending.reason) throw error
    }
  },
}

function watchUntil(ending: AbortSignal, folder: string, changed: (file: string) => void): void {
  ending.addEventListener('abort', watchSources(folder, changed), { once: true })
}

/** Ctrl-C, SIGTERM, or the end of the launcher that started this. A second Ctrl-C does not wait for anything. */
function endOfDev(): AbortSignal {
  const ending = new AbortController()
  let askedAt = Infinity
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGINT' && performance.now() - askedAt > echoMs) leave()
      askedAt = Math.min(askedAt, performance.now())
      ending.abort('stopping: finishing what is under way')
    })
  }
  process.once('disconnect', () => ending.abort('the launcher has ended: stopping'))
  // The launcher waits for us to end: its channel alone must not keep us here.
  process.channel?.unref()
  return ending.signal
}

/** The tethers end what still runs. */
function leave(): never {
  removeStatusAtOnce(stateFolder())
  process.exit(130)
}
