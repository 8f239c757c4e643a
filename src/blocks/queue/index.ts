import type { AloneOptions, Card, Declaration } from '../../block.ts'
import { declare, openAlone, type Kind } from '../../declare.ts'
import { readRetryOptions } from '../../lease/options.ts'
import type { QueueDriver } from './driver.ts'
import { OpenQueue } from './open-queue.ts'
import type { Queue, QueueOptions } from './queue.ts'

export { GiveUp } from '../../lease/retry.ts'
export type {
  Consumer,
  FoundJob,
  Job,
  Queue,
  QueueOptions,
  Schedule,
  ScheduleOptions,
  SendOptions,
  WorkOptions,
} from './queue.ts'
export type { DeadLetter, Failure, Found, Jobs, Pausing, QueueCapabilities, QueueDriver, QueueStats } from './driver.ts'

const card: Card = {
  job: 'Takes slow or bursty work off the request: a job is stored, and one of the competing workers does it later, at least once.',
  reachFor:
    'E-mail, image resizing, calls to slow partners: work that the user need not wait for, or that comes faster than it can be done.',
  costs:
    'The result comes later, and now and then a job is done twice, so handlers must be idempotent (once does that). A backlog and dead letters must be watched.',
  alternative:
    'Do it within the request while it is fast. A topic when several services must each hear of it; a stream when readers replay.',
}

function kindOf<T>(): Kind<Queue<T>, QueueOptions<T>, QueueDriver> {
  return {
    kind: 'queue',
    card,
    options: ['attempts', 'visibility', 'backoff', 'maxBackoff', 'schema'],
    drivers: {
      postgres: () => import('./postgres.ts'),
      memory: () => import('./memory.ts'),
      sqs: () => import('./sqs.ts'),
      amqp: () => import('./amqp.ts'),
      amqps: () => import('./amqp.ts'),
      redis: () => import('./redis.ts'),
    },
    check: (options) => void readRetryOptions(options),
    build: (context, opened, options) => OpenQueue.open({ ...opened, context, options }),
  }
}

/** A queue of a blueprint: `emails: queue<Email>({ attempts: 8 })`. @throws `invalid_argument` */
export function queue<T>(options?: QueueOptions<T>): Declaration<Queue<T>, QueueOptions<T>>
/**
 * A queue alone: each job goes to one of the competing workers, at least once.
 * @throws `invalid_argument` `unsupported` `unavailable` `timeout`
 * @example
 * await using emails = await queue<Email>('emails', { url: 'postgres://localhost/shop' })
 * emails.work(async (job) => deliver(job.payload))
 * await emails.send({ to: 'a@example.org' })
 */
export function queue<T>(name: string, options?: QueueOptions<T> & AloneOptions): Promise<Queue<T>>
export function queue<T>(
  first: string | QueueOptions<T> = {},
  options: QueueOptions<T> & AloneOptions = {},
): Declaration<Queue<T>, QueueOptions<T>> | Promise<Queue<T>> {
  const kind = kindOf<T>()
  return typeof first === 'string' ? openAlone(kind, first, options) : declare(kind, first)
}
