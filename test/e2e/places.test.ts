import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { until } from '../../src/conformance.ts'
import { startTestCluster } from '../servers/postgres.ts'
import { ashlar, repository, type Run } from './dev.ts'
import { Site, type SiteOptions } from './site.ts'

const root = process.getuid?.() === 0
const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0

async function answers(run: Run): Promise<void> {
  await run.ready()
  assert.equal(await (await fetch(`${run.url}/rows`)).text(), '[]')
}

/** Starts there, answers from the database, stops in order and leaves nothing. */
async function worksIn(options: SiteOptions, prepare: (site: Site) => string[] = () => []): Promise<void> {
  await using site = await Site.make(options)
  const before = prepare(site)
  await using run = await site.dev({ before })
  await answers(run)
  run.signal('SIGTERM')
  assert.equal(await run.end(), 0)
  assert.deepEqual(site.strays(), [])
}

describe('awkward places', () => {
  test('a path of more than 120 characters', () => worksIn({ name: 'n'.repeat(90) }))

  test('as root below a folder that is closed to others', { skip: !root }, () => worksIn({ below: '/root' }))

  const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
  const canBeNobody = root && works(asNobody[0]!, ...asNobody.slice(1), process.execPath, '--version')

  test('as a user without a name or home', { skip: !canBeNobody }, () =>
    worksIn({}, (site) => {
      chownSync(site.folder, 65534, 65534)
      return ['env', 'HOME=/nonexistent', 'NODE_COMPILE_CACHE=', ...asNobody]
    }),
  )

  test('a folder that may not be written: said with the fix', { skip: !canBeNobody }, async () => {
    await using site = await Site.make()
    chmodSync(site.folder, 0o555)
    await using run = await site.dev({ before: asNobody })
    assert.equal(await run.end(), 1)
    assert.match(
      run.output,
      new RegExp(`^ashlar: cannot write to ${site.folder}/.ashlar: .*; make it writable, or start from another`, 'm'),
    )
  })
})

const offline = works('unshare', '-n', 'true')
if (!offline) console.error('NOT TESTED: a start without network, since unshare is not permitted here')

test('without any network, once installed', { skip: !offline }, async () => {
  await using site = await Site.make()
  // Inside, only loopback is up; the test outside cannot ask, so the service asks itself.
  const inside = [
    'unshare',
    '-n',
    'sh',
    '-c',
    'ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null; exec "$@"',
    'sh',
  ]
  await using run = await site.dev({ before: inside })
  await run.ready()
  assert.ok(run.status!.processes.every(({ healthy }) => healthy))
})

test('a database and replicas of its own replace the embedded ones; the folder still has one dev at a time', async () => {
  await using cluster = await startTestCluster({ replicas: 1 })
  await cluster.cluster.ready()
  const [primary, replica] = /@([^/]+)\//.exec(cluster.url)![1]!.split(',')
  const at = (host: string) => cluster.url.replace(/@[^/]+\//, `@${host}/`)
  const env = { DATABASE_URL: at(primary!), DATABASE_REPLICA_URLS: at(replica!) }
  await using site = await Site.make()
  await using run = await site.dev({ env })
  await answers(run)
  assert.ok(!site.has('.ashlar/postgres'))
  assert.deepEqual(run.pidsOf('primary'), [])
  const second = await ashlar(site.folder, ['dev', '--no-watch'], { env })
  assert.equal(second.code, 1)
  assert.match(second.output, new RegExp(`already, as process ${run.pid}`))
  assert.equal((await fetch(run.url)).status, 200)
})

test('what init writes runs as it is, and is never overwritten', async () => {
  await using site = await Site.make()
  const folder = path.join(site.folder, 'new')
  assert.equal((await ashlar(site.folder, ['init', 'new'])).code, 0)
  const text = readFileSync(path.join(folder, 'app.ts'), 'utf8')
  const again = await ashlar(site.folder, ['init', 'new'])
  assert.equal(again.code, 1)
  assert.match(again.output, /blueprint\.ts is there already and was left as it is/)
  assert.equal(readFileSync(path.join(folder, 'app.ts'), 'utf8'), text)
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(repository, path.join(folder, 'node_modules/ashlar'))
  assert.equal((await ashlar(folder, ['check'])).code, 0)
  await using run = await site.dev({ args: ['--no-watch', '--blueprint', 'new/blueprint.ts'] })
  await run.ready()
  assert.equal((await fetch(`${run.url}/?name=Ada`)).status, 200)
  const greeted = async () => (await (await fetch(run.url)).json()) as { greeted: string[] }
  await until('a worker has greeted', async () => (await greeted()).greeted.includes('Ada'), 30_000)
})
