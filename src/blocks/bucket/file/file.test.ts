import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readdir, rm, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { until } from '../../../conformance.ts'
import { allKeys, pattern } from '../conformance/ask.ts'
import { contextOf } from '../conformance/harness.ts'
import { codeOf, open } from '../file.ts'
import { bucket } from '../index.ts'
import { OpenBucket } from '../open-bucket.ts'

async function folder(): Promise<{ path: string; url: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'ashlar-file-'))
  return { path, url: `file://${path}`, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Names of the files with bytes, relative to `bytes/`. */
async function files(path: string): Promise<string[]> {
  const [bucketFolder = ''] = await readdir(path)
  const names = await readdir(join(path, bucketFolder, 'bytes'), { recursive: true })
  return names.filter((name) => name.includes('/'))
}

async function pathOf(path: string, name: string): Promise<string> {
  return join(path, (await readdir(path))[0]!, 'bytes', name)
}

function start(url: string, mode: string): ChildProcess {
  const fixture = join(import.meta.dirname, 'writing.fixture.ts')
  return spawn(process.execPath, ['--conditions=source', fixture, url, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('a process killed at any moment leaves every object whole, and loses none that it was told is stored', async () => {
  await using place = await folder()
  for (let round = 0; round < 3; round++) {
    const child = start(place.url, 'write')
    const told = new Map<string, string>()
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', (line) => told.set(line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)))
    await until('it has written a while', () => told.size >= 20 + round * 17, 20_000)
    const ended = new Promise((resolve) => lines.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    await using photos = await bucket('photos', { url: place.url })
    const keys = await allKeys(photos)
    assert.ok([...told.keys()].every((key) => keys.includes(key)))
    for (const key of keys) {
      const got = (await photos.get(key))!
      const sum = createHash('sha256')
        .update(await got.bytes())
        .digest('hex')
      assert.equal(sum, got.metadata.sum, `${key} is not whole`)
    }
  }
  const driver = await open({ ...contextOf(place.url), service: '' })
  await driver.sweeper.sweep({ orphanMs: 0, uploadMs: 0 })
  const { objects } = await driver.stats()
  await driver.close()
  assert.equal((await files(place.path)).length, objects)
})

test('of several processes that put under one free key, one wins', async () => {
  await using place = await folder()
  const children = Array.from({ length: 3 }, () => start(place.url, 'race'))
  const wins = await Promise.all(
    children.map(async (child) => JSON.parse((await child.stdout!.toArray()).join('')) as number[]),
  )
  assert.deepEqual(
    wins.flat().toSorted((left, right) => left - right),
    Array.from({ length: 30 }, (_, at) => at),
  )
})

test('objects are there after closing and opening again', async () => {
  await using place = await folder()
  {
    await using photos = await bucket('photos', { url: place.url })
    await photos.put('k', 'kept', { metadata: { a: 'b' } })
  }
  await using again = await bucket('photos', { url: place.url })
  assert.equal(await (await again.get('k'))!.text(), 'kept')
  assert.deepEqual(await again.stats(), { objects: 1, bytes: 4 })
})

test('buckets whose names differ in case only are two', async () => {
  await using place = await folder()
  await using lower = await bucket('photos', { url: place.url })
  await using upper = await bucket('Photos', { url: place.url })
  await lower.put('k', 'lower')
  assert.equal(await upper.head('k'), undefined)
  const names = await readdir(place.path)
  assert.equal(new Set(names.map((name) => name.toLowerCase())).size, 2)
})

test('keys never become file names, and what is replaced or deleted goes from the disk', async () => {
  await using place = await folder()
  await using photos = await bucket('photos', { url: place.url })
  for (const key of ['../../escape', 'secret-name', '/etc/passwd']) {
    await photos.put(key, 'one')
    await photos.put(key, 'two')
  }
  const names = await files(place.path)
  assert.equal(names.length, 3)
  for (const name of names) assert.match(name, /^[0-9a-f]{2}\/[0-9a-f]{30}$/)
  await photos.delete(['../../escape', 'secret-name'])
  assert.equal((await files(place.path)).length, 1)
})

test('sweeps what nothing refers to, when it is old, and nothing else', async () => {
  await using place = await folder()
  const driver = await open(contextOf(place.url))
  const put = (key: string) =>
    driver.put(key, Readable.from([Buffer.from(key)]), { contentType: 'a/b', metadata: {}, maxBytes: 10 })
  await put('k')
  const [known] = await files(place.path)
  const upload = await driver.multipart.start('m', { contentType: 'a/b', metadata: {} })
  await driver.multipart.part('m', upload, 1, Readable.from([Buffer.from('part')]), 10)
  const shard = await pathOf(place.path, known!.slice(0, 2))
  const old = new Date(Date.now() - 2 * 3_600_000)
  for (const name of ['a'.repeat(30), 'b'.repeat(30) + '.tmp', 'c'.repeat(30)]) await writeFile(join(shard, name), 'x')
  await utimes(join(shard, 'a'.repeat(30)), old, old)
  await utimes(join(shard, 'b'.repeat(30) + '.tmp'), old, old)
  await utimes(await pathOf(place.path, known!), old, old)
  // The sweep that opening started may be first.
  await driver.sweeper.sweep({ orphanMs: 3_600_000, uploadMs: 3_600_000 })
  assert.equal((await files(place.path)).length, 3)
  assert.equal(await driver.sweeper.sweep({ orphanMs: 3_600_000, uploadMs: -1 }), 1)
  await assert.rejects(driver.multipart.part('m', upload, 2, Readable.from([]), 10), { reason: 'no_upload' })
  assert.equal((await driver.head('k'))!.size, 1)
  await driver.close()
})

test('an object is not committed once its file was swept', async () => {
  await using place = await folder()
  const driver = await open(contextOf(place.url))
  const other = await open(contextOf(place.url))
  const body = new Readable({ read() {} })
  body.push('x')
  const putting = driver.put('k', body, { contentType: 'a/b', metadata: {}, maxBytes: 10 })
  await until('its file is there', async () => (await files(place.path)).length === 1)
  assert.equal(await other.sweeper.sweep({ orphanMs: -1000, uploadMs: 1e9 }), 1)
  body.push(null)
  await assert.rejects(putting)
  assert.equal(await driver.head('k'), undefined)
  await driver.close()
  await other.close()
})

test('an object whose file was lost or cut is an error, not a short read', async () => {
  await using place = await folder()
  await using photos = await bucket('photos', { url: place.url })
  await photos.put('k', pattern(1000, 1))
  const path = await pathOf(place.path, (await files(place.path))[0]!)
  await truncate(path, 10)
  await assert.rejects(photos.get('k'), { code: 'internal', message: /backup/ })
  await unlink(path)
  await assert.rejects(photos.get('k'), { code: 'internal', message: /backup/ })
})

test('an index of a newer version is refused and left alone', async () => {
  await using place = await folder()
  await (await bucket('photos', { url: place.url })).close()
  const path = join(place.path, (await readdir(place.path))[0]!, 'index.db')
  const db = new DatabaseSync(path)
  db.exec('pragma user_version = 99')
  db.close()
  await assert.rejects(bucket('photos', { url: place.url }), { message: /version 99.*knows 1/ })
})

test('a writer waits for another process that holds the lock, without blocking its own process', async () => {
  await using place = await folder()
  await using photos = await bucket('photos', { url: place.url })
  await photos.put('k', 'before')
  const db = new DatabaseSync(join(place.path, (await readdir(place.path))[0]!, 'index.db'))
  db.exec('begin immediate')
  let turns = 0
  const ticking = setInterval(() => turns++, 5)
  const putting = photos.put('k', 'after')
  await until('the process goes on', () => turns > 20)
  assert.equal(await (await photos.get('k'))!.text(), 'before')
  db.exec('commit')
  db.close()
  await putting
  clearInterval(ticking)
  assert.equal(await (await photos.get('k'))!.text(), 'after')
})

test('many puts at once all come through', async () => {
  await using place = await folder()
  await using photos = await bucket('photos', { url: place.url })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 150 }, (_, at) =>
      photos.put(`k${at % 100}`, String(at), at % 3 === 0 ? { ifNoneMatch: '*' } : {}),
    ),
  )
  const stored = new Set(outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [`k${at % 100}`] : [])))
  assert.equal((await photos.list()).objects.length, stored.size)
  assert.equal((await files(place.path)).length, stored.size)
})

