import { createHash } from 'node:crypto'
import { invalid } from '../../errors.ts'

/** Of one policy of SNS. */
const maxNames = 5
const maxCombinations = 150

type Texts = Record<string, string>
/** Every name must have one of its values. */
export type Filter = Readonly<Record<string, readonly string[]>>

/**
 * An attribute's name as SNS takes it. What it does not take is replaced by a hash: names only need to be told apart, the
 * message carries the true ones beside its body.
 */
function nameOf(name: string): string {
  const isFine = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name) && !/^(aws|amazon)\./i.test(name)
  return isFine && name.length <= 256 && !name.startsWith('sha256-') ? name : `sha256-${hashOf(name)}`
}

function valueOf(value: string): string {
  return /^[\x20-\x7e]{1,256}$/.test(value) && !value.startsWith('sha256-') ? value : `sha256-${hashOf(value)}`
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export type Attributes = Record<string, { DataType: 'String'; StringValue: string }>

/** What SNS filters by. */
export function attributesOf(attributes: Texts): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => {
    return [nameOf(name), { DataType: 'String' as const, StringValue: valueOf(value) }] as const
  })
  return Object.fromEntries(entries)
}

/** The filter as SNS's policy; `{}` for everything. The same filter gives the same text. @throws `invalid_argument` */
export function policyOf(filter: Filter): string {
  const names = Object.keys(filter)
  const combinations = names.reduce((product, name) => product * filter[name]!.length, 1)
  if (names.length > maxNames || combinations > maxCombinations)
    throw invalid(
      `filter: ${names.length} attributes with ${combinations} combinations of values; SNS allows ${maxNames} and ${maxCombinations}; filter by less`,
    )
  const policy = names.map((name) => [nameOf(name), filter[name]!.map(valueOf).toSorted()] as const)
  return JSON.stringify(Object.fromEntries(policy.toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

/** Whether a policy of ours lets a message through: SNS takes up to 15 minutes to go by a new one. */
export function passes(policy: string, attributes: Texts): boolean {
  const found = attributesOf(attributes)
  return Object.entries(JSON.parse(policy) as Record<string, string[]>).every(([name, values]) => {
    const value = found[name]?.StringValue
    return value !== undefined && values.includes(value)
  })
}

/** The same policy, however it is written. */
export function isSamePolicy(a: string, b: string): boolean {
  return canonical(a) === canonical(b)
}

function canonical(policy: string): string {
  const entries = Object.entries(JSON.parse(policy || '{}') as Record<string, unknown>)
  return JSON.stringify(
    entries
      .map(([name, values]) => [name, Array.isArray(values) ? values.map(String).toSorted() : values])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  )
}
