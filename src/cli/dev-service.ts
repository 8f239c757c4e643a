import { join } from 'node:path'
import type { Blueprint } from '../blueprint/blueprint.ts'
import { resolveEngines } from '../blueprint/resolve.ts'
import type { openConsole } from '../console/index.ts'
import { openMailbox } from '../console/mailbox.ts'
import { AshlarError, describe } from '../errors.ts'
import { startCluster, type Cluster } from '../postgres/cluster/index.ts'
import { claimFolder } from './claim.ts'
import { edgeAddresses } from './doors.ts'
import { devSecret, makeFolder, stateFolder, withDatabase } from './environment.ts'
import { LocalService } from './service.ts'
import { removeStatus } from './status-file.ts'
import { StatusKeeper } from './status-keeper.ts'

export interface DevService extends AsyncDisposable {
  /** Resolves when every process has said that it is ready. @throws the error of one that never can be, before that */
  readonly ready: Promise<void>
  welcome(): string
  reload(file: string): void
}

export interface Needs {
  consolePort: number
  openConsole: typeof openConsole
  /** Aborts when the service is to stop before it has begun. */
  ending: AbortSignal
}

/** Starts the database, then every role, the mailbox and the console beside them. Closing stops them in reverse order. */
export async function startDev(blueprint: Blueprint, path: string, needs: Needs): Promise<DevService> {
  const folder = stateFolder()
  await makeFolder(folder)
  await using undo = new AsyncDisposableStack()
  undo.use(await claimFolder(folder))
  await removeStatus(folder)
  const edges = await edgeAddresses(blueprint)
  const secret = await devSecret(folder)
  resolveEngines(blueprint, withDatabase()) // a wrong URL is told before anything starts
  const cluster = await database(blueprint, folder, undo)
  const mailbox = process.env.SMTP_URL
    ? undefined
    : undo.use(await openMailbox({ folder: join(folder, 'mailbox'), port: needs.consolePort + 1 }))
  needs.ending.throwIfAborted()
  const [publicUrl] = edges.values()
  const env = {
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    ...process.env,
    ASHLAR_DEV: '1',
    ASHLAR_SECRET: secret,
    ...(publicUrl ? { ASHLAR_PUBLIC_URL: publicUrl } : {}),
    ...(cluster ? { DATABASE_URL: cluster.url } : {}),
    ...(mailbox ? { SMTP_URL: mailbox.smtpUrl } : {}),
  }
  const addresses: Record<string, string> = {
    ...(publicUrl ? { edge: publicUrl } : {}),
    ...Object.fromEntries([...edges].slice(1)),
    ...(mailbox ? { mailbox: mailbox.url } : {}),
  }
  const status = new StatusKeeper(folder, blueprint.name)
  const engines = resolveEngines(blueprint, env)
  const service = new LocalService({
    blueprint,
    blueprintPath: path,
    engines,
    cluster,
    addresses,
    env,
    ports: new Map([...edges].map(([name, url]) => [name, new URL(url).port || '80'])),
    onChange: () => status.changed(),
  })
  undo.defer(() => service.stop())
  status.watch(service)
  service.startAll()
  const door = undo.use(await needs.openConsole(service, { port: needs.consolePort }))
  if (needs.consolePort !== 0 && !door.url.endsWith(`:${needs.consolePort}`))
    console.log(`port ${needs.consolePort} is taken: the console is on ${door.url}`)
  addresses.console = door.url
  void (cluster?.ready() ?? Promise.resolve()).catch(() => undefined).then(() => status.open())
  undo.defer(() => status.close())
  return new OpenDev(service, status, undo.move())
}

/** The embedded cluster, unless the environment names a database or no block would use one. */
async function database(
  blueprint: Blueprint,
  folder: string,
  undo: AsyncDisposableStack,
): Promise<Cluster | undefined> {
  if (process.env.DATABASE_URL) return undefined
  if (process.env.DATABASE_REPLICA_URLS)
    throw new AshlarError(
      'invalid_argument',
      'DATABASE_REPLICA_URLS is set and DATABASE_URL is not: set both, or neither to use the embedded database',
    )
  const declared = Object.values(blueprint.declarations).find(({ kind }) => kind === 'database')
  const replicas = (declared?.options as { replicas?: number } | undefined)?.replicas ?? (declared ? 1 : 0)
  return undo.use(
    await startCluster({
      folder: join(folder, 'postgres'),
      replicas,
      log: ({ level, member, text }) => level !== 'info' && console.log(`${member.padEnd(10)} │ ${level}: ${text}`),
    }),
  )
}

class OpenDev implements DevService {
  readonly ready: Promise<void>
  readonly #service: LocalService
  readonly #undo: AsyncDisposableStack
  #reloading = Promise.resolve()

  constructor(service: LocalService, status: StatusKeeper, undo: AsyncDisposableStack) {
    this.#service = service
    this.#undo = undo
    this.ready = status.ready
  }

  welcome(): string {
    const { edge, console: door, mailbox } = this.#service.addresses
    const rows = [edge && `  site      ${edge}`, `  console   ${door}`, mailbox && `  mailbox   ${mailbox}`].filter(
      Boolean,
    )
    return `\n${this.#service.blueprint.name} is running:\n${rows.join('\n')}\n\nCtrl-C stops it.\n`
  }

  reload(file: string): void {
    console.log(`${file} changed: restarting apps and workers`)
    this.#reloading = this.#reloading
      .then(() => this.#service.reload())
      .then((problem) => console.log(problem ?? 'restarted'))
      .catch((error: unknown) => console.log(describe(error)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync()
  }
}
