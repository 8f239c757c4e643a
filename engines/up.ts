import { rmSync } from 'node:fs'
import path from 'node:path'
import type { Engine, Say } from './engine.ts'
import { alone, install } from './install.ts'
import { stopGroup, until } from './process.ts'
import { graceMs, Server } from './server.ts'
import { lifeOf, note, readState, standingFolder, type Standing } from './state.ts'

const atOnce = 2

/** Installs the servers that are missing and starts those that do not run, two at a time. @returns those that failed */
export async function up(wanted: readonly Engine[], say: Say, folder = standingFolder): Promise<Engine[]> {
  return alone(folder, async () => {
    const waiting = [...wanted]
    const failed: Engine[] = []
    const lane = async () => {
      for (let engine = waiting.shift(); engine; engine = waiting.shift())
        if (!(await succeeds(engine, say, folder, ensure))) failed.push(engine)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    return failed
  })
}

type Work = (engine: Engine, say: Say, folder: string) => Promise<void>

async function succeeds(engine: Engine, say: Say, folder: string, work: Work): Promise<boolean> {
  const told: Say = (line) => say(`${engine.name}: ${line}`)
  try {
    await work(engine, told, folder)
    return true
  } catch (error) {
    told(`FAILED: ${(error as Error).message}`)
    return false
  }
}

async function ensure(engine: Engine, say: Say, folder: string): Promise<void> {
  const standing = readState(folder)[engine.name]
  if (standing && (await isWell(engine, standing))) return say(`runs already: ${standing.url}`)
  if (standing) await clear(engine, standing, say, folder)
  await install(engine, say)
  await start(engine, say, folder)
}

/** Whether it runs and answers; one that runs is given time to, since a machine that runs tests is busy. */
export async function isWell(engine: Engine, standing: Standing, patienceMs = 15_000): Promise<boolean> {
  const isSettled = async () => lifeOf(standing) !== 'leader' || (await engine.isReady(standing.ports[0]!))
  return (await until(isSettled, patienceMs)) && lifeOf(standing) === 'leader'
}

/** Every start is on an empty folder: what tests left in an earlier one is nobody's. */
async function start(engine: Engine, say: Say, within: string): Promise<void> {
  const began = performance.now()
  const folder = path.join(within, engine.name)
  rmSync(folder, { recursive: true, force: true })
  const server = await Server.in(folder, engine)
  server.launch()
  const { url, pid, mark, place } = server
  // Before it is ready: should this process be killed meanwhile, `down` knows of it.
  note(engine.name, { url, pid, mark, ports: place.ports, folder, since: new Date().toISOString() }, within)
  await server.ready().catch((error: unknown) => {
    note(engine.name, undefined, within)
    throw error
  })
  say(`ready in ${((performance.now() - began) / 1000).toFixed(1)} s: ${url}`)
}

/** Ends the servers in an orderly way, with all that they started. @returns those that could not be ended */
export async function down(wanted: readonly Engine[], say: Say, folder = standingFolder): Promise<Engine[]> {
  return alone(folder, async () => {
    const ended = await Promise.all(wanted.map((engine) => succeeds(engine, say, folder, endStanding)))
    return wanted.filter((_, index) => !ended[index])
  })
}

async function endStanding(engine: Engine, say: Say, folder: string): Promise<void> {
  const standing = readState(folder)[engine.name]
  if (standing) await clear(engine, standing, say, folder)
}

async function clear(engine: Engine, standing: Standing, say: Say, folder: string): Promise<void> {
  const began = performance.now()
  const life = lifeOf(standing)
  if (life !== 'gone') await stopGroup(standing.pid, graceMs)
  note(engine.name, undefined, folder)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  say(life === 'leader' ? `stopped in ${seconds} s` : `process ${standing.pid} had ended without being asked to`)
}
