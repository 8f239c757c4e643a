import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { answersHttp, awsUrl } from './endpoint.ts'
import type { Engine, Place } from './engine.ts'
import { isWhole } from './install.ts'
import { need, run } from './run.ts'

const version = '0.6.2'
const packageOf = (home: string) => path.join(home, 'node_modules', 'kinesis-local')

// It listens on every address; loaded before it, this lets it listen on one only.
const loopback = `const { Server } = require('node:net')
const { listen } = Server.prototype
Server.prototype.listen = function (first, ...others) {
  const port = typeof first === 'object' ? first?.port : first
  if (port === undefined) return listen.call(this, first, ...others)
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...others.filter((each) => typeof each === 'function'))
}
`

/** In memory: what it holds ends with it. Speaks HTTP/1.1 on this port. */
export const kinesis: Engine = {
  name: 'kinesis',
  title: `kinesis-local ${version} (Kinesis)`,
  version,
  ports: 2,
  isInstalled: isWhole,
  install: (home, say) => {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    return run(say, need('npm', 'npm'), ['install', ...quiet, '--prefix', home, `kinesis-local@${version}`])
  },
  command(place) {
    const preload = path.join(place.folder, 'loopback.cjs')
    writeFileSync(preload, loopback)
    const args = ['--require', preload, path.join(packageOf(place.home), 'main.js')]
    return { file: process.execPath, args, env: environment(place) }
  },
  isReady: (port) => answersHttp(port, '/healthcheck'),
  url: (port) => awsUrl('kinesis', 'us-east-1', port),
}

const changes = ['CREATE_STREAM', 'DELETE_STREAM', 'SPLIT_SHARD', 'MERGE_SHARDS', 'UPDATE_SHARD_COUNT']

function environment({ home, ports: [port, tlsPort] }: Place): Record<string, string> {
  return {
    KINESIS_MOCK_PLAIN_PORT: String(port),
    KINESIS_MOCK_TLS_PORT: String(tlsPort),
    KINESIS_MOCK_CERT_PATH: path.join(packageOf(home), 'server.json'),
    SHARD_LIMIT: '1000',
    // How long a change of a stream takes: enough to be seen, too little to wait for.
    ...Object.fromEntries(changes.map((change) => [`${change}_DURATION`, '10ms'])),
  }
}
