import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AshlarError } from '../errors.ts'
import { isAlive } from '../postgres/cluster/process.ts'
import { stateFolder } from './environment.ts'
import type { Command } from './command.ts'
import type { Status } from './status-file.ts'

export const command: Command = {
  usage: 'ashlar status [--json]',
  about: 'What runs here: addresses, processes, memory.',
  options: { json: { type: 'boolean', about: 'as JSON' } },
  run: async ({ json }) => {
    const text = await readFile(join(stateFolder(), 'status.json'), 'utf8').catch(() => {
      throw new AshlarError(
        'not_found',
        `nothing runs here: ${join(stateFolder(), 'status.json')} is not there; start with 'ashlar dev'`,
      )
    })
    const status = JSON.parse(text) as Status
    const parent = status.processes.find(({ role }) => role === 'console')
    if (parent && !isAlive(parent.pid))
      throw new AshlarError(
        'not_found',
        `nothing runs here: the one that did (process ${parent.pid}) was killed; start with 'ashlar dev'`,
      )
    console.log(json ? text.trim() : table(status))
  },
}

function table({ service, addresses, processes }: Status): string {
  const lines = [service, ...Object.entries(addresses).map(([name, url]) => `  ${name.padEnd(10)} ${url}`), '']
  for (const { id, role, pid, healthy, memoryBytes } of processes) {
    const megabytes = `${Math.round(memoryBytes / 1024 ** 2)} MB`
    lines.push(
      `  ${id.padEnd(14)} ${role.padEnd(10)} ${String(pid).padEnd(8)} ${(healthy ? 'healthy' : 'not healthy').padEnd(12)} ${megabytes}`,
    )
  }
  return lines.join('\n')
}
