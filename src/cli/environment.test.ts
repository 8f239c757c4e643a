import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { devSecret, loadDotEnv, makeFolder } from './environment.ts'

class Folder implements Disposable {
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }

  readonly path = mkdtempSync(join(tmpdir(), 'ashlar-environment-'))
}

/** What `.env` with this text makes of the variables, each first set as given. */
async function loaded(text: string, before: Record<string, string | undefined>) {
  using folder = new Folder()
  const file = join(folder.path, '.env')
  writeFileSync(file, text)
  for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value
  try {
    await loadDotEnv(file)
    return Object.fromEntries(Object.keys(before).map((name) => [name, process.env[name]]))
  } finally {
    for (const name of Object.keys(before)) delete process.env[name]
  }
}

test('.env gives what the environment lacks, without a byte order mark or carriage returns', async () => {
  const text = '\uFEFFX_FIRST=file\r\nX_SECOND="two words"\r\n# X_THIRD=no\r\n'
  const before = { X_FIRST: undefined, X_SECOND: undefined, X_THIRD: undefined }
  assert.deepEqual(await loaded(text, before), { X_FIRST: 'file', X_SECOND: 'two words', X_THIRD: undefined })
})

test('the real environment wins over .env, even where it is empty', async () => {
  const before = { X_SET: 'shell', X_EMPTY: '' }
  assert.deepEqual(await loaded('X_SET=file\nX_EMPTY=file\n', before), before)
})

test('a missing .env is no fault', async () => {
  await loadDotEnv('/nowhere/.env')
})

test('the secret is made once and readable by its owner only', async () => {
  using folder = new Folder()
  const secret = await devSecret(folder.path)
  assert.ok(secret.length >= 32)
  assert.equal(await devSecret(folder.path), secret)
  assert.equal(statSync(join(folder.path, 'secret')).mode & 0o777, 0o600)
})

test('a state folder that cannot be made is named, with the fix', async () => {
  using folder = new Folder()
  const file = join(folder.path, 'file')
  writeFileSync(file, '')
  await assert.rejects(
    makeFolder(join(file, '.ashlar')),
    /cannot write to .*file.*make it writable, or start from another folder/,
  )
})
