import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { until } from '../../conformance.ts'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { discovery } from './index.ts'

const index = new URL('./index.ts', import.meta.url).href
const program = `
  const { discovery } = await import(process.env.INDEX)
  const found = await discovery('registry', { url: process.env.URL, lease: '1s' })
  await found.register('web', { host: '10.0.0.1', port: 80, id: 'child' })
  console.log('registered')
  setInterval(() => {}, 1000)
`

function startInstance(url: string) {
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
    env: { ...process.env, INDEX: index, URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return {
    ready: once(child.stdout, 'data'),
    signal: (name: NodeJS.Signals) => child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

test('an instance that was stopped past its lease is listed again when it goes on; a killed one goes', async () => {
  await using db = await testDatabase()
  await using found = await discovery('registry', { url: db.url, lease: '1s' })
  await using watch = await found.watch('web')
  await using instance = startInstance(db.url)
  await instance.ready
  for (let round = 0; round < 2; round++) {
    await until('it is listed', () => watch.instances.length === 1)
    instance.signal('SIGSTOP')
    await until('its lease has ended', () => watch.instances.length === 0)
    instance.signal('SIGCONT')
  }
  await until('it is listed again', () => watch.instances.length === 1)
  instance.signal('SIGKILL')
  await until('its lease has ended', () => watch.instances.length === 0)
  assert.deepEqual(await found.list('web'), [])
})
