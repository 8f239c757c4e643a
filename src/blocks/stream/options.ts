import { refuseUnknown } from '../../block.ts'
import { invalid } from '../../errors.ts'
import { toBytes, toCount, toMs } from '../../units.ts'
import { checkPlace } from './places.ts'
import type { Retention } from './driver.ts'
import type { ConsumeOptions, StreamOptions } from './stream.ts'

const dayMs = 86_400_000

/** @throws `invalid_argument` */
export function readStreamOptions<T>(options: StreamOptions<T>): { partitions: number; retention: Retention } {
  const { partitions = 8, retain = '7d', retainBytes, compact = false, key } = options
  if (key !== undefined && typeof key !== 'function')
    throw invalid(`stream key: ${typeof key} is not a function; write key: (value) => value.id`)
  if (typeof compact !== 'boolean') throw invalid(`stream compact: ${String(compact)} is not true or false`)
  return {
    partitions: toCount('stream partitions', partitions, { min: 1, max: 1024 }),
    retention: {
      ms: toMs('stream retain', retain, { min: 1_000, max: 3650 * dayMs }),
      ...(retainBytes === undefined
        ? {}
        : { bytesPerPartition: toBytes('stream retainBytes', retainBytes, { min: 1024 }) }),
      compact,
    },
  }
}

/** @throws `invalid_argument` */
export function readConsumeOptions(what: string, options: ConsumeOptions) {
  refuseUnknown('stream.consume', options, ['from', 'batch', 'session', 'poison'])
  const { from = 'start', batch = 100, session = '10s', poison = 'stop' } = options
  if (poison !== 'stop' && poison !== 'park')
    throw invalid(`${what}: poison '${String(poison)}' is not known; write 'stop' or 'park'`)
  return {
    from: checkPlace(what, from),
    batch: toCount('stream.consume batch', batch, { min: 1, max: 1_000 }),
    sessionMs: toMs('stream.consume session', session, { min: 1_000, max: 300_000 }),
    poison,
  }
}
