import type { Block, Declaration, HandleOf } from '../block.ts'
import { discovery } from '../blocks/discovery/index.ts'
import { checkName } from '../declare.ts'
import { AshlarError } from '../errors.ts'

/** The blocks of a service by name, none of them open. */
export type Declarations = Readonly<Record<string, Declaration<Block, object>>>

/** A service as declared. `blocks` gives the open handles, fully typed, once the service runs. */
export interface Blueprint<D extends Declarations = Declarations> {
  readonly name: string
  readonly declarations: D
  /** @throws `closed` for a block that is not open in this process, saying why */
  readonly blocks: { readonly [Name in keyof D]: HandleOf<D[Name]> }
}

/** Handles of the blueprint that runs in this process; see `run.ts`. */
const open = new WeakMap<object, ReadonlyMap<string, Block>>()

/**
 * Declares a whole service: each block by name. A `discovery` block is added when none is declared, since instances must
 * find one another. @throws `invalid_argument` for a bad name
 */
export function blueprint<const D extends Declarations>(name: string, declarations: D): Blueprint<D> {
  checkName('blueprint', name)
  for (const each of Object.keys(declarations)) checkName(`blueprint '${name}'`, each)
  const hasDiscovery = Object.values(declarations).some(({ kind }) => kind === 'discovery')
  const all = hasDiscovery ? declarations : { ...declarations, discovery: discovery() }
  const result = { name, declarations: all, blocks: {} as Blueprint<D>['blocks'] }
  for (const each of Object.keys(all)) {
    Object.defineProperty(result.blocks, each, { enumerable: true, get: () => handleOf(result, each) })
  }
  return result
}

function handleOf(of: { name: string }, name: string): Block {
  const handles = open.get(of)
  const handle = handles?.get(name)
  if (handle) return handle
  const why = handles
    ? 'this role does not open it'
    : `the service is not running here: start it with 'ashlar dev', or in a test with testing(${of.name})`
  throw new AshlarError('closed', `block '${name}' of '${of.name}' is not open: ${why}`, { block: name })
}

/** Makes handles reachable through `blocks`; `undefined` takes them away. */
export function publishHandles(of: Blueprint, handles: ReadonlyMap<string, Block> | undefined): void {
  if (handles) open.set(of, handles)
  else open.delete(of)
}

/** Whether a value is a blueprint, from whatever copy of this package. */
export function isBlueprint(value: unknown): value is Blueprint {
  return typeof value === 'object' && value !== null && 'declarations' in value && 'blocks' in value && 'name' in value
}
