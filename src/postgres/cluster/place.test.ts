import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { ask } from './ask.ts'
import { startCluster, type Cluster } from './index.ts'

const settings = { fsync: 'off', shared_buffers: '16MB' }
const isRoot = process.getuid?.() === 0
const index = path.join(import.meta.dirname, 'index.ts')

const rows = (cluster: Cluster, text: string) => {
  const { port } = cluster.members.find(({ role }) => role === 'primary')!
  return ask<Record<string, unknown>>({ port, password: /ashlar:([^@]+)@/.exec(cluster.url)![1]! }, text)
}

for (const name of ['My Café App', 'it\'s $HOME `x` "q" %41', 'x'.repeat(90)]) {
  test(`works in a folder called ${name}`, async () => {
    await using root = await newFolder()
    await using cluster = await startCluster({
      folder: path.join(root.folder, name, '.ashlar/postgres'),
      replicas: name.length > 50 ? 1 : 0,
      settings,
    })
    await cluster.ready()
    assert.deepEqual(await rows(cluster, 'select 1 as n'), [{ n: 1 }])
  })
}

test('what the server promises: durable, checked, with passwords, on this machine only', async () => {
  await using root = await newFolder()
  await using cluster = await startCluster({ folder: root.folder, replicas: 0 })
  const [found] = await rows(
    cluster,
    `select ${[
      'fsync',
      'full_page_writes',
      'data_checksums',
      'wal_level',
      'listen_addresses',
      'unix_socket_directories',
    ]
      .map((name) => `current_setting('${name}') as ${name}`)
      .join(', ')}, current_database() as database, current_user as user, version() like 'PostgreSQL 18%' as is18,
      (select datlocale from pg_database where datname = 'ashlar') as locale, 'É' ~ '[[:alpha:]]' as letters,
      (select rolpassword like 'SCRAM-SHA-256%' from pg_authid where rolname = 'ashlar') as scram`,
  )
  assert.deepEqual(found, {
    fsync: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    wal_level: 'logical',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    database: 'ashlar',
    user: 'ashlar',
    is18: true,
    locale: 'C.UTF-8',
    letters: true,
    scram: true,
  })
  const { port } = cluster.members[0]!
  await assert.rejects(ask({ port, password: 'wrong' }, 'select 1'), /password authentication failed/)
})

test('data of another major version is refused and stays as it is', async () => {
  await using root = await newFolder()
  const data = path.join(root.folder, 'pg0')
  await mkdir(data)
  await writeFile(path.join(data, 'PG_VERSION'), '17\n')
  const look = () => execFileSync('ls', ['-laR', '--time-style=full-iso', root.folder], { encoding: 'utf8' })
  const before = look()
  await assert.rejects(startCluster({ folder: root.folder }), (error: unknown) => {
    return isAshlarError(error, 'unsupported') && /PostgreSQL 17.*PostgreSQL 18.*pg_dumpall/.test(error.message)
  })
  assert.equal(look(), before)
})

test(
  'where the user of Postgres may not go, root keeps the data elsewhere and says so',
  { skip: !isRoot },
  async () => {
    await using root = await newFolder()
    await chmod(root.folder, 0o700)
    const folder = path.join(root.folder, 'state')
    const lines: string[] = []
    let location = ''
    for (let round = 0; round < 2; round++) {
      await using cluster = await startCluster({ folder, replicas: 0, settings, log: ({ text }) => lines.push(text) })
      await rows(cluster, 'create table if not exists t (n int)')
      assert.deepEqual(await rows(cluster, 'insert into t values (1) returning (select count(*)::int from t) as n'), [
        { n: round },
      ])
      location = (await readFile(path.join(folder, 'location'), 'utf8')).trim()
      assert.match(location, /^\/var\/lib\/ashlar\/[0-9a-f]{16}$/)
    }
    assert.equal(lines.filter((line) => line.includes(location) && line.includes('may not enter')).length, 2)
    await rm(location, { recursive: true })
  },
)

test('a plain user runs it as themselves', { skip: !isRoot }, async () => {
  await using root = await newFolder()
  const result = asUser(65534, path.join(root.folder, 'state'), root.folder)
  assert.deepEqual([result.stderr, result.stdout.trim()], ['', 'ready'])
})

test('a user without a name is told why not, in one line', { skip: !isRoot }, async () => {
  await using root = await newFolder()
  assert.match(
    asUser(70001, path.join(root.folder, 'state'), root.folder).stdout,
    /unsupported .*no line in \/etc\/passwd/,
  )
})

test('a folder that may not be written, and a file in the way, are named', { skip: !isRoot }, async () => {
  await using root = await newFolder()
  await chmod(root.folder, 0o755)
  assert.match(asUser(65534, '/usr/ashlar-no', root.folder).stdout, /unauthorized .*\/usr\/ashlar-no/)
  await writeFile(path.join(root.folder, 'file'), '')
  await assert.rejects(startCluster({ folder: path.join(root.folder, 'file') }), (error: unknown) => {
    return isAshlarError(error, 'invalid_argument') && error.message.includes(path.join(root.folder, 'file'))
  })
})

test('a full disk is named, and what was half made does not stay', { skip: !canMount() }, async () => {
  await using root = await newFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=755', 'tmpfs', root.folder])
  try {
    await assert.rejects(startCluster({ folder: path.join(root.folder, 'state'), settings }), (error: unknown) => {
      return isAshlarError(error, 'exhausted') && error.message.includes(root.folder)
    })
    assert.deepEqual(
      (await readdir(path.join(root.folder, 'state'))).filter((name) => /^pg\d/.test(name)),
      [],
    )
  } finally {
    execFileSync('umount', [root.folder])
  }
})

test('when the data of the primary has vanished, the copy of the replica takes over', async () => {
  await using root = await newFolder()
  {
    await using cluster = await startCluster({ folder: root.folder, settings })
    await rows(cluster, 'create table t as select 1 as n')
    await cluster.ready()
  }
  await rm(path.join(root.folder, 'pg0'), { recursive: true })
  await using cluster = await startCluster({ folder: root.folder, settings })
  assert.deepEqual(await rows(cluster, 'select n from t'), [{ n: 1 }])
  assert.equal(cluster.members[1]?.role, 'primary')
  await cluster.ready()
})

test('options that do not exist and settings that are ours are refused', async () => {
  const code = (error: unknown) => isAshlarError(error, 'invalid_argument')
  const folder = '/tmp/never-made'
  for (const wrong of [{ replicas: 9 }, { replica: 1 }, { settings: { port: '1' } }, { settings: { 'a b': '1' } }])
    await assert.rejects(startCluster({ folder, ...wrong }), code)
  await using root = await newFolder()
  await assert.rejects(startCluster({ folder: root.folder, settings: { ...settings, work_memory: '1MB' } }), code)
})

/** Starts and stops a cluster as another user, with programs that this user can reach. */
function asUser(uid: number, folder: string, home: string) {
  const program = `
    const { startCluster } = await import(${JSON.stringify(index)})
    try {
      await using cluster = await startCluster({ folder: ${JSON.stringify(folder)}, settings: ${JSON.stringify(settings)} })
      await cluster.ready()
      console.log('ready')
    } catch (error) {
      console.log(error.code, error.message)
    }`
  execFileSync('chown', [String(uid), home])
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    uid,
    gid: uid,
    encoding: 'utf8',
    cwd: '/',
  })
  execFileSync('chown', ['0', home])
  return run
}

function canMount(): boolean {
  return isRoot && spawnSync('unshare', ['-m', 'true']).status === 0
}

async function newFolder() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-place-'))
  await chmod(folder, 0o755)
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
