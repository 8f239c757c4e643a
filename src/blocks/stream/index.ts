import { wrap, type AloneOptions, type Card, type Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import type { StreamEngine } from './driver.ts'
import { OpenStream } from './open-stream.ts'
import { readStreamOptions } from './options.ts'
import type { Stream, StreamOptions } from './stream.ts'

export { GiveUp } from '../../lease/retry.ts'
export type { ConsumeContext, ConsumeOptions, Consumer, Entry, ParkedEntry, Stream, StreamOptions } from './stream.ts'
export { after } from './driver.ts'
export type {
  Bounds,
  GroupStats,
  Offset,
  StreamCapabilities,
  StreamDriver,
  StreamEngine,
  StreamShape,
} from './driver.ts'

const card: Card = {
  job: 'Keeps events in order in partitions of a log for a time. Groups read it each at their own pace, and again if they like.',
  reachFor:
    'Several independent readers of the same events, order per key, or replay: analytics, audit, rebuilding an index after a bug.',
  costs:
    'Parallel work is bounded by the number of partitions, one bad record holds up its partition, and disk grows with retention.',
  alternative:
    'A queue when each item is done once by anyone; a topic when services only need to be told and never look back.',
}

function kindOf<T>(): Kind<Stream<T>, StreamOptions<T>, StreamEngine> {
  return {
    kind: 'stream',
    card,
    options: ['partitions', 'key', 'retain', 'retainBytes', 'compact', 'schema'],
    drivers: {
      postgres: () => import('./postgres.ts'),
      kafka: () => import('./kafka.ts'),
      memory: () => import('./memory.ts'),
      nats: () => import('./nats.ts'),
      redis: () => import('./redis.ts'),
    },
    check: (options) => void readStreamOptions(options),
    async build(context, { driver: engine, scheme, codeOf }, options) {
      const driver = await engine.open(readStreamOptions(options)).catch((error: unknown) => {
        throw wrap(error, { block: context.name, driver: scheme, doing: 'opening' }, codeOf)
      })
      return OpenStream.open({ driver, scheme, codeOf, context, options })
    },
  }
}

/** A stream of a blueprint: `views: stream<View>({ key: (view) => view.photo })`. @throws `invalid_argument` */
export function stream<T>(options?: StreamOptions<T>): Declaration<Stream<T>, StreamOptions<T>>
/**
 * A stream alone: an ordered, retained log that many groups read independently, and again.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`; `conflict` when it exists with another number of partitions
 * @example
 * await using views = await stream<View>('views', { url: 'postgres://localhost/shop', key: (view) => view.photo })
 * await views.append({ photo: 'p1', by: 'u1' })
 * await views.consume('counts', async (entries) => addUp(entries.map(({ value }) => value)))
 */
export function stream<T>(name: string, options?: StreamOptions<T> & AloneOptions): Promise<Stream<T>>
export function stream<T>(
  first: string | StreamOptions<T> = {},
  options: StreamOptions<T> & AloneOptions = {},
): Declaration<Stream<T>, StreamOptions<T>> | Promise<Stream<T>> {
  const kind = kindOf<T>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
