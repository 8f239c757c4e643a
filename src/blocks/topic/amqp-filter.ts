import { createHash } from 'node:crypto'
import { AshlarError } from '../../errors.ts'
import type { Subscription } from './driver.ts'

/** Arguments of a binding: a message must have all of these headers. */
export type Binding = Record<string, string>

const mostBindings = 500

/**
 * The bindings of a filter: one for each combination of its values, for a binding knows one value a header.
 * @throws `unsupported` when there are too many
 */
export function bindingsOf(filter: Subscription['filter']): Binding[] {
  const count = Object.values(filter).reduce((product, values) => product * values.length, 1)
  if (count > mostBindings)
    throw new AshlarError(
      'unsupported',
      `topic: the filter has ${count} combinations of values; RabbitMQ can keep ${mostBindings} for a subscription: name fewer`,
    )
  let bindings: Binding[] = [{ 'x-match': 'all' }]
  for (const [name, values] of Object.entries(filter))
    bindings = bindings.flatMap((binding) => values.map((value) => ({ ...binding, [headerOf(name)]: value })))
  return bindings
}

/** What bindings look at in a message. */
export function attributeHeaders(attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [headerOf(name), value]))
}

/** Names that begin with x- are not looked at, and none may be longer than 255 bytes. */
function headerOf(name: string): string {
  if (Buffer.byteLength(name) <= 128) return `attribute.${name}`
  return `attribute-${createHash('sha256').update(name).digest('hex')}`
}
