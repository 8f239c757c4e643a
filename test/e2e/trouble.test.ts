import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { freePort } from '../../src/listen.ts'
import { Run } from './dev.ts'
import { files, Site } from './site.ts'

let site: Site
before(async () => void (site = await Site.make()))
after(async () => site[Symbol.asyncDispose]())

/** `ashlar dev` must end by itself, with one line that says what is wrong. */
async function refuses(what: RegExp, env = {}): Promise<void> {
  await using run = await site.dev({ env })
  assert.equal(await run.end(), 1, run.output)
  assert.match(run.output, what)
  assert.equal(run.output.match(/^ashlar: /gm)?.length, 1, run.output)
  assert.deepEqual(site.strays(), [])
  assert.ok(!site.has('.ashlar/status.json'))
}

/** With one file changed, and put back. */
async function refusesWith(file: keyof typeof files, change: (text: string) => string, what: RegExp): Promise<void> {
  const good = files[file](site.port)
  site.write(file, change(good))
  await refuses(what)
  site.write(file, good)
}

describe('a start that can never work ends with one clear line', () => {
  test('a broken blueprint', () =>
    refusesWith(
      'blueprint.ts',
      (text) => text.replace('blueprint(', 'blueprnt('),
      /^ashlar: .*blueprint\.ts could not be loaded/m,
    ))

  test('a route to nothing', () =>
    refusesWith(
      'blueprint.ts',
      (text) => text.replace("to: 'web'", "to: 'wbe'"),
      /names 'wbe', which is no block.*there is web/,
    ))

  test('an engine that does not exist', () =>
    refuses(/^ashlar: JOBS_URL: .*no driver for 'kafka:\/\/x'; its URL starts with one of/m, { JOBS_URL: 'kafka://x' }))

  test('an option that does not exist', async () => {
    await using run = new Run(site.folder, ['dev', '--consle-port', '1'])
    assert.equal(await run.end(), 1)
    assert.match(run.output, /--consle-port/)
  })

  test('replicas of no database', () =>
    refuses(/DATABASE_REPLICA_URLS is set and DATABASE_URL is not/, { DATABASE_REPLICA_URLS: 'postgres://x/y' }))

  test('an app module that throws', () =>
    refusesWith(
      'app.ts',
      (text) => `throw new Error('no luck')\n${text}`,
      /^ashlar: web-\d: web: its module.*no luck.*app\.ts:1/m,
    ))

  test('an app module without fetch', () =>
    refusesWith(
      'app.ts',
      () => 'export default {}\n',
      /^ashlar: web-\d: app 'web': its module must export default { fetch/m,
    ))

  test('a broken migration, by file and line', async () => {
    site.write('migrations/0002_broken.sql', 'create table good (id int);\n\ncreate tabel bad (id int);\n')
    await refuses(/^ashlar: [a-z]+-\d: .*0002_broken\.sql failed at line 3/m)
    site.write('migrations/0002_broken.sql', 'select 1;\n')
  })

  test('data of another PostgreSQL: both versions named, nothing started again', async () => {
    const file = '.ashlar/postgres/pg0/PG_VERSION'
    const now = site.read(file)
    site.write(file, '17\n')
    await refuses(/^ashlar: .*made by PostgreSQL 17.*brings PostgreSQL 18/m)
    site.write(file, now)
  })
})

describe('what is taken', () => {
  test('ports: the next free one is used, and said', async () => {
    const door = await freePort()
    const edge = createServer().listen(site.port, '127.0.0.1')
    const other = createServer().listen(door, '127.0.0.1')
    try {
      await using run = new Run(site.folder, ['dev', '--no-watch', '--console-port', String(door)])
      await run.ready()
      assert.match(run.output, new RegExp(`port ${site.port} is taken: the edge 'front' listens on \\d+ instead`))
      assert.match(run.output, new RegExp(`port ${door} is taken: the console is on http://127.0.0.1:\\d+`))
      assert.notEqual(run.url, `http://127.0.0.1:${site.port}`)
      assert.ok((await fetch(run.url)).ok)
    } finally {
      edge.close()
      other.close()
    }
  })
})
