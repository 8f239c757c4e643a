import { pino, type Logger } from 'pino'
import { openAdmin } from '../blueprint/admin.ts'
import type { ChildMessage } from '../blueprint/child.ts'
import { findBlueprint, loadBlueprint } from '../blueprint/load.ts'
import { roles, type Role } from '../blueprint/order.ts'
import { refuseMemory, resolveEngines } from '../blueprint/resolve.ts'
import { run, type Running } from '../blueprint/run.ts'
import { describe, invalid, isAshlarError, type Code } from '../errors.ts'
import { toCount } from '../units.ts'
import type { Command } from './command.ts'
import { makeFolder, requiredSecret, stateFolder } from './environment.ts'

export const command: Command = {
  usage: 'ashlar start --role edge|app|worker|all',
  about: 'Run one role of the service in this process, on the engines that the environment names.',
  options: {
    role: { type: 'string', about: 'what to run: edge, app, worker, or all in one process' },
    only: { type: 'string', about: 'only this app, worker or edge block' },
    blueprint: { type: 'string', about: 'the blueprint file (default: blueprint.ts)' },
    'admin-port': { type: 'string', about: 'port on 127.0.0.1 for /metrics, /health, /stats (default: any free one)' },
  },
  run: async ({ role, only, blueprint, 'admin-port': adminPort }) => {
    if (!roles.includes(role as Role))
      throw invalid(`--role: '${String(role)}' is not a role; there are ${roles.join(', ')}`)
    await startRole(
      role as Role,
      only as string | undefined,
      blueprint as string | undefined,
      adminPort as string | undefined,
    )
  },
}

/** Codes of errors that another attempt meets again: somebody must change something first. */
const hopeless = new Set<Code>(['invalid_argument', 'unsupported', 'unauthorized', 'conflict'])

/** Runs until SIGTERM, SIGINT or the end of the process that started it; then closes in order. */
async function startRole(
  role: Role,
  only: string | undefined,
  path: string | undefined,
  adminPort: string | undefined,
): Promise<void> {
  const log = pino({ base: { role, ...(only ? { block: only } : {}) } })
  const ending = endOfProcess()
  try {
    const running = await open(role, only, path, log)
    const admin = await openAdmin(running, '127.0.0.1', toCount('--admin-port', Number(adminPort ?? 0), { max: 65535 }))
    report({ type: 'ready', adminPort: admin.port, addresses: addressesOf(running), instances: instancesOf(running) })
    log.info({ addresses: addressesOf(running), admin: admin.port }, 'ready')
    const reason = await ending
    log.info({ reason }, 'stopping')
    await running.close()
    await admin.close()
  } catch (error) {
    report({
      type: 'failed',
      error: describe(error),
      final: isAshlarError(error) && hopeless.has(error.code),
    })
    log.error({ error: describe(error) }, 'could not start')
    process.exitCode = 1
  }
  setImmediate(() => process.exit())
}

async function open(role: Role, only: string | undefined, path: string | undefined, log: Logger): Promise<Running> {
  const blueprint = await loadBlueprint(findBlueprint(path))
  const engines = resolveEngines(blueprint, process.env)
  if (role !== 'all') refuseMemory(engines)
  const folder = stateFolder()
  await makeFolder(folder)
  const {
    DATABASE_URL: databaseUrl,
    DATABASE_REPLICA_URLS: replicas,
    ASHLAR_PUBLIC_URL: publicUrl,
    ASHLAR_EDGE_PORT: edgePort,
  } = process.env
  return run(blueprint, {
    role,
    ...(only === undefined ? {} : { only }),
    engines,
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(replicas ? { replicaUrls: replicas.split(/[\s,]+/).filter(Boolean) } : {}),
    ...(publicUrl ? { publicUrl } : {}),
    ...(edgePort ? { edgePort: toCount('ASHLAR_EDGE_PORT', Number(edgePort), { max: 65535 }) } : {}),
    folder,
    secret: requiredSecret(),
    log,
  })
}

function report(message: ChildMessage): void {
  if (process.connected) process.send?.(message)
}

/** Addresses that blocks of this process listen on. */
function addressesOf(running: Running): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, block] of running.handles) {
    const address = (block as { address?: { host: string; port: number } }).address
    if (address)
      found[name] = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
  }
  return found
}

function instancesOf(running: Running): string[] {
  return [...running.handles.values()].flatMap((block) => (block as { instance?: string }).instance ?? [])
}

// A parent that dies takes its role processes along: the IPC channel closes with it.
function endOfProcess(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      // Kept: a second signal (of a group that is killed as a whole) must not cut the drain short.
      process.on(signal, () => resolve(signal))
    }
    process.once('disconnect', () => {
      resolve('parent ended')
      setTimeout(() => process.exit(1), 8_000).unref()
    })
  })
}
