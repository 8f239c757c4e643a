import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { until } from '../../conformance.ts'
import { openSql } from '../../postgres/open.ts'
import { queue } from './index.ts'

/** A worker in a process of its own: does the effects once, says so, and then never ends. */
const worker = `
  import { queue } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  const jobs = await queue('jobs', { url: process.argv[1], visibility: '1s' })
  jobs.work(async (job) => {
    await job.once('count', (tx) => tx.sql.query('insert into effects values ($1)', [job.payload]))
    process.stdout.write('effects are done\\n')
    await new Promise(() => undefined)
  })`

async function startWorker(url: string) {
  const args = ['--conditions=source', '--input-type=module-typescript', '--eval', worker, url]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test('a job whose worker is killed comes again after its lease, and its effects happen once', async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await sql.query('create table effects (payload int)')
  await using jobs = await queue<number>('jobs', { url: db.url, visibility: '1s' })
  await jobs.send(7)
  const child = await startWorker(db.url)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const attempts: number[] = []
  const answers: unknown[] = []
  jobs.work(async (job) => {
    attempts.push(job.attempt)
    answers.push(await job.once('count', (tx) => tx.sql.query('insert into effects values ($1)', [job.payload])))
  })
  await until('it was handled again', () => answers.length === 1)
  assert.deepEqual([attempts, answers], [[2], [undefined]])
  const { rows } = await sql.query('select payload from effects')
  assert.deepEqual(rows, [{ payload: 7 }])
  await until('it is settled', async () => Object.values(await jobs.stats()).every((figure) => figure === 0))
})

test('a job that kills its worker each time becomes a dead letter', async () => {
  await using db = await testDatabase()
  await using jobs = await queue<string>('jobs', { url: db.url, visibility: '1s', attempts: 2 })
  await using sql = openSql(db.url)
  await jobs.send('poison')
  const lease = `update ashlar.queue_messages set at = now(), attempt = attempt + 1, lease = 1`
  for (let death = 0; death < 2; death++) await sql.query(lease)
  let handled = 0
  jobs.work(() => void handled++)
  await until('it is dead', async () => (await jobs.dead()).length === 1)
  assert.equal(handled, 0)
  assert.match((await jobs.dead())[0]!.error, /lent 2 times/)
})
