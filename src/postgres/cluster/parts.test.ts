import assert from 'node:assert/strict'
import { closeSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { parseLsn } from './control.ts'
import { folderError } from './fail.ts'
import { LogFile } from './logfile.ts'
import { canEnter, chooseOwner } from './owner.ts'
import { choosePort } from './ports.ts'
import { checkSettings, configuration, withoutOurs } from './settings.ts'

test('root hands Postgres to nobody, everyone else keeps it', async () => {
  const passwd = path.join(await mkdtemp(path.join(os.tmpdir(), 'ashlar-passwd-')), 'passwd')
  await writeFile(passwd, 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n')
  assert.deepEqual(chooseOwner(0, passwd), { uid: 65534, gid: 65533 })
  assert.deepEqual(chooseOwner(1000, passwd), {})
  await writeFile(passwd, 'root:x:0:0::/root:/bin/sh\n')
  const refusal = (error: unknown) => isAshlarError(error, 'unsupported') && error.message.includes("no user 'nobody'")
  assert.throws(() => chooseOwner(0, passwd), refusal)
  assert.throws(() => chooseOwner(0, '/not/there'), refusal)
  await rm(path.dirname(passwd), { recursive: true })
})

test('a folder is out of reach when one on the way is', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-enter-')) // mode 0700
  assert.equal(canEnter(folder, { uid: 65_534, gid: 65_534 }), false)
  assert.equal(canEnter(os.tmpdir(), { uid: 65_534, gid: 65_534 }), true)
  assert.equal(canEnter(folder, {}), true)
  await rm(folder, { recursive: true })
})

test('the wanted port when it is free, else the next', async () => {
  const wanted = await choosePort('/some/folder', undefined, [])
  assert.equal(await choosePort('/some/folder', undefined, []), wanted)
  assert.ok(wanted >= 15_432 && wanted < 25_432)
  await using stranger = net.createServer()
  await new Promise<void>((resolve) => stranger.listen(wanted, '127.0.0.1', resolve))
  assert.ok((await choosePort('/some/folder', wanted, [wanted + 1])) >= wanted + 2)
})

test('settings are text of one line with the name of a setting that is not ours', () => {
  checkSettings({ work_mem: '8MB', 'pg_stat_statements.max': '10' })
  for (const name of ['port', 'Work_Mem', 'a b', "x'", '', '__proto__ ', 'primary_conninfo'])
    assert.throws(
      () => checkSettings({ [name]: '1' }),
      (error) => isAshlarError(error, 'invalid_argument'),
    )
  assert.throws(() => checkSettings({ work_mem: '1\nport = 1' }))
})

test('a value is quoted, and ours win over ALTER SYSTEM', () => {
  const text = configuration({
    name: 'pg0',
    port: 1,
    settings: { search_path: "a'b\\c" },
    upstream: undefined,
    lagSeconds: 0,
  })
  assert.ok(text.includes("search_path = 'a''b\\\\c'\n"))
  assert.equal(withoutOurs("work_mem = '1'\nprimary_conninfo = ''\nport = '5'\n"), "work_mem = '1'\n")
})

test('a log stays small, and only what the last start wrote counts', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-log-'))
  const file = path.join(folder, 'pg0.log')
  await writeFile(file, 'FATAL:  old\n')
  const log = new LogFile(file)
  log.bound()
  assert.match(log.problems(), /old/)
  const fd = log.open()
  writeSync(fd, 'LOG:  fine\nFATAL:  new postgres://u:secret@h/d\n')
  assert.equal(log.problems(), 'FATAL:  new postgres://u:***@h/d')
  writeSync(fd, 'x'.repeat(3_000_000))
  log.bound()
  writeSync(fd, 'after\n')
  assert.equal(log.tail(), 'after\n')
  closeSync(fd)
  await rm(folder, { recursive: true })
})

test('a file system error names the folder and the fix', () => {
  const codes = {
    ENOSPC: 'exhausted',
    EACCES: 'unauthorized',
    EROFS: 'unauthorized',
    ENOTDIR: 'invalid_argument',
  } as const
  for (const [code, expected] of Object.entries(codes)) {
    const error = folderError(Object.assign(new Error('x'), { code }), '/some/folder')
    assert.ok(isAshlarError(error) && error.code === expected && error.message.includes('/some/folder'))
  }
})

test('a place in the log is compared as a number', () => {
  assert.ok(parseLsn('1/0') > parseLsn('0/FFFFFFFF'))
})
