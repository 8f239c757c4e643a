import { join } from 'node:path'
import type { Blueprint } from '../blueprint/blueprint.ts'
import { resolveEngines } from '../blueprint/resolve.ts'
import type { openConsole } from '../console/index.ts'
import { freePort } from '../console/listen.ts'
import { openMailbox } from '../console/mailbox.ts'
import type { Service } from '../console/service.ts'
import { describe } from '../errors.ts'
import { startCluster, type Cluster } from '../postgres/cluster/index.ts'
import { devSecret, loadDotEnv, makeFolder, stateFolder } from './environment.ts'
import { LocalService } from './service.ts'
import { memoryOf, removeStatus, writeStatus, type ProcessStatus } from './status-file.ts'

export interface DevService extends AsyncDisposable {
  /** Every process has said that it is ready. */
  readonly ready: Promise<void>
  welcome(): string
  reload(file: string): void
}

interface Needs {
  consolePort: number
  openConsole: typeof openConsole
}

const statusRefreshMs = 15_000

/** Starts the database, then every role, the mailbox and the console beside them. Closing stops them in reverse order. */
export async function startDev(blueprint: Blueprint, path: string, needs: Needs): Promise<DevService> {
  const folder = stateFolder()
  await makeFolder(folder)
  await removeStatus(folder)
  await loadDotEnv()
  await using undo = new AsyncDisposableStack()
  const cluster = await database(blueprint, folder, undo)
  const mailbox = process.env.SMTP_URL
    ? undefined
    : undo.use(await openMailbox({ folder: join(folder, 'mailbox'), port: needs.consolePort + 1 }))
  const publicUrl = await edgeAddress(blueprint)
  const env = {
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    ...process.env,
    ASHLAR_DEV: '1',
    ASHLAR_SECRET: await devSecret(folder),
    ...(publicUrl ? { ASHLAR_PUBLIC_URL: publicUrl, ASHLAR_EDGE_PORT: new URL(publicUrl).port } : {}),
    ...(cluster ? { DATABASE_URL: cluster.url } : {}),
    ...(mailbox ? { SMTP_URL: mailbox.smtpUrl } : {}),
  }
  const addresses: Record<string, string> = {
    ...(publicUrl ? { edge: publicUrl } : {}),
    ...(mailbox ? { mailbox: mailbox.url } : {}),
  }
  const status = new StatusKeeper(folder, blueprint.name)
  const service = new LocalService({
    blueprint,
    blueprintPath: path,
    engines: resolveEngines(blueprint, env),
    cluster,
    addresses,
    env,
    onChange: () => status.changed(),
  })
  undo.defer(() => service.stop())
  status.watch(service)
  service.startAll()
  const door = undo.use(await needs.openConsole(service, { port: needs.consolePort }))
  addresses.console = door.url
  void (cluster?.ready() ?? Promise.resolve()).catch(() => undefined).then(() => status.open())
  undo.defer(() => status.close())
  return new OpenDev(service, status, undo.move())
}

async function database(
  blueprint: Blueprint,
  folder: string,
  undo: AsyncDisposableStack,
): Promise<Cluster | undefined> {
  if (process.env.DATABASE_URL) return undefined
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

/** Where the edge will listen: the port it asks for, or the next free one, said clearly. */
async function edgeAddress(blueprint: Blueprint): Promise<string | undefined> {
  const edge = Object.values(blueprint.declarations).find(({ kind }) => kind === 'edge')
  if (!edge) return undefined
  const listen = String((edge.options as { listen?: number | string }).listen ?? 8080)
  const [, host = '127.0.0.1', port = '8080'] = /^(?:(.*):)?(\d+)$/.exec(listen) ?? []
  const free = await freePort(host, Number(port))
  if (free !== Number(port)) console.log(`port ${port} is taken: the edge listens on ${free} instead`)
  return `http://${host}:${free}`
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
      .catch((error: unknown) => console.log(describe(error)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync()
  }
}

/** Keeps `.ashlar/status.json` true from the moment all is ready until an orderly stop. */
class StatusKeeper {
  readonly ready: Promise<void>
  readonly #folder: string
  readonly #name: string
  #service: LocalService | undefined
  #becameReady = () => {}
  #isReady = false
  #mayWrite = false
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve()

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
    this.ready = new Promise((resolve) => (this.#becameReady = resolve))
  }

  /** From now on the file may be written: console and replicas are there. */
  open(): void {
    this.#mayWrite = true
    this.changed()
  }

  watch(service: LocalService): void {
    this.#service = service
    this.#timer = setInterval(() => this.changed(), statusRefreshMs)
    this.#timer.unref()
  }

  changed(): void {
    const service = this.#service
    if (!service) return
    const all = service.processes()
    if (!this.#isReady && (all.length === 0 || all.some(({ state }) => state !== 'ready') || !this.#mayWrite)) return
    this.#writing = this.#writing
      .then(() => this.#write(service))
      .catch((error: unknown) => console.log(describe(error)))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#service = undefined
    await this.#writing
    await removeStatus(this.#folder)
  }

  async #write(service: LocalService): Promise<void> {
    if (!this.#service) return
    await writeStatus(this.#folder, {
      service: this.#name,
      addresses: service.addresses,
      processes: await processesOf(service),
    })
    this.#isReady = true
    this.#becameReady()
  }
}

async function processesOf(service: Service): Promise<ProcessStatus[]> {
  const own = {
    id: 'console',
    role: 'console',
    pid: process.pid,
    healthy: true,
    memoryBytes: await memoryOf(process.pid, false),
  }
  const roles = service.processes().map(async ({ id, role, pid = 0, state }) => ({
    id,
    role,
    pid,
    healthy: state === 'ready',
    memoryBytes: await memoryOf(pid, false),
  }))
  const members = service.members().map(async ({ name, role, pid = 0, healthy }) => ({
    id: name,
    role,
    pid,
    healthy,
    memoryBytes: await memoryOf(pid, true),
  }))
  return [own, ...(await Promise.all([...roles, ...members]))]
}