test('a full disk is exhausted, and nothing is stored', { skip: mountable() }, async () => {
  await using place = await folder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place.path])
  try {
    const photos = await bucket('photos', { url: place.url })
    await photos.put('small', 'fits')
    await assert.rejects(photos.put('large', Buffer.alloc(4_000_000)), { code: 'exhausted' })
    await assert.rejects(photos.put('small', Buffer.alloc(4_000_000)), { code: 'exhausted' })
    assert.deepEqual(await allKeys(photos), ['small'])
    assert.equal(await (await photos.get('small'))!.text(), 'fits')
    let filled = 0
    while (
      await photos.put(`fill ${filled}`, Buffer.alloc(4096)).then(
        () => true,
        () => false,
      )
    )
      filled++
    assert.equal((await allKeys(photos)).length, filled + 1)
    await photos.delete('fill 0').catch(() => {})
    await photos.close()
    const again = await bucket('photos', { url: place.url })
    for (const key of await allKeys(again)) await (await again.get(key))!.bytes()
    await again.close()
  } finally {
    execFileSync('umount', [place.path])
  }
})

function mountable(): string | false {
  const path = execFileSync('mktemp', ['-d']).toString().trim()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' })
    execFileSync('umount', [path])
    return false
  } catch {
    return 'this user may not mount a small disk'
  } finally {
    execFileSync('rmdir', [path])
  }
}

test('files of bodies that were dropped unread are closed', { skip: !existsSync('/proc/self/fd') }, async () => {
  await using place = await folder()
  const driver = await open(contextOf(place.url))
  await using photos = new OpenBucket({ name: 'photos', driver, scheme: 'file', codeOf, maxBytes: 1e9, idleMs: 100 })
  await photos.put('k', pattern(300_000, 1))
  const opened = () => readdirSync('/proc/self/fd').length
  const before = opened()
  for (let at = 0; at < 60; at++) assert.equal((await photos.get('k'))!.size, 300_000)
  assert.ok(opened() >= before + 50)
  await until('they are closed', () => opened() <= before)
  assert.equal((await (await photos.get('k'))!.bytes()).length, 300_000)
})

test('no warning of SQLite is printed', async () => {
  await using place = await folder()
  const script = `const { bucket } = await import('./src/blocks/bucket/index.ts'); await (await bucket('photos', { url: '${place.url}' })).close()`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  assert.doesNotMatch((await child.stderr.toArray()).join(''), /SQLite/)
})
