import type { Block, Health, Log, OpenContext } from '../block.ts'
import { withinMs } from '../deadline.ts'
import { AshlarError, describe, invalid } from '../errors.ts'
import { publishHandles, type Blueprint } from './blueprint.ts'
import { toMs, type Duration } from '../units.ts'
import { nameOf, openOrder, type Part } from './order.ts'
import type { Engine } from './resolve.ts'

const openLimitMs = 30_000
const closeGraceMs = 5_000

/** How long a block may take to close: as long as it declares that draining takes, and a little more. */
export function closeLimitOf({ options }: { options: object }): number {
  return toMs('drain', (options as { drain?: Duration }).drain ?? '10s') + closeGraceMs
}

/** Which part of a blueprint runs here, and on what; each block gets these as its `OpenContext`. */
export interface RunOptions extends Part {
  /** Of every block, by name. */
  engines: ReadonlyMap<string, Engine>
  /** The service's main database. */
  databaseUrl?: string
  /** Replicas that its URL does not name. */
  replicaUrls?: string[]
  /** For state on this machine. */
  folder: string
  /** At least 32 characters, the same in every process of the service. */
  secret: string
  /** Address at which clients reach the edge. */
  publicUrl?: string
  /** Instead of the port that the edge declares. */
  edgePort?: number
  log: Log
}

/** A blueprint, or one role of it, open in this process. */
export interface Running extends AsyncDisposable {
  readonly handles: ReadonlyMap<string, Block>
  /** Every block's health, asked at once; a block that says nothing within 2 s is not well. */
  health(): Promise<Record<string, Health>>
  /** Closes in reverse order, each block within its deadline; errors are logged, not thrown. Twice is harmless. */
  close(): Promise<void>
}

/** Opens what a role needs, in order. When one fails, those already open are closed. @throws the error of the block, named */
export async function run(of: Blueprint, options: RunOptions): Promise<Running> {
  const handles = new Map<string, Block>()
  const running = new OpenBlueprint(of, handles, options.log)
  publishHandles(of, handles)
  try {
    for (const name of openOrder(of, options)) handles.set(name, await openBlock(of, name, options, handles))
    return running
  } catch (error) {
    await running.close()
    throw error
  }
}

async function openBlock(
  of: Blueprint,
  name: string,
  options: RunOptions,
  handles: ReadonlyMap<string, Block>,
): Promise<Block> {
  const opening = of.declarations[name]!.open(contextOf(of, name, options, handles))
  try {
    return await withinMs(opening, openLimitMs, `block '${name}' did not open within ${openLimitMs / 1000} s`)
  } catch (error) {
    void opening.then((late) => late.close()).catch(() => undefined)
    if (error instanceof AshlarError) throw error
    if (isUsersFault(of.declarations[name]!.kind, error))
      throw invalid(`${name}: its module could not be loaded: ${describe(error)}${placeOf(error)}`, { cause: error })
    throw new AshlarError('unavailable', `block '${name}' did not open: ${describe(error)}`, {
      block: name,
      cause: error,
    })
  }
}

/** What an app's or worker's module threw while it was loaded; a port or file that the system refused is another matter. */
function isUsersFault(kind: string, error: unknown): boolean {
  const { syscall } = (error ?? {}) as { syscall?: string }
  return (kind === 'app' || kind === 'worker') && syscall === undefined
}

/** File and line where an error came from, as far as its stack tells. */
function placeOf(error: unknown): string {
  const [, file] = /(?:^|file:\/\/)(\/[^\n()]+?:\d+)(?=[:\s)]|$)/.exec((error as Error | undefined)?.stack ?? '') ?? []
  return file === undefined ? '' : ` (${decodeURI(file)})`
}

function contextOf(of: Blueprint, name: string, options: RunOptions, handles: ReadonlyMap<string, Block>): OpenContext {
  const { folder, secret, log, role, databaseUrl, replicaUrls, publicUrl, edgePort } = options
  return {
    name,
    service: of.name,
    url: options.engines.get(name)!.url,
    folder,
    secret,
    log,
    relays: role === 'worker' || role === 'all',
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(replicaUrls === undefined ? {} : { replicaUrls }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(edgePort === undefined ? {} : { edgePort }),
    block(need) {
      const handle = handles.get(nameOf(of, need))
      if (!handle)
        throw new AshlarError('internal', `block '${name}' asked for '${need}' without naming it in its needs`)
      return handle
    },
  }
}

class OpenBlueprint implements Running {
  readonly handles: Map<string, Block>
  readonly #of: Blueprint
  readonly #log: Log
  #closing: Promise<void> | undefined

  constructor(of: Blueprint, handles: Map<string, Block>, log: Log) {
    this.#of = of
    this.handles = handles
    this.#log = log
  }

  async health(): Promise<Record<string, Health>> {
    const answers = [...this.handles].map(async ([name, block]) => [name, await healthOf(block)] as const)
    return Object.fromEntries(await Promise.all(answers))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const [name, block] of [...this.handles].toReversed()) {
      const limitMs = closeLimitOf(this.#of.declarations[name]!)
      await withinMs(block.close(), limitMs, `did not close within ${limitMs / 1000} s`).catch((error: unknown) => {
        this.#log.warn({ block: name, error: describe(error) }, 'block did not close in order')
      })
    }
    publishHandles(this.#of, undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function healthOf(block: Block): Promise<Health> {
  return withinMs(block.health(), 2_000, 'said nothing for 2 s').catch((error: unknown) => ({
    ok: false,
    detail: describe(error),
  }))
}
