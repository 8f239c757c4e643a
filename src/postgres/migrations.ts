import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, invalid } from '../errors.ts'
import { statementsOf } from './statements.ts'

/** One numbered file of a migrations folder. */
export interface Migration {
  name: string
  text: string
  /** Of the text with line ends made LF, so that a checkout on Windows is no change. */
  hash: string
  /** It runs outside of a transaction. */
  alone: boolean
}

const control = /^(begin|start\s+transaction|commit|rollback(?!\s+to)|abort|prepare\s+transaction)\b/

/**
 * Reads the `.sql` files of a folder in the order of their names.
 * @throws `invalid_argument` for a folder that cannot be read, and for a file that starts or ends transactions itself
 */
export async function readMigrations(folder: string | URL): Promise<Migration[]> {
  const base = folder instanceof URL ? fileURLToPath(folder) : path.resolve(folder)
  const names = await readdir(base).catch((error: unknown) => {
    throw invalid(`migrations: cannot read the folder ${base}: ${describe(error)}; create it or correct the option`)
  })
  const files = names.filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(files.map(async (name) => toMigration(name, await readFile(path.join(base, name), 'utf8'))))
}

export function toMigration(name: string, raw: string): Migration {
  const text = raw.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  const alone = /^--\s*ashlar:\s*no transaction\s*$/im.test(text.split('\n', 1)[0]!)
  const hash = createHash('sha256').update(text).digest('hex')
  checkStatements(name, text, alone)
  return { name, text, hash, alone }
}

function checkStatements(name: string, text: string, alone: boolean): void {
  const statements = statementsOf(text)
  const wrong = statements.find(({ words }) => control.test(words))
  if (wrong)
    throw invalid(
      `migration ${name}, line ${wrong.line}: '${wrong.words.split(/\s+/, 2).join(' ')}' would end the file's own transaction; remove it, each file is one transaction`,
    )
  if (alone && statements.length !== 1)
    throw invalid(
      `migration ${name} runs outside of a transaction and has ${statements.length} statements; give it exactly one`,
    )
}
