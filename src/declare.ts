import { AshlarError, invalid, type Code } from './errors.ts'
import {
  refuseUnknown,
  schemeOf,
  silent,
  wrap,
  type AloneOptions,
  type Block,
  type BlockOptions,
  type Card,
  type Declaration,
  type OpenContext,
} from './block.ts'

/** What a driver's file exports. */
export interface DriverModule<Driver> {
  /** Opens the driver. It may throw raw errors; `declare` gives them a code. */
  open(context: OpenContext): Promise<Driver>
  /** What the driver's raw errors mean, where that is not the same for every driver (`commonCode`). Pure. */
  codeOf(error: unknown): Code | undefined
}

/**
 * URL scheme to driver: `{ postgres: () => import('./postgres.ts'), memory: () => import('./memory.ts') }`. Imported on first
 * use, so that an engine's client is loaded only when it is asked for.
 */
export type DriverTable<Driver> = Readonly<Record<string, () => Promise<DriverModule<Driver>>>>

/** An open driver, with what the portable type needs to speak of it. */
export interface OpenedDriver<Driver> {
  driver: Driver
  /** Of the URL: what `block.driver` says, and errors and figures are labelled with. */
  scheme: string
  codeOf(error: unknown): Code | undefined
}

/** What a kind of block is made of. Each `blocks/<kind>/index.ts` holds one of these. */
export interface Kind<Handle extends Block, Options extends object, Driver> {
  kind: string
  card: Card
  /** Every option there is; any other is refused. */
  options: readonly (keyof Options & string)[]
  drivers: DriverTable<Driver>
  /** The engine of a block that is opened alone, for one that PostgreSQL is no engine for. Default: `DATABASE_URL`, else `memory:`. */
  defaultUrl?: string
  /** Checks the options alone, without an engine: called when the blueprint is declared. @throws `invalid_argument` */
  check?(options: Options): void
  /** Names of blocks that must be open first. */
  needs?(options: Options): string[]
  /** Puts the portable type around an open driver. */
  build(context: OpenContext, opened: OpenedDriver<Driver>, options: Options): Promise<Handle> | Handle
}

const common = ['because', 'expect', 'drivers']

/** A block of a blueprint, not open yet. @throws `invalid_argument` for an unknown or impossible option */
export function declare<Handle extends Block, Options extends object, Driver>(
  of: Kind<Handle, Options, Driver>,
  options: Options & BlockOptions,
): Declaration<Handle, Options> {
  refuseUnknown(of.kind, options, [...of.options, ...common])
  of.check?.(options)
  const drivers = { ...of.drivers, ...(options as { drivers?: DriverTable<Driver> }).drivers }
  return {
    kind: of.kind,
    card: of.card,
    options,
    schemes: Object.keys(drivers),
    needs: of.needs?.(options) ?? [],
    open: (context) => openWith(of, drivers, context, options),
  }
}

async function openWith<Handle extends Block, Options extends object, Driver>(
  of: Kind<Handle, Options, Driver>,
  drivers: DriverTable<Driver>,
  context: OpenContext,
  options: Options,
): Promise<Handle> {
  const scheme = schemeOf(context.url, of.kind, Object.keys(drivers))
  const module = await drivers[scheme]!()
  const codeOf = (error: unknown) => module.codeOf(error)
  const driver = await module.open(context).catch((error: unknown) => {
    throw wrap(error, { block: context.name, driver: scheme, doing: 'opening' }, codeOf)
  })
  return of.build(context, { driver, scheme, codeOf }, options)
}

/** A block by itself, open: `await queue('emails', { url })`. What it keeps in the engine has just that name. */
export async function openAlone<Handle extends Block, Options extends object, Driver>(
  of: Kind<Handle, Options, Driver>,
  name: string,
  { url, ...options }: Options & BlockOptions & AloneOptions,
): Promise<Handle> {
  const databaseUrl = process.env.DATABASE_URL
  const declared = declare(of, options as Options & BlockOptions)
  return declared.open({
    name: checkName(of.kind, name),
    service: '',
    url: url ?? of.defaultUrl ?? databaseUrl ?? 'memory:',
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    folder: '.ashlar',
    relays: true,
    secret: process.env.ASHLAR_SECRET ?? '',
    log: silent,
    block(needed) {
      throw new AshlarError(
        'unsupported',
        `${of.kind} '${name}' needs the block '${needed}'; open both through a blueprint`,
      )
    },
  })
}

/** Block names become parts of table rows, topics and URLs of engines: letters, digits, `-` and `_`, 1 to 48 of them. */
export function checkName(kind: string, name: string): string {
  if (typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,47}$/.test(name)) return name
  throw invalid(`${kind}: '${name}' is not a block name; write 1 to 48 letters, digits, - or _, a letter first`)
}

/** The name under which a block's data stands in a shared engine. */
export function engineName({ service, name }: OpenContext): string {
  return service ? `${service}.${name}` : name
}
