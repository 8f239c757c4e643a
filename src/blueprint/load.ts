import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AshlarError, describe, invalid } from '../errors.ts'
import { isBlueprint, type Blueprint } from './blueprint.ts'

const usual = ['blueprint.ts', 'blueprint.js', 'src/blueprint.ts', 'src/blueprint.js']

/** Where the blueprint is: as named, or in one of the usual places. @throws `not_found` */
export function findBlueprint(named: string | undefined): string {
  const found = named === undefined ? usual.find((path) => existsSync(path)) : existsSync(named) ? named : undefined
  if (found) return resolve(found)
  throw new AshlarError(
    'not_found',
    named
      ? `no blueprint at '${resolve(named)}'`
      : `no blueprint here: looked for ${usual.join(', ')} in ${process.cwd()}; name one with --blueprint FILE, or make one with 'ashlar init'`,
  )
}

/** Imports a blueprint file: its default export, or the only export that is a blueprint. @throws `invalid_argument` */
export async function loadBlueprint(path: string): Promise<Blueprint> {
  const module = (await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw error instanceof AshlarError
      ? error
      : invalid(`the blueprint ${path} could not be loaded: ${describe(error)}${hintFor(error)}`, { cause: error })
  })) as Record<string, unknown>
  const found = [...new Set(Object.values(module).filter(isBlueprint))]
  if (found.length === 1) return found[0]!
  throw invalid(
    `${path} must export one blueprint; it exports ${found.length === 0 ? 'none' : `${found.length}: ${found.map(({ name }) => name).join(', ')}`}`,
  )
}

function hintFor(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') return ''
  return /'ashlar'/.test(describe(error)) ? "; install it there: 'npm install ashlar', or the path of a checkout" : ''
}
