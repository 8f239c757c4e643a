import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Environment } from '../blueprint/resolve.ts'
import { AshlarError, describe, invalid } from '../errors.ts'

/** Folder for state on this machine, in the working folder. */
export function stateFolder(): string {
  return resolve('.ashlar')
}

/** Adds what `.env` says to the environment. The real environment wins, even where it is empty. */
export async function loadDotEnv(path = '.env'): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const entries = parseEnv(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'))
  for (const [name, value] of Object.entries(entries)) if (!(name in process.env)) process.env[name] = value
}

/**
 * The environment as `ashlar dev` completes it: without a database URL it brings a database. Any URL will do to see whether
 * the other variables are right.
 */
export function withDatabase(): Environment {
  return { ...process.env, DATABASE_URL: process.env.DATABASE_URL || 'postgres://embedded@localhost/ashlar' }
}

/** The service's secret in development: made once, kept in the state folder, readable by its owner only. */
export async function devSecret(folder: string): Promise<string> {
  if (process.env.ASHLAR_SECRET) return checkedSecret(process.env.ASHLAR_SECRET)
  const path = join(folder, 'secret')
  const kept = await readFile(path, 'utf8').catch(() => undefined)
  if (kept && kept.length >= 32) return kept
  const secret = randomBytes(32).toString('base64url')
  await writeFile(path, secret, { mode: 0o600 })
  await chmod(path, 0o600)
  return secret
}

/** The secret a deployed role must be given. @throws `invalid_argument` */
export function requiredSecret(): string {
  if (process.env.ASHLAR_SECRET) return checkedSecret(process.env.ASHLAR_SECRET)
  throw invalid('ASHLAR_SECRET is not set: give every process of the service the same secret of at least 32 characters')
}

function checkedSecret(secret: string): string {
  if (secret.length >= 32) return secret
  throw invalid(`ASHLAR_SECRET has ${secret.length} characters; at least 32 are needed`)
}

/** Makes the state folder. @throws `unavailable` naming it, when it cannot be written */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '.gitignore'), '*\n')
  } catch (error) {
    throw new AshlarError(
      'unavailable',
      `cannot write to ${folder}: ${describe(error)}; make it writable, or start from another folder`,
    )
  }
}
