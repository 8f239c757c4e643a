// The first minutes of a newcomer, on whatever Node the machine has: `npm start` from nothing, the page in a browser, stop;
// nothing may be left running. Then again, timed to the first answer, and
// once more, killed outright.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}.ashlar`
const statusFile = `${folder}/status.json`
const installMs = 6 * 60_000
const againMs = 30_000
const stopMs = 30_000
const goneMs = { SIGINT: 2000, SIGTERM: 2000, SIGKILL: 20_000 }
const lookMs = 25

await round('SIGINT', installMs, (url) => seePage(url))
await round('SIGTERM', againMs, () => {})
await round('SIGKILL', againMs, () => {})

/** Starts the service, uses it, ends it with the signal, and looks for what it left behind. */
async function round(signal, readyMs, use) {
  const service = start()
  try {
    const url = await service.until('is ready', readyMs, () => addresses()?.edge)
    const answer = await service.until('answers', againMs, async () => (await answered(url)) && service.seconds())
    console.log(`first answer after ${answer} s`)
    await use(url)
    await service.stop(signal)
  } catch (error) {
    console.error(`${error.message}\n--- npm start said ---\n${readFileSync(service.log, 'utf8').slice(-20_000)}`)
    process.exitCode = 1
  } finally {
    for (const { pid } of processesWith(service.mark)) process.kill(pid, 'SIGKILL')
  }
  if (process.exitCode) process.exit()
}

function start() {
  rmSync(statusFile, { force: true })
  const mark = randomUUID()
  const log = `${process.env.ASHLAR_CI_FOLDER ?? '/tmp'}/start-${mark}.log`
  const output = openSync(log, 'w')
  const started = performance.now()
  const env = { ...process.env, ASHLAR_CI_MARK: mark }
  const child = spawn('npm', ['start'], { cwd: root, stdio: ['ignore', output, output], detached: true, env })
  closeSync(output)
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)))
  const isOver = () => child.exitCode !== null || child.signalCode !== null

  return {
    mark,
    log,
    seconds: () => ((performance.now() - started) / 1000).toFixed(2),
    async until(what, limitMs, look) {
      for (const end = performance.now() + limitMs; performance.now() < end; await sleep(lookMs)) {
        const found = await look()
        if (found) return found
        if (isOver()) throw new Error(`npm start ended before it ${what}`)
      }
      throw new Error(`npm start: not so within ${limitMs / 1000} s: ${what}`)
    },
    async stop(signal) {
      const began = performance.now()
      child.kill(signal)
      const how = await Promise.race([ended, sleep(stopMs, 'still running', { ref: false })])
      if (how === 'still running') throw new Error(`${signal} did not stop npm start within ${stopMs / 1000} s`)
      await gone(mark, goneMs[signal])
      const took = ((performance.now() - began) / 1000).toFixed(2)
      console.log(`${signal}: npm start ended with ${how}, nothing left running after ${took} s`)
    },
  }
}

async function gone(mark, limitMs) {
  const end = performance.now() + limitMs
  for (let left = processesWith(mark); left.length > 0; left = processesWith(mark)) {
    const what = left.map((each) => `${each.pid} ${each.what}`).join('; ')
    if (performance.now() > end) throw new Error(`still running after ${limitMs / 1000} s: ${what}`)
    await sleep(lookMs)
  }
}

function addresses() {
  try {
    return JSON.parse(readFileSync(statusFile, 'utf8')).addresses
  } catch {
    return undefined
  }
}

async function answered(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** Processes of this start: by the mark in their environment, or by the data folder in their command line. */
function processesWith(mark) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.flatMap((pid) => {
    try {
      const what = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      return environment.includes(mark) || what.includes(`${folder}/`)
        ? [{ pid: Number(pid), what: what.slice(0, 200) }]
        : []
    } catch {
      return []
    }
  })
}

function seePage(url) {
  const node = `${root}node_modules/node/bin/node`
  const file = `${process.env.ASHLAR_CI_FOLDER ?? '/tmp'}/newcomer.png`
  const { status } = spawnSync(node, ['--conditions=source', `${root}test/newcomer.ts`, url, file], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the page is not as a newcomer should see it')
}
