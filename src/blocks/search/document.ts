import { check, type Schema } from '../../block.ts'
import { describe, invalid } from '../../errors.ts'
import type { Fields, IndexedDocument } from './driver.ts'
import { fieldText } from './terms.ts'

/** Limits of one document; what is beyond is refused, never cut. */
export const limits = {
  idLength: 256,
  facetLength: 256,
  facetValues: 100,
  completeLength: 1000,
  textLength: 100_000,
  sourceBytes: 1024 ** 2,
} as const

/** How documents of one index are read: see `SearchOptions`. */
export interface Reader<D> {
  fields: Fields
  id: ((document: D) => string) | undefined
  schema: Schema<D> | undefined
}

/** Takes a document apart. @throws `invalid_argument` naming the field, what it holds and what it may hold */
export async function readDocument<D extends object>(
  reader: Reader<D>,
  given: D,
): Promise<{ id: string; document: IndexedDocument }> {
  if (typeof given !== 'object' || given === null) throw invalid(`document: ${describe(given)} is not an object`)
  const checked = await check('document', reader.schema, given)
  const id = checkId(reader.id ? reader.id(checked) : (checked as { id?: unknown }).id)
  return { id, document: takeApart(id, reader.fields, checked as Record<string, unknown>) }
}

/** @throws `invalid_argument` */
export function checkId(id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= limits.idLength && isPlain(id)) return id
  throw invalid(
    `document id: ${show(id)} is not valid; give text of 1 to ${limits.idLength} characters, no control characters`,
  )
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text)
}

function takeApart(id: string, fields: Fields, document: Record<string, unknown>): IndexedDocument {
  const text = Object.keys(fields.text).map((field) => [field, textOf(id, field, document[field])] as const)
  const length = text.reduce((sum, [, each]) => sum + each.length, 0)
  if (length > limits.textLength)
    throw invalid(
      `document '${id}': its text fields hold ${length} characters; allowed are ${limits.textLength}: index an excerpt`,
    )
  return {
    text: Object.fromEntries(text),
    facets: Object.fromEntries(fields.facets.map((field) => [field, facetValues(id, field, document[field])])),
    complete: fields.complete === undefined ? undefined : completion(id, fields.complete, document[fields.complete]),
    source: sourceOf(id, document),
  }
}

function textOf(id: string, field: string, value: unknown): string {
  if (value === undefined || value === null || typeof value === 'string' || isTexts(value)) return fieldText(value)
  throw invalid(`document '${id}': ${field} is ${show(value)}; give text or a list of text`)
}

function facetValues(id: string, field: string, value: unknown): string[] {
  const values = typeof value === 'string' ? [value] : (value ?? [])
  if (!isTexts(values)) throw invalid(`document '${id}': ${field} is ${show(value)}; give text or a list of text`)
  const different = [...new Set(values)]
  if (different.length > limits.facetValues)
    throw invalid(
      `document '${id}': ${field} has ${different.length} different values; allowed are ${limits.facetValues}`,
    )
  for (const each of different) checkFacetValue(`document '${id}': ${field}`, each)
  return different
}

/** @throws `invalid_argument` for a value that no document can have */
export function checkFacetValue(what: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= limits.facetLength && value.isWellFormed() && !value.includes('\0'))
    return value
  throw invalid(`${what}: ${show(value)} is not valid; give text of up to ${limits.facetLength} characters without NUL`)
}

function completion(id: string, field: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string' && value.length <= limits.completeLength)
    return value.toWellFormed().replaceAll('\0', ' ')
  throw invalid(
    `document '${id}': ${field}, which completion offers, is ${show(value)}; give text of up to ${limits.completeLength} characters`,
  )
}

function sourceOf(id: string, document: object): string {
  let source: string
  try {
    source = JSON.stringify(document)
  } catch (error) {
    throw invalid(`document '${id}': cannot be written as JSON: ${describe(error)}`, { cause: error })
  }
  const bytes = Buffer.byteLength(source)
  if (bytes <= limits.sourceBytes) return source
  throw invalid(
    `document '${id}': ${bytes} bytes as JSON; allowed are ${limits.sourceBytes}: keep large parts in a bucket`,
  )
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** A value as a message shows it: short, whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${describe(value, 60)}'`
  if (value === null || typeof value !== 'object') return `${typeof value} ${describe(String(value), 60)}`
  return Array.isArray(value) ? `a list such as ${describe(value, 60)}` : 'an object'
}

/** @throws `invalid_argument` */
export function checkVersion(version: number | undefined): number | undefined {
  if (version === undefined || (Number.isSafeInteger(version) && version >= 0)) return version
  throw invalid(`version: ${show(version)} is out of range; allowed are whole numbers 0 to ${Number.MAX_SAFE_INTEGER}`)
}
