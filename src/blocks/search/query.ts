import { refuseUnknown } from '../../block.ts'
import { invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import { checkFacetValue, show } from './document.ts'
import { mostHits, type Fields, type Query } from './driver.ts'
import type { SearchQuery } from './search.ts'

const known = ['filters', 'facets', 'typos', 'prefix', 'offset', 'limit']
const longestText = 1000
const mostFilterValues = 100

/** Checks what the user asks for and fills in the defaults. @throws `invalid_argument` */
export function readQuery<D>(fields: Fields, text: string, query: SearchQuery<D>): Query {
  refuseUnknown('search', query, known)
  const limit = toCount('limit', query.limit ?? 20, { min: 1, max: 100 })
  const offset = toCount('offset', query.offset ?? 0)
  if (offset + limit > mostHits)
    throw invalid(
      `offset: ${offset} with limit ${limit} is out of range; together they may reach ${mostHits}: narrow the search by filters`,
    )
  return {
    text: checkText(text),
    typos: checkFlag('typos', query.typos),
    prefix: checkFlag('prefix', query.prefix),
    filters: readFilters(fields, query.filters ?? {}),
    facets: (query.facets ?? []).map((field) => checkFacet('facets', fields, field)),
    offset,
    limit,
  }
}

/** @throws `invalid_argument` */
export function checkText(text: string): string {
  if (typeof text !== 'string') throw invalid(`search text: ${show(text)} is not text`)
  if (text.length > longestText)
    throw invalid(`search text: ${text.length} characters are too many; allowed are ${longestText}`)
  return text
}

function checkFlag(option: string, flag: boolean | undefined): boolean {
  if (flag === undefined || typeof flag === 'boolean') return flag ?? true
  throw invalid(`${option}: ${show(flag)} is not valid; write true or false`)
}

function readFilters(fields: Fields, filters: Record<string, unknown>): Query['filters'] {
  if (typeof filters !== 'object' || filters === null || Array.isArray(filters))
    throw invalid(`filters: ${show(filters)} is not valid; write { field: value } or { field: [value, value] }`)
  // A filter that is there but undefined is refused below like any other wrong value: dropping it would show too much.
  return Object.fromEntries(
    Object.entries(filters).map(([field, values]) => [checkFacet('filters', fields, field), readValues(field, values)]),
  )
}

function readValues(field: string, given: unknown): string[] {
  const values = Array.isArray(given) ? (given as unknown[]) : [given]
  if (values.length === 0 || values.length > mostFilterValues)
    throw invalid(`filters: ${field} has ${values.length} values; allowed are 1 to ${mostFilterValues}`)
  return [...new Set(values.map((value) => checkFacetValue(`filters: ${field}`, value)))]
}

function checkFacet(what: string, fields: Fields, field: string): string {
  if (fields.facets.includes(field)) return field
  throw invalid(
    `${what}: '${field}' is not a facet of this index; declared are ${fields.facets.join(', ') || 'none'}: add it to the option facets`,
  )
}
