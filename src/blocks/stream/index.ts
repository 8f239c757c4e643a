import { wrap, type AloneOptions, type Card, type Declaration, type OpenContext } from '../../block.ts'
import { declare, openAlone, type DriverOpener, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import type { StreamDriver, StreamShape } from './driver.ts'
import { OpenStream } from './open-stream.ts'
import { readStreamOptions } from './options.ts'
import type { Stream, StreamOptions } from './stream.ts'

export { GiveUp } from '../../lease/retry.ts'
export type { ConsumeContext, ConsumeOptions, Consumer, Entry, ParkedEntry, Stream, StreamOptions } from './stream.ts'
export type { Bounds, GroupStats, StreamCapabilities, StreamDriver } from './driver.ts'

const card: Card = {
  job: 'Keeps events in order in partitions of a log for a time. Groups read it each at their own pace, and again if they like.',
  reachFor:
    'Several independent readers of the same events, order per key, or replay: analytics, audit, rebuilding an index after a bug.',
  costs:
    'Parallel work is bounded by the number of partitions, one bad record holds up its partition, and disk grows with retention.',
  alternative:
    'A queue when each item is done once by anyone; a topic when services only need to be told and never look back.',
}

/** A driver that waits to hear how many partitions there are, and what its errors mean. */
export interface Opened {
  open(shape: StreamShape): Promise<StreamDriver>
  codeOf(error: unknown): Code | undefined
}

/** What a driver's file exports. */
interface DriverModule {
  open(context: OpenContext, shape: StreamShape): Promise<StreamDriver>
  codeOf(error: unknown): Code | undefined
}

function opener({ open, codeOf }: DriverModule): DriverOpener<Opened> {
  return async (context) => ({ open: (shape) => open(context, shape), codeOf })
}

function kindOf<T>(): Kind<Stream<T>, StreamOptions<T>, Opened> {
  return {
    kind: 'stream',
    card,
    options: ['partitions', 'key', 'retain', 'retainBytes', 'compact', 'schema'],
    drivers: {
      postgres: async () => opener(await import('./postgres.ts')),
      memory: async () => opener(await import('./memory.ts')),
    },
    check: (options) => void readStreamOptions(options),
    build: async (context, { open, codeOf }, options, scheme) => {
      const { partitions } = readStreamOptions(options)
      const driver = await open({ partitions }).catch((error: unknown) => {
        throw wrap(error, { block: context.name, driver: scheme, doing: 'open' }, codeOf)
      })
      return OpenStream.open({ context, driver, options, scheme, codeOf })
    },
  }
}

/**
 * An ordered, retained log that many groups read independently, and again.
 * @example
 * const views = await stream<View>('views', { url: 'postgres://localhost/shop', key: (view) => view.photo })
 * await views.append({ photo: 'p1', by: 'u1' })
 * await views.consume('counts', async (entries) => addUp(entries.map(({ value }) => value)))
 */
export function stream<T>(name: string, options?: StreamOptions<T> & AloneOptions): Promise<Stream<T>>
/** Declares a stream of a blueprint. @throws `invalid_argument` for an unknown or impossible option */
export function stream<T>(options?: StreamOptions<T>): Declaration<Stream<T>, StreamOptions<T>>
export function stream<T>(first?: string | StreamOptions<T>, options: StreamOptions<T> & AloneOptions = {}) {
  return typeof first === 'string' ? openAlone(kindOf<T>(), first, options) : declare(kindOf<T>(), first ?? {})
}
