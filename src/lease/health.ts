import type { Health } from '../block.ts'
import { settledWithin } from '../deadline.ts'
import { describe } from '../errors.ts'

const limitMs = 2_000

/**
 * Health by a question that the engine was asked. Never throws.
 * @param caution worth knowing while all is well
 */
export async function healthOf(asked: Promise<unknown>, caution?: string): Promise<Health> {
  let detail = `no answer within ${limitMs} ms`
  const answered = asked.then(
    () => (detail = ''),
    (error: unknown) => (detail = describe(error)),
  )
  await settledWithin(answered, limitMs)
  if (detail !== '') return { ok: false, detail }
  return caution === undefined ? { ok: true } : { ok: true, detail: caution }
}
