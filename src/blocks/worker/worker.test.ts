import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent, type Log, type OpenContext } from '../../block.ts'
import { worker, type WorkerOptions } from './index.ts'

function open(start: unknown, options: WorkerOptions = {}, log: Log = silent) {
  const context = { name: 'crew', log } as unknown as OpenContext
  return worker(async () => (start === undefined ? { run: 1 } : { default: start }), options).open(context)
}

test('opening starts, closing tells the signal and disposes what was returned, once', async () => {
  const events: string[] = []
  const crew = await open(async (signal: AbortSignal) => {
    events.push('started')
    signal.addEventListener('abort', () => events.push('told'))
    return { [Symbol.asyncDispose]: async () => void events.push('disposed') }
  })
  assert.deepEqual([events, await crew.health()], [['started'], { ok: true }])
  await Promise.all([crew.close(), crew.close()])
  assert.deepEqual(events, ['started', 'told', 'disposed'])
  assert.deepEqual(await crew.health(), { ok: false, detail: 'draining' })
})

test('nothing returned is nothing to dispose', async () => {
  for (const start of [() => undefined, async () => undefined]) await (await open(start)).close()
})

test('a start that throws fails the opening and tells what had begun to stop', async () => {
  let told = false
  const start = async (signal: AbortSignal) => {
    signal.addEventListener('abort', () => (told = true))
    throw new Error('no such queue')
  }
  await assert.rejects(open(start), /no such queue/)
  assert.ok(told)
  const sync = () => {
    throw new Error('at once')
  }
  await assert.rejects(open(sync), /at once/)
})

test('what cannot be closed is refused, and so is a module without a function', async () => {
  for (const odd of [[], {}, 'x', 1, { close() {} }])
    await assert.rejects(
      open(() => odd),
      /cannot be closed/,
    )
  await assert.rejects(open(undefined), /exports run/)
  await assert.rejects(open(42), /must export default a function/)
})

test('closing ends with the drain time, and says that work was left', async () => {
  const warned: string[] = []
  const log: Log = { ...silent, warn: (_, message) => void warned.push(message) }
  const never = () => ({ [Symbol.asyncDispose]: () => new Promise<void>(() => undefined) })
  await (await open(never, { drain: '20ms' }, log)).close()
  assert.match(warned[0]!, /still busy/)
})

test('a disposal that throws is told to whoever closes', async () => {
  const rejecting = async () => Promise.reject(new Error('half done'))
  const throwing = () => {
    throw new Error('half done')
  }
  for (const dispose of [rejecting, throwing]) {
    const crew = await open(() => ({ [Symbol.asyncDispose]: dispose }))
    await assert.rejects(crew.close(), /half done/)
  }
})

test('options are checked when declared', () => {
  const declare = (options: object) => () => worker(async () => ({}), options)
  assert.throws(declare({ instances: 0 }), /instances/)
  assert.throws(declare({ drain: '10m' }), /drain/)
  assert.throws(declare({ drains: '1s' }), /drains/)
})
