import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const watchMs = 1000

/**
 * Runs Node with the arguments, as if this process were that Node: the same terminal, signals and exit code.
 *
 * - SIGTERM and SIGHUP are passed on, SIGINT as SIGTERM: from a terminal SIGINT goes to the child as well, and twice would
 *   look like a second Ctrl-C. npm passes a signal on once more: only the first is passed on from here.
 * - The child holds an IPC channel (`ASHLAR_LAUNCHER=1` says so). Should this process be killed outright, the channel
 *   closes and the child gets 'disconnect': that is when to stop.
 * - Should the npm that started this process be killed outright, the child gets SIGTERM.
 */
export function launch(node, args, cwd) {
  const child = spawn(node, args, {
    cwd,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ASHLAR_LAUNCHER: '1' },
  })
  let received
  const pass = (signal) => {
    if (!received) child.kill(signal === 'SIGINT' ? 'SIGTERM' : signal)
    received ??= signal
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)
  if (process.env.npm_lifecycle_event) onOrphaned(() => pass('SIGTERM'))

  child.on('error', (error) => {
    console.error(`Cannot run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal) endAs(signal === 'SIGTERM' && received ? received : signal)
    else process.exit(code)
  })
}

/** Calls back once when the process that started this one is gone. */
function onOrphaned(callback) {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    callback()
  }, watchMs)
}

/** Ends this process the way its child ended, so that a shell sees the same. */
function endAs(signal) {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
}
