import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryDelayMs } from './retry.ts'

test('waits between attempts rise, then stay at the cap, whatever the jitter', () => {
  const backoff = { backoffMs: 1_000, maxBackoffMs: 3_600_000 }
  for (const random of [() => 0, () => 0.5, () => 0.999]) {
    const waits = Array.from({ length: 1_000 }, (_, n) => retryDelayMs(n + 1, backoff, random))
    const capped = waits.findIndex((ms) => ms >= 3_600_000 * (1 - random() / 4) - 1)
    assert.equal(capped, 12)
    for (let n = 1; n <= capped; n++) assert.ok(waits[n]! > waits[n - 1]!, `attempt ${n + 1}`)
    assert.ok(waits.slice(capped).every((ms) => ms === waits[capped] && ms <= 3_600_000))
  }
  assert.equal(
    retryDelayMs(1, backoff, () => 0),
    1_000,
  )
})
