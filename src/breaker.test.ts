import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker } from './breaker.ts'
import { until } from './conformance.ts'

const fail = () => Promise.reject(new Error('gone'))
const never = () => new Promise<never>(() => undefined)

test('after failures in a row the engine is spared, and one probe at a time looks whether it is back', async () => {
  const breaker = new Breaker({ deadlineMs: 1000, failures: 2, pauseMs: 20, maxPauseMs: 40 })
  let asked = 0
  const counted = (work: () => Promise<string>) => () => (asked++, work())
  for (let i = 0; i < 10; i++) await breaker.ask(counted(fail)).catch(() => undefined)
  assert.equal(asked, 2)
  await until('a probe succeeds', async () => {
    const probes = [1, 2, 3].map(() => breaker.ask(counted(async () => 'back')).catch(() => 'spared'))
    return (await Promise.all(probes)).includes('back')
  })
  assert.equal(asked, 3, 'only one of three went through')
  assert.equal(breaker.open, false)
})

test('a probe that hangs is not joined by others', async () => {
  const breaker = new Breaker({ deadlineMs: 5, failures: 1, pauseMs: 1, maxPauseMs: 1 })
  let asked = 0
  const hang = () => (asked++, never())
  for (let i = 0; i < 20; i++) await breaker.ask(hang).catch(() => new Promise((next) => setTimeout(next, 2)))
  assert.equal(asked, 2, 'the first call and one probe')
})

test("an error that is the call's own does not open it", async () => {
  const breaker = new Breaker({ deadlineMs: 1000, failures: 1 })
  await assert.rejects(breaker.ask(fail, () => false))
  assert.equal(await breaker.ask(async () => 1), 1)
})
