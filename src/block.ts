import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AshlarError, describe, hideSecrets, invalid, isAshlarError, type Code } from './errors.ts'

/** A block's own facts, shown by the console when its box is clicked. One or two plain sentences each. */
export interface Card {
  job: string
  reachFor: string
  costs: string
  alternative: string
}

/** Whether a block does its work, and if not, why. */
export interface Health {
  ok: boolean
  /** What is wrong, or worth knowing. Never a secret. */
  detail?: string
}

/** Figures of a block now, by name with the unit in it: `ready`, `oldestAgeMs`, `hitRate` (0 to 1). */
export type Stats = Record<string, number>

/** What every open block can do besides its job. */
export interface Block extends AsyncDisposable {
  readonly name: string
  readonly kind: string
  /** The scheme of the URL it was opened with: `memory`, `postgres`, `redis` … */
  readonly driver: string
  /** Asks the engine. Never throws; answers within 2 s. */
  health(): Promise<Health>
  /** Figures for the console, the planner and `/metrics`. @throws `unavailable` */
  stats(): Promise<Stats>
  /** Stops its work in an orderly way and frees what it holds; twice is harmless. Bounded: 10 s unless an option says otherwise. */
  close(): Promise<void>
}

/** Options that every block takes. */
export interface BlockOptions {
  /** Why this block is in the service: the requirement that forced it. Shown in the console beside what is measured. */
  because?: string
  /** What it should achieve, by the names of its `stats()`: `{ hitRate: 0.8 }` or `{ lagMs: '5s' }`. */
  expect?: Readonly<Record<string, number | string>>
}

/** Options of a block that is opened alone, without a blueprint. */
export interface AloneOptions {
  /** The engine, by URL. The scheme picks the driver. Default: `DATABASE_URL`, else `memory:`. */
  url?: string
}

/** What a block gets when it is opened. */
export interface OpenContext {
  /** Name in the blueprint. */
  name: string
  /** Name of the service: what it keeps in an engine is named `<service>.<name>`. */
  service: string
  /** The engine, as resolved from the environment. */
  url: string
  /** The service's main database URL, for a block whose engine cannot take part in a transaction (its outbox lives there). */
  databaseUrl?: string
  /** Replicas of that database which its URL does not name (`DATABASE_REPLICA_URLS`): the `database` block reads from them, too. */
  replicaUrls?: string[]
  /** Folder for state on this machine (`.ashlar`). */
  folder: string
  /** A secret of this service, at least 32 characters, for signatures. The same in every process of the service. */
  secret: string
  /** This process moves committed outbox rows to their engines: workers do, app instances and edges do not. */
  relays: boolean
  /** Address at which clients reach the edge, such as `http://127.0.0.1:8080`. */
  publicUrl?: string
  /** Port for the edge instead of the declared one: a free one found by the runner. */
  edgePort?: number
  log: Log
  /** An already open block of the same blueprint, by name; only those named in `needs`. */
  block(name: string): Block
}

/** Names what a driver lets users reach of its engine, with its type: see `src/native.ts`. */
export interface Native<N extends object> {
  readonly scheme: string
  /** For the type alone. */
  readonly of?: N
}

/** @throws `unsupported` when the block is open on another driver */
export function nativeOf<N extends object>({ name, driver }: Block, native: object, { scheme }: Native<N>): N {
  if (scheme === driver) return native as N
  throw new AshlarError('unsupported', `${name}: it is open on ${driver}:, so it has no client of ${scheme}:`)
}

/** The part of pino that blocks use. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** A block as the blueprint declares it: nothing is open yet. */
export interface Declaration<Handle extends Block = Block, Options extends object = object> {
  readonly kind: string
  readonly card: Card
  readonly options: Readonly<Options & BlockOptions>
  /** URL schemes it has a driver for; the first is the default when a database is there. */
  readonly schemes: readonly string[]
  /** Names of blocks that are opened before this one and closed after it. */
  readonly needs: readonly string[]
  /** @throws `invalid_argument` `unsupported` `unavailable` `timeout` */
  open(context: OpenContext): Promise<Handle>
}

/** The handle that a declaration opens to. */
export type HandleOf<D> = D extends Declaration<infer Handle, infer _> ? Handle : never

/** Wraps whatever a driver threw, once. AshlarErrors pass through; `codeOf` is the driver's own pure mapping. */
export function wrap(
  error: unknown,
  of: { block: string; driver: string; doing: string },
  codeOf: (error: unknown) => Code | undefined,
): AshlarError {
  if (isAshlarError(error)) return error
  const code = codeOf(error) ?? commonCode(error)
  return new AshlarError(code, `${of.block}: ${of.doing} failed: ${describe(error)}`, {
    block: of.block,
    driver: of.driver,
    cause: error,
  })
}

const unavailable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08006',
  '25006',
  '53300',
])

/** Codes that mean the same for every driver: network errors of Node, connection errors and limits of PostgreSQL. */
export function commonCode(error: unknown): Code {
  const { code, name } = (error ?? {}) as { code?: string; name?: string }
  if (name === 'AbortError') return 'canceled'
  if (name === 'TimeoutError' || code === 'ETIMEDOUT' || code === '57014') return 'timeout'
  if (code !== undefined && unavailable.has(code)) return 'unavailable'
  if (code === '23505') return 'already_exists'
  if (code === '53100' || code === 'ENOSPC') return 'exhausted'
  if (code === '28P01' || code === '28000') return 'unauthorized'
  if (error instanceof Error && /timeout exceeded when trying to connect/.test(error.message)) return 'timeout'
  if (error instanceof Error && /Connection terminated|connect/i.test(error.message)) return 'unavailable'
  return 'internal'
}

/** The scheme of an engine URL, checked against the drivers a block has. @throws `unsupported` naming them all */
export function schemeOf(url: string, kind: string, schemes: readonly string[]): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i
    .exec(url)?.[1]
    ?.toLowerCase()
    .replace(/^postgresql$/, 'postgres')
    .replace(/^rediss$/, 'redis')
    .replace(/^amqps$/, 'amqp')
  if (scheme && schemes.includes(scheme)) return scheme
  throw new AshlarError(
    'unsupported',
    `${kind}: no driver for '${hideSecrets(url)}'; its URL starts with one of ${schemes.map((each) => each + ':').join(' ')}`,
  )
}

/** Refuses every key that is not in the list: a mistyped option must not be silently ignored. @throws `invalid_argument` */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw invalid(`${what}: option '${key}' is not known; known are ${known.join(', ')}`)
  }
}

/** Any schema of zod, valibot, arktype … (https://standardschema.dev). */
export type Schema<T> = StandardSchemaV1<unknown, T>

/** Checks a payload by the user's schema, if there is one. @throws `invalid_argument` naming each broken field */
export async function check<T>(what: string, schema: Schema<T> | undefined, payload: unknown): Promise<T> {
  if (!schema) return payload as T
  const result = await schema['~standard'].validate(payload)
  if (!result.issues) return result.value
  const issues = result.issues.map(
    (issue) =>
      `${(issue.path ?? []).map((part) => (typeof part === 'object' ? String(part.key) : String(part))).join('.') || 'payload'}: ${issue.message}`,
  )
  throw invalid(`${what}: the payload breaks its schema: ${issues.slice(0, 10).join('; ')}`)
}
