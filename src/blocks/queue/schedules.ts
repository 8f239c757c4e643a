import { refuseUnknown, type OpenContext, type Schema } from '../../block.ts'
import { engineName } from '../../declare.ts'
import { AshlarError, invalid, type Code } from '../../errors.ts'
import { readCron } from '../../lease/cron.ts'
import { encode } from '../../lease/payload.ts'
import { MemorySchedules } from '../../lease/schedule-memory.ts'
import { Operations } from '../../lease/operations.ts'
import { Schedules, type Missed, type ScheduleStore, type Tick } from '../../lease/schedules.ts'
import { SharedStores } from '../../lease/stores.ts'
import type { Transaction } from '../../postgres/sql.ts'
import type { Outgoing } from './driver.ts'
import type { Schedule, ScheduleOptions } from './queue.ts'

const policies: readonly Missed[] = ['one', 'skip', 'all']
const shared = new SharedStores(() => new MemorySchedules())

export interface QueueSchedulesSetup<T> {
  context: OpenContext
  scheme: string
  codeOf(error: unknown): Code | undefined
  /** The database that messages are sent through. */
  databaseUrl: string | undefined
  schema: Schema<T> | undefined
  maxBytes: number
  send(messages: readonly Outgoing[], tx: Transaction | undefined): Promise<unknown>
  /** @throws `closed` */
  refuseWhenClosed(): void
}

/** The schedules of a queue, of any engine. */
export class QueueSchedules<T> {
  readonly #setup: QueueSchedulesSetup<T>
  readonly #operations: Operations
  readonly #schedules: Schedules

  constructor(setup: QueueSchedulesSetup<T>) {
    const { context, scheme, codeOf, databaseUrl } = setup
    this.#setup = setup
    this.#operations = new Operations('queue', context.name, scheme, codeOf)
    this.#schedules = new Schedules({
      open: () => openStore(context, databaseUrl),
      send: (ticks, tx) => setup.send(ticks.map(messageOf), tx),
      block: context.name,
      log: context.log,
    })
  }

  /** Workers send what is due, once somebody has made a schedule. */
  start(): void {
    if (hasStore(this.#setup.context, this.#setup.databaseUrl)) this.#schedules.start()
  }

  put(name: string, options: ScheduleOptions<T>): Promise<void> {
    return this.#operations.run('schedule', 'schedule', async () => {
      this.#setup.refuseWhenClosed()
      const { row, times } = await readSchedule(this.#setup, name, options)
      const store = await this.#schedules.store()
      await store.put({ ...row, nextMs: times.next(await store.now())! })
      this.#schedules.start()
    })
  }

  remove(name: string): Promise<boolean> {
    return this.#operations.run('unschedule', 'unschedule', async () => {
      this.#setup.refuseWhenClosed()
      return (await this.#schedules.store()).remove(checkScheduleName(name))
    })
  }

  list(): Promise<Schedule<T>[]> {
    return this.#operations.run('schedules', 'list schedules', async () => {
      this.#setup.refuseWhenClosed()
      return listSchedules<T>(await this.#schedules.store())
    })
  }

  close(): Promise<void> {
    return this.#schedules.close()
  }
}

/**
 * Where a queue's schedules are: in the database that its messages are sent through, so that a tick and its message are one
 * commit. @throws `unsupported` where there is none
 */
async function openStore(context: OpenContext, databaseUrl: string | undefined): Promise<ScheduleStore> {
  const name = engineName(context)
  if (databaseUrl !== undefined) {
    const { PostgresSchedules } = await import('../../postgres/schedule.ts')
    return PostgresSchedules.open(databaseUrl, `queue:${name}`)
  }
  if (!hasStore(context, databaseUrl))
    throw new AshlarError(
      'unsupported',
      `queue '${context.name}': schedules need a database, so that each tick is sent once by all processes together; set DATABASE_URL`,
    )
  const { store, release } = shared.take(context.url.slice('memory:'.length), name)
  store.close = async () => release()
  return store
}

/** Whether schedules can be kept at all. */
function hasStore({ url }: OpenContext, databaseUrl: string | undefined): boolean {
  return databaseUrl !== undefined || url.startsWith('memory:')
}

/** @throws `invalid_argument` */
async function readSchedule<T>(
  { context, schema, maxBytes }: QueueSchedulesSetup<T>,
  name: string,
  options: ScheduleOptions<T>,
) {
  refuseUnknown('queue.schedule', options, ['cron', 'timeZone', 'payload', 'missed'])
  const { cron, timeZone = 'UTC', payload, missed = 'one' } = options
  if (!policies.includes(missed)) throw invalid(`missed: '${missed}' is not valid; write one of ${policies.join(', ')}`)
  const times = readCron(cron, timeZone)
  const { body } = await encode(`queue '${context.name}'`, schema, payload, maxBytes)
  return { row: { name: checkScheduleName(name), cron: cron.trim(), timeZone, missed, body }, times }
}

/** @throws `invalid_argument` */
function checkScheduleName(name: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][\w.:-]{0,99}$/.test(name)) return name
  throw invalid(
    `schedule: '${name}' is not a name; write 1 to 100 letters, digits, or one of . : - _, a letter or digit first`,
  )
}

async function listSchedules<T>(store: ScheduleStore): Promise<Schedule<T>[]> {
  return (await store.list()).map(({ name, cron, timeZone, missed, body, nextMs, lastMs }) => ({
    name,
    cron,
    timeZone,
    missed: missed as Missed,
    payload: JSON.parse(body) as T,
    next: new Date(nextMs),
    last: lastMs === null ? undefined : new Date(lastMs),
  }))
}

const header = 'ashlar-tick'

/** The message of a tick: its times travel as a header. */
function messageOf({ schedule, body, scheduledFor, missed }: Tick): Outgoing {
  return {
    body,
    headers: { [header]: `${scheduledFor.toISOString()} ${missed} ${schedule}` },
    delayMs: 0,
    priority: 0,
  }
}

/** What a handler sees of it; of a message that no schedule sent: nothing, and none missed. */
export function tickOf(headers: Record<string, string>): {
  schedule: string | undefined
  scheduledFor: Date | undefined
  missed: number
} {
  const [at, missed, schedule] = headers[header]?.split(' ') ?? []
  return { schedule, scheduledFor: at === undefined ? undefined : new Date(at), missed: Number(missed ?? 0) }
}
