import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { aptInstall } from './apt.ts'
import type { Engine, Place } from './engine.ts'
import { ask } from './probe.ts'
import { find } from './run.ts'

// The one in /usr/sbin insists on becoming the user rabbitmq.
const programs = '/usr/lib/rabbitmq/bin'

// Erlang's name server is started first and in our process group; the one that RabbitMQ would start by itself outlives it.
const script = `
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 &
looks=0
until epmd -port "$ERL_EPMD_PORT" -names > /dev/null 2>&1; do
  looks=$((looks + 1))
  [ "$looks" -lt 200 ] || exit 1
  sleep 0.05
done
exec ${programs}/rabbitmq-server
`

const greeting = Buffer.from('AMQP\0\0\x09\x01', 'latin1')

export const rabbitmq: Engine = {
  name: 'rabbitmq',
  title: 'RabbitMQ (the version of this system; Debian 12 has 3.10)',
  version: 'system',
  ports: 3,
  isInstalled: () => existsSync(path.join(programs, 'rabbitmq-server')) && find('epmd') !== undefined,
  install: (_, say) => aptInstall(say, 'rabbitmq-server'),
  command(place) {
    layDown(place)
    return { file: '/bin/sh', args: ['-c', script], env: environment(place) }
  },
  // It answers the greeting with a method frame (1), and listens only when its queues are recovered.
  isReady: (port) => ask(port, greeting, (answer) => answer[0] === 1),
  url: (port) => `amqp://guest:guest@127.0.0.1:${port}`,
}

function layDown({ folder, ports: [port] }: Place): void {
  mkdirSync(path.join(folder, 'home'), { recursive: true })
  const cookie = path.join(folder, 'home', '.erlang.cookie')
  if (!existsSync(cookie)) writeFileSync(cookie, randomUUID())
  chmodSync(cookie, 0o400)
  writeFileSync(path.join(folder, 'environment'), '')
  writeFileSync(path.join(folder, 'plugins'), '[].\n')
  const settings = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'disk_free_limit.absolute = 50MB',
    'vm_memory_high_watermark.absolute = 512MB',
    'log.console = true',
    'log.console.level = info',
    'log.connection.level = warning', // tests connect without end
    'log.file = false',
  ]
  writeFileSync(path.join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
}

function environment({ folder, ports: [, namesPort, nodePort] }: Place): Record<string, string> {
  const at = (name: string) => path.join(folder, name)
  return {
    HOME: at('home'),
    ERL_EPMD_PORT: String(namesPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'ashlar@localhost',
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_CONF_ENV_FILE: at('environment'),
    RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'),
    RABBITMQ_MNESIA_BASE: at('data'),
    RABBITMQ_LOG_BASE: at('log'),
    RABBITMQ_SCHEMA_DIR: at('schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: at('schema'),
    RABBITMQ_PID_FILE: at('pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none',
  }
}
