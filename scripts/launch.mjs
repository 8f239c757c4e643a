import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const repeatMs = 1000
const watchMs = 1000

/**
 * Runs Node with the arguments, as if this process were that Node: the same terminal, signals and exit code.
 *
 * - SIGTERM, SIGHUP and SIGINT are passed on. A terminal or a `kill` of the whole group has then sent the child the same
 *   signal already: the child counts repeats within a second as one. Only one a second is passed on.
 * - The child holds an IPC channel (`ASHLAR_LAUNCHER=1` says so). Should this process be killed outright, the channel
 *   closes and the child gets 'disconnect': that is when to stop.
 * - Should the process that started this one (npm) be killed outright, the child gets SIGTERM.
 */
export function launch(node, args, cwd) {
  const child = spawn(node, args, {
    cwd,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ASHLAR_LAUNCHER: '1' },
  })
  const passedAt = {}
  const pass = (signal) => {
    if (Date.now() - (passedAt[signal] ?? 0) < repeatMs) return
    passedAt[signal] = Date.now()
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)

  const parent = process.ppid
  const orphaned = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(orphaned)
    pass('SIGTERM')
  }, watchMs)
  if (!process.env.npm_lifecycle_event) clearInterval(orphaned)

  child.on('error', (error) => {
    console.error(`Cannot run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal) endAs(signal)
    else process.exit(code)
  })
}

/** Ends this process the way its child ended, so that a shell sees the same. */
function endAs(signal) {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
}
