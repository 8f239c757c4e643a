import { AshlarError, invalid } from '../errors.ts'
import { schemeOf } from '../block.ts'
import type { Blueprint } from './blueprint.ts'

/** Which engine stands behind a block, and who said so. */
export interface Engine {
  url: string
  scheme: string
  /** Environment variable it came from, or 'default'. */
  from: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** `perUser` → `PER_USER_URL`: the variable that moves one block to another engine. */
export function variableOf(name: string): string {
  return `${name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase()}_URL`
}

/**
 * Turns the environment into engines: `<NAME>_URL` for one block, else `DATABASE_URL` for every block that can stand on
 * PostgreSQL, else the block's own default. @throws `invalid_argument` `unsupported` naming variable, value and allowed schemes
 */
export function resolveEngines(of: Blueprint, env: Environment): Map<string, Engine> {
  return new Map(Object.keys(of.declarations).map((name) => [name, engineOf(of, name, env)]))
}

function engineOf(of: Blueprint, name: string, env: Environment): Engine {
  const { kind, schemes } = of.declarations[name]!
  const variable = variableOf(name)
  const own = kind === 'database' ? (env[variable] ?? env.DATABASE_URL) : env[variable]
  if (own === '') throw invalid(`${variable} is empty; unset it, or give the URL of an engine`)
  if (own !== undefined) return engine(own, kind, schemes, env[variable] === undefined ? 'DATABASE_URL' : variable)
  if (schemes.includes('local')) return { url: 'local:', scheme: 'local', from: 'default' }
  if (schemes.includes('postgres') && env.DATABASE_URL) return engine(env.DATABASE_URL, kind, schemes, 'DATABASE_URL')
  return fallback(name, kind, schemes)
}

function fallback(name: string, kind: string, schemes: readonly string[]): Engine {
  for (const scheme of ['file', 'memory'])
    if (schemes.includes(scheme)) return { url: `${scheme}:`, scheme, from: 'default' }
  throw invalid(
    `block '${name}' (${kind}) has no engine: set DATABASE_URL or ${variableOf(name)}, or run 'ashlar dev', which brings a database`,
  )
}

function engine(url: string, kind: string, schemes: readonly string[], from: string): Engine {
  try {
    return { url, scheme: schemeOf(url, kind, schemes), from }
  } catch (error) {
    throw new AshlarError('unsupported', `${from}: ${(error as Error).message}`, { cause: error })
  }
}

/** A `memory:` engine belongs to one process: blocks that several processes share cannot stand on it. @throws `unsupported` */
export function refuseMemory(engines: ReadonlyMap<string, Engine>): void {
  for (const [name, { scheme, from }] of engines) {
    if (scheme !== 'memory') continue
    throw new AshlarError(
      'unsupported',
      `block '${name}' would be in memory (${from}), which separate processes cannot share: set DATABASE_URL or ${variableOf(name)}, or run everything in one process with --role all`,
    )
  }
}
