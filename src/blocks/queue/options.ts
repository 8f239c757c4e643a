import { refuseUnknown } from '../../block.ts'
import { AshlarError, invalid } from '../../errors.ts'
import { dayMs, readConsumerOptions } from '../../lease/options.ts'
import { checkKey, encodeText, maxMessages } from '../../lease/payload.ts'
import { toCount, toMs } from '../../units.ts'
import type { Outgoing, QueueCapabilities } from './driver.ts'
import type { SendOptions, WorkOptions } from './queue.ts'

/** @throws `invalid_argument` */
export function readWorkOptions(options: WorkOptions) {
  refuseUnknown('queue.work', options, ['concurrency', 'drain'])
  return readConsumerOptions(options)
}

type Optional = 'delay' | 'priority' | 'ordered' | 'dedupe' | 'jobs' | 'pause'

const defaultWindow = '1h'

/** What holds for every payload of one call. @throws `invalid_argument`; `unsupported` for what the driver lacks */
export function readSendOptions(options: SendOptions, has: QueueCapabilities): Omit<Outgoing, 'body' | 'headers'> {
  refuseUnknown('queue.send', options, ['tx', 'delay', 'priority', 'key', 'dedupe'])
  const { delay = 0, priority = 0, key, dedupe } = options
  const delayMs = toMs('delay', delay, { max: has.maxDelayMs })
  if (delayMs > 0) needs(has, 'delay')
  if (toCount('priority', priority, { max: 9 }) > 0) needs(has, 'priority')
  if (key !== undefined) needs(has, 'ordered', checkKey('key', key))
  if (dedupe) needs(has, 'dedupe', checkKey('dedupe.key', dedupe.key))
  if (dedupe) refuseUnknown('queue.send dedupe', dedupe, ['key', 'window'])
  const windowMs = dedupe && toMs('dedupe.window', dedupe.window ?? has.dedupeWindowMs ?? defaultWindow, windowsOf(has))
  return {
    delayMs,
    priority,
    ...(key === undefined ? {} : { key }),
    ...(dedupe ? { dedupe: { key: dedupe.key, windowMs: windowMs! } } : {}),
  }
}

function windowsOf({ dedupeWindowMs }: QueueCapabilities): { min: number; max: number } {
  return dedupeWindowMs === undefined ? { min: 1000, max: 30 * dayMs } : { min: dedupeWindowMs, max: dedupeWindowMs }
}

/** @throws `unsupported` when the driver cannot wait so long for a retry */
export function checkRetries(
  { maxBackoffMs }: { maxBackoffMs: number },
  { maxRetryMs = Infinity }: QueueCapabilities,
): void {
  if (maxBackoffMs <= maxRetryMs) return
  const message = `queue: this driver waits ${maxRetryMs} ms at most for a retry; make maxBackoff (${maxBackoffMs} ms) no longer`
  throw new AshlarError('unsupported', message)
}

/** @throws `unsupported` when the driver lacks it */
export function needs(has: QueueCapabilities, capability: Optional, _value?: string): void {
  if (!has[capability])
    throw new AshlarError('unsupported', `queue: this driver has no '${capability}'; do without, or use postgres:`)
}

const maxProgressBytes = 1024

/** @throws `invalid_argument` */
export function progressText(name: string, value: unknown): string {
  return encodeText(`queue '${name}': progress`, value, maxProgressBytes).body
}

const maxIdLength = 256

/** @throws `invalid_argument` */
export function checkId(id: string): string {
  if (typeof id === 'string' && id.length >= 1 && id.length <= maxIdLength) return id
  throw invalid(
    `id: ${typeof id === 'string' ? `text of ${id.length} characters` : typeof id} is no message id; use what send answered`,
  )
}

/** @throws `invalid_argument` */
export function checkIds(ids: readonly string[]): readonly string[] {
  if (!Array.isArray(ids)) throw invalid(`ids: ${typeof ids} is no list; write cancel([id])`)
  if (ids.length > maxMessages)
    throw invalid(`ids: ${ids.length} are too many at once; allowed are ${maxMessages}; cancel them in parts`)
  return ids.map(checkId)
}
