import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { takeLock } from './lock.ts'
import { startOf } from './process.ts'

const taken = (error: unknown) => isAshlarError(error, 'already_exists') && error.message.includes(String(process.pid))

test('only one has the lock, until it gives it back', async () => {
  await using place = await newFolder()
  const unlock = await takeLock(place.file, 'here')
  await assert.rejects(takeLock(place.file, 'here'), taken)
  await unlock()
  await (
    await takeLock(place.file, 'here')
  )()
  assert.deepEqual(await readdir(path.dirname(place.file)), [])
})

test('the lock of a process that is gone is taken over, by one of many', async () => {
  await using place = await newFolder()
  const { pid } = spawnSync('true')
  await writeFile(place.file, `${pid}\nsome time\nsome id\n`)
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(place.file, 'here')))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a process that began later is not the one in the lock, whatever its pid', async () => {
  await using place = await newFolder()
  const other = spawn('sleep', ['30'])
  try {
    await writeFile(place.file, `${other.pid}\nanother time\nsome id\n`)
    await takeLock(place.file, 'here')
    assert.equal((await readFile(place.file, 'utf8')).split('\n')[1], startOf(process.pid))
    await writeFile(place.file, `${other.pid}\n${startOf(other.pid!)}\nsome id\n`)
    await assert.rejects(takeLock(place.file, 'here'), new RegExp(`process ${other.pid}`))
  } finally {
    other.kill()
  }
})

async function newFolder() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ashlar-lock-'))
  return { file: path.join(folder, 'lock'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
