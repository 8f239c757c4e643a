import { refuseUnknown } from '../../block.ts'
import { AshlarError } from '../../errors.ts'
import { dayMs, readConsumerOptions } from '../../lease/options.ts'
import { checkKey } from '../../lease/payload.ts'
import { toCount, toMs } from '../../units.ts'
import type { Outgoing, QueueCapabilities } from './driver.ts'
import type { SendOptions, WorkOptions } from './queue.ts'

/** @throws `invalid_argument` */
export function readWorkOptions(options: WorkOptions) {
  refuseUnknown('queue.work', options, ['concurrency', 'drain'])
  return readConsumerOptions(options)
}

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
  const windowMs = dedupe && toMs('dedupe.window', dedupe.window ?? defaultWindow, { min: 1000, max: 30 * dayMs })
  return {
    delayMs,
    priority,
    ...(key === undefined ? {} : { key }),
    ...(dedupe ? { dedupe: { key: dedupe.key, windowMs: windowMs! } } : {}),
  }
}

function needs(has: QueueCapabilities, capability: 'delay' | 'priority' | 'ordered' | 'dedupe', _value?: string): void {
  if (!has[capability])
    throw new AshlarError(
      'unsupported',
      `queue: this driver has no '${capability}'; leave the option out, or use postgres:`,
    )
}
