import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine } from './engine.ts'
import { isWhole } from './install.ts'
import { ask } from './probe.ts'
import { need, run } from './run.ts'

const programOf = (home: string) => path.join(home, 'pstest')
const source = fileURLToPath(new URL('pstest', import.meta.url))

// What every HTTP/2 connection begins with, and an empty SETTINGS frame; the server's own (type 4) is its first answer.
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')

/** In memory: what it holds ends with it. */
export const pubsub: Engine = {
  name: 'pubsub',
  title: 'pstest of cloud.google.com/go/pubsub 2.8.1 (Google Pub/Sub)',
  version: '2.8.1',
  ports: 1,
  isInstalled: (home) => isWhole(home) && existsSync(programOf(home)),
  install: (home, say) => run(say, need('go', 'golang'), ['build', '-o', programOf(home), '.'], { cwd: source }),
  command: ({ home, ports: [port] }) => ({ file: programOf(home), args: [`127.0.0.1:${port}`] }),
  isReady: (port) => ask(port, preface, (answer) => answer.length >= 9 && answer[3] === 4),
  url: (port) => `pubsub://ashlar?endpoint=127.0.0.1:${port}`,
}
