import type { AloneOptions, Card, Declaration, OpenContext } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import type { Code } from '../../errors.ts'
import { readRetryOptions } from '../../lease/options.ts'
import type { QueueDriver } from './driver.ts'
import { OpenQueue } from './open-queue.ts'
import type { Queue, QueueOptions } from './queue.ts'

export { GiveUp } from '../../lease/retry.ts'
export type { Consumer, Job, Queue, QueueOptions, SendOptions, WorkOptions } from './queue.ts'
export type { DeadLetter, QueueCapabilities, QueueDriver, QueueStats } from './driver.ts'

const card: Card = {
  job: 'Takes slow or bursty work off the request: a job is stored, and one of the competing workers does it later, at least once.',
  reachFor:
    'E-mail, image resizing, calls to slow partners: work that the user need not wait for, or that comes faster than it can be done.',
  costs:
    'The result comes later, and now and then a job is done twice, so handlers must be idempotent (once does that). A backlog and dead letters must be watched.',
  alternative:
    'Do it within the request while it is fast. A topic when several services must each hear of it; a stream when readers replay.',
}

const codes = new Map<string, (error: unknown) => Code | undefined>()

function kindOf<T>(): Kind<Queue<T>, QueueOptions<T>, QueueDriver> {
  return {
    kind: 'queue',
    card,
    options: ['attempts', 'visibility', 'backoff', 'maxBackoff', 'schema'],
    drivers: {
      postgres: async () => opener('postgres', await import('./postgres.ts')),
      memory: async () => opener('memory', await import('./memory.ts')),
    },
    check: (options) => void readRetryOptions(options),
    build: (context, driver, options, scheme) =>
      OpenQueue.open({ context, driver, options, scheme, codeOf: codes.get(scheme) ?? (() => undefined) }),
  }
}

interface DriverModule {
  open(context: OpenContext): Promise<QueueDriver>
  codeOf(error: unknown): Code | undefined
}

function opener(scheme: string, { open, codeOf }: DriverModule) {
  codes.set(scheme, codeOf)
  return open
}

/**
 * A work queue: each message goes to one of the competing workers, at least once.
 * @example
 * const emails = await queue<Email>('emails', { url: 'postgres://localhost/shop' })
 * emails.work(async (job) => deliver(job.payload))
 * await emails.send({ to: 'a@example.org' })
 */
export function queue<T>(name: string, options?: QueueOptions<T> & AloneOptions): Promise<Queue<T>>
/** Declares a queue of a blueprint. @throws `invalid_argument` for an unknown or impossible option */
export function queue<T>(options?: QueueOptions<T>): Declaration<Queue<T>, QueueOptions<T>>
export function queue<T>(first?: string | QueueOptions<T>, options: QueueOptions<T> & AloneOptions = {}) {
  if (typeof first === 'string') return openAlone(kindOf<T>(), first, options)
  return declare(kindOf<T>(), first ?? {})
}
