import { invalid } from '../errors.ts'
import type { Blueprint } from './blueprint.ts'

/** What one process runs. */
export type Role = 'edge' | 'app' | 'worker' | 'all'
export const roles: readonly Role[] = ['edge', 'app', 'worker', 'all']

const roleKinds = ['app', 'worker', 'edge']

/** Which part of a service a process runs. */
export interface Part {
  role: Role
  /** Only this app, worker or edge of the blueprint. Default: all of the role's kind. */
  only?: string
}

/** The real name behind a need: 'discovery' means the block of that kind, whatever it is called. */
function find(of: Blueprint, need: string): string {
  if (need in of.declarations) return need
  const byKind = Object.keys(of.declarations).find((name) => of.declarations[name]!.kind === need)
  if (byKind) return byKind
  throw invalid(
    `blueprint '${of.name}' needs a block '${need}', which is not declared; declared are ${Object.keys(of.declarations).join(', ')}`,
  )
}

/** Looks a need up, for a block that asks its context. */
export function nameOf(of: Blueprint, need: string): string {
  return find(of, need)
}

/**
 * The blocks that a role opens, each after what it needs; apps and workers may use every block of data, so those come
 * first. Close in reverse. @throws `invalid_argument` for a need that is missing or goes in a circle
 */
export function openOrder(of: Blueprint, { role, only }: Part): string[] {
  const order: string[] = []
  for (const root of roots(of, role, only)) visit(of, root, order, [])
  return order
}

function roots(of: Blueprint, role: Role, only: string | undefined): string[] {
  const names = Object.keys(of.declarations)
  const data = names.filter((name) => !roleKinds.includes(of.declarations[name]!.kind))
  const kinds = role === 'all' ? roleKinds : [role]
  const served = kinds.flatMap((kind) =>
    names.filter((name) => of.declarations[name]!.kind === kind && (only === undefined || only === name)),
  )
  if (served.length === 0)
    throw invalid(`blueprint '${of.name}' has nothing to run as role '${role}'${only ? ` named '${only}'` : ''}`)
  return role === 'edge' ? served : [...data, ...served]
}

function visit(of: Blueprint, name: string, order: string[], path: string[]): void {
  if (order.includes(name)) return
  if (path.includes(name))
    throw invalid(`blueprint '${of.name}': blocks need each other in a circle: ${[...path, name].join(' → ')}`)
  for (const need of of.declarations[name]!.needs) {
    const found = find(of, need)
    if (!roleKinds.includes(of.declarations[found]!.kind)) visit(of, found, order, [...path, name])
  }
  order.push(name)
}
