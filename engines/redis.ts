import type { Engine } from './engine.ts'
import { aptInstall } from './apt.ts'
import { ask } from './probe.ts'
import { find } from './run.ts'

// Every command is on disk before it is answered: what was acknowledged outlives a kill.
const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']

export const redis: Engine = {
  name: 'redis',
  title: 'Redis (the version of this system; Debian 12 has 7.0)',
  version: 'system',
  ports: 1,
  isInstalled: () => find('redis-server') !== undefined,
  install: (_, say) => aptInstall(say, 'redis-server'),
  command: ({ folder, ports: [port] }) => ({
    file: find('redis-server')!,
    args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...durable],
  }),
  isReady: (port) => ask(port, 'PING\r\n', (answer) => answer.toString().startsWith('+PONG')),
  url: (port) => `redis://127.0.0.1:${port}`,
}
