import { invalid } from '../../errors.ts'
import { toCount } from '../../units.ts'
import { show } from './document.ts'
import type { Fields } from './driver.ts'
import type { SearchOptions } from './search.ts'

const mostFields = 32

/** Checks the options and reads the fields of the index from them. @throws `invalid_argument` */
export function readFields<D>({ text, facets = [], complete, id, schema }: SearchOptions<D>): Fields {
  if (id !== undefined && typeof id !== 'function') throw invalid(`search id: ${show(id)} is not a function`)
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function')
    throw invalid('search schema: not a Standard Schema; give one of zod, valibot, arktype …')
  return {
    text: readWeights(text),
    facets: readFacets(facets),
    complete: complete === undefined ? undefined : checkField('complete', complete),
  }
}

function readWeights(text: unknown): Fields['text'] {
  const weights = Object.entries(typeof text === 'object' && text !== null && !Array.isArray(text) ? text : {})
  if (weights.length === 0 || weights.length > mostFields)
    throw invalid(
      `search text: needs 1 to ${mostFields} fields with their weight, such as { title: 3, caption: 1 }; it has ${weights.length}`,
    )
  for (const [field, weight] of weights) {
    checkField('text', field)
    toCount(`search text.${field}`, weight as number, { min: 1, max: 10 })
  }
  return Object.fromEntries(weights) as Fields['text']
}

function readFacets(facets: unknown): string[] {
  if (!Array.isArray(facets)) throw invalid(`search facets: ${show(facets)} is not a list; write ['tags', 'camera']`)
  if (facets.length > mostFields)
    throw invalid(`search facets: ${facets.length} are too many; allowed are ${mostFields}`)
  const names = facets.map((field) => checkField('facets', field))
  const twice = names.find((field, index) => names.indexOf(field) !== index)
  if (twice !== undefined) throw invalid(`search facets: '${twice}' is named twice; name each field once`)
  return names
}

/** A field's name becomes part of what engines store: kept short and plain. */
function checkField(option: string, field: unknown): string {
  if (typeof field === 'string' && /^[\p{L}_$][\p{L}\p{N}_$-]{0,63}$/u.test(field) && field !== '__proto__')
    return field
  throw invalid(
    `search ${option}: ${show(field)} is not a field name; write the name of a property: 1 to 64 letters, digits, _ $ or -, no digit first`,
  )
}
