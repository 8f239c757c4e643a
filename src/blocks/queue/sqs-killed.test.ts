import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { engineFor } from '../../../test/servers/engines.ts'
import { until } from '../../conformance.ts'
import { queue } from './index.ts'

const { url, skip } = await engineFor('sqs')

/** A worker in a process of its own, which says what it has handled. */
const worker = `
  import { queue } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  const jobs = await queue(process.argv[2], { url: process.argv[1], visibility: '2s' })
  jobs.work(({ payload }) => void process.stdout.write(payload + '\\n'))`

test(
  'workers that are killed in the middle lose nothing: 1000 were acknowledged, each is handled',
  { skip },
  async (t) => {
    const name = `t${crypto.randomUUID().slice(0, 8)}`
    await using jobs = await queue<number>(name, { url: url!, visibility: '2s', attempts: 20 })
    assert.equal((await jobs.sendMany(Array.from({ length: 1_000 }, (_, n) => n))).length, 1_000)
    const handled: number[] = []
    for (let death = 1; death <= 3; death++) {
      const args = ['--conditions=source', '--input-type=module-typescript', '--eval', worker, url!, name]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      createInterface(child.stdout).on('line', (line) => void handled.push(Number(line)))
      await until('it is in the middle', () => handled.length >= death * 150, 20_000)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    jobs.work(({ payload }) => void handled.push(payload), { concurrency: 50 })
    await until('all are handled', () => new Set(handled).size === 1_000, 40_000)
    await until(
      'all are settled',
      async () => Object.values(await jobs.stats()).every((figure) => figure === 0),
      20_000,
    )
    t.diagnostic(`acknowledged 1000, lost 0, repeated ${handled.length - 1_000}`)
  },
)
