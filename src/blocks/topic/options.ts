import { refuseUnknown } from '../../block.ts'
import { AshlarError, describe, invalid } from '../../errors.ts'
import { dayMs, readConsumerOptions, readRetryOptions } from '../../lease/options.ts'
import { checkKey } from '../../lease/payload.ts'
import { toCount, toMs } from '../../units.ts'
import type { Keep, Outgoing, Subscription, TopicCapabilities } from './driver.ts'
import type { PublishOptions, SubscribeOptions } from './topic.ts'

const maxAttributes = 10
const maxValues = 100

/** What holds for every payload of one call. @throws `invalid_argument`; `unsupported` for what the driver lacks */
export function readPublishOptions(
  options: PublishOptions,
  has: TopicCapabilities,
): Omit<Outgoing, 'body' | 'headers'> {
  refuseUnknown('topic.publish', options, ['tx', 'attributes', 'key'])
  const { attributes = {}, key } = options
  checkNames('attributes', Object.keys(attributes))
  for (const [name, value] of Object.entries(attributes)) checkKey(`attributes.${name}`, value)
  if (key === undefined) return { attributes }
  if (!has.ordered)
    throw new AshlarError('unsupported', "topic: this driver has no 'ordered'; leave the key out, or use postgres:")
  return { attributes, key: checkKey('key', key) }
}

/** @throws `invalid_argument` */
export function readSubscribeOptions(options: SubscribeOptions) {
  const known = ['filter', 'keep', 'attempts', 'visibility', 'backoff', 'maxBackoff', 'concurrency', 'drain']
  refuseUnknown('topic.subscribe', options, known)
  return { ...readRetryOptions(options), ...readConsumerOptions(options) }
}

/** @throws `invalid_argument`; `unsupported` when the driver cannot filter */
export function readFilter({ filter = {} }: SubscribeOptions, has: TopicCapabilities): Subscription['filter'] {
  checkNames('filter', Object.keys(filter))
  if (Object.keys(filter).length > 0 && !has.filters)
    throw new AshlarError('unsupported', "topic: this driver has no 'filters'; leave the filter out, or use postgres:")
  return Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, readValues(`filter.${name}`, value)]))
}

const maxMessages = 1_000_000

/** @throws `invalid_argument`; `unsupported` when the driver cannot keep a number of messages */
export function readKeep({ keep = {} }: SubscribeOptions, has: TopicCapabilities): Keep {
  refuseUnknown('topic.subscribe keep', keep, ['age', 'messages'])
  const ms = toMs('keep.age', keep.age ?? '7d', { min: 1000, max: 3650 * dayMs })
  if (has.keepsMessages)
    return { ms, messages: toCount('keep.messages', keep.messages ?? maxMessages, { min: 1, max: 1000 * maxMessages }) }
  if (keep.messages === undefined) return { ms, messages: Infinity }
  throw new AshlarError(
    'unsupported',
    "topic: this driver has no 'keepsMessages'; leave keep.messages out, give keep.age, or use postgres:",
  )
}

function readValues(what: string, value: string | readonly string[]): string[] {
  const values = typeof value === 'string' ? [value] : [...value]
  if (values.length < 1 || values.length > maxValues)
    throw invalid(`${what}: ${values.length} values; allowed are 1 to ${maxValues}`)
  return values.map((each) => checkKey(what, each))
}

function checkNames(what: string, names: readonly string[]): void {
  if (names.length > maxAttributes)
    throw invalid(`${what}: ${names.length} attributes; allowed are at most ${maxAttributes}`)
  for (const name of names) checkKey(what, name)
}

/** A subscription's name: up to 128 letters, digits, `.`, `-`, `_`, since engines make names of it. @throws `invalid_argument` */
export function checkSubscription(name: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) return name
  throw invalid(
    `topic: '${describe(name)}' is not a subscription name; write 1 to 128 letters, digits, '.', '-' or '_', a letter or digit first`,
  )
}
