import { globSync, readFileSync } from 'node:fs'
import { parseSync, Visitor, type Program } from 'oxc-parser'

/** Reads the TypeScript files that the patterns name: path from the project's folder, with `/`, to text. */
export function read(patterns: string[]): Map<string, string> {
  const paths = globSync(patterns).map((path) => path.replaceAll('\\', '/'))
  return new Map(paths.toSorted().map((path) => [path, readFileSync(path, 'utf8')]))
}

/** @throws naming the file and the first error, when it is not TypeScript */
export function parse(path: string, text: string): Program {
  const { program, errors } = parseSync(path, text)
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`)
  return program
}

/** A module that a file names, and whether it is loaded only when asked for. */
export interface Import {
  specifier: string
  dynamic: boolean
}

/** Every module that the file names: imports, re-exports, `import()` of a literal, and `import('…')` in types. */
export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = []
  const add = (source: { type: string; value?: unknown } | null, dynamic = false) => {
    if (typeof source?.value === 'string') found.push({ specifier: source.value, dynamic })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source, true),
    TSImportType: (node) => add(node.source),
  }).visit(parse(path, text))
  return found
}
