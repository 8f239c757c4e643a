import { deepEqual, equal } from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('launch.mjs', import.meta.url))
const limit = { timeout: 20_000 }

/** Says every signal that reaches it, and the end of its launcher; ends when it is told to. */
const child = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => console.log(signal))
  process.on('disconnect', () => { console.log('disconnect'); process.exit() })
  process.stdin.on('data', (text) => process.exit(Number(text)))
  console.log('ready ' + process.pid)
`

/** A launcher with that child, and what the child has said, line by line. */
function launched(code = child) {
  const script = `(await import(${JSON.stringify(launcher)})).launch(process.execPath, ['--eval', ${JSON.stringify(code)}], '/')`
  const started = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(started.stdout)[Symbol.asyncIterator]()
  return { process: started, next: async () => String((await lines.next()).value) }
}

async function ending(process: ChildProcess) {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  return process.signalCode ?? process.exitCode
}

test('ends with the exit code of the child', limit, async () => {
  const { process } = launched('process.exit(7)')
  equal(await ending(process), 7)
})

test('ends by the signal that ended the child', limit, async () => {
  const { process } = launched(`process.kill(process.pid, 'SIGKILL')`)
  equal(await ending(process), 'SIGKILL')
})

test('passes the first signal on, once, and waits for the child to decide', limit, async () => {
  const { process, next } = launched()
  await next()
  process.kill('SIGTERM')
  equal(await next(), 'SIGTERM')
  process.kill('SIGTERM')
  process.stdin.write('3')
  deepEqual([await next(), await ending(process)], ['undefined', 3])
})

test('passes SIGINT on as SIGTERM, which a terminal has not sent already', limit, async () => {
  const { process, next } = launched()
  await next()
  process.kill('SIGINT')
  equal(await next(), 'SIGTERM')
  process.stdin.write('0')
  equal(await ending(process), 0)
})

test('lets the child know when it is killed outright', limit, async () => {
  const { process, next } = launched()
  await next()
  process.kill('SIGKILL')
  equal(await next(), 'disconnect')
})
