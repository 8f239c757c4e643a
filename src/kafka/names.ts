import { createHash } from 'node:crypto'

const maxTopicLength = 249
const parkedEnding = '.parked'

/**
 * A topic's name. Kafka takes `a.b` and `a_b` for the same in its metrics and refuses the second, so `_` is written `..`: no
 * name of ours has an empty part. What is too long is cut and ends in a hash.
 */
export function topicOf(engineName: string): string {
  const name = engineName.replaceAll('_', '..')
  const max = maxTopicLength - parkedEnding.length
  if (name.length <= max) return name
  return `${name.slice(0, max - 17)}-${createHash('sha256').update(engineName).digest('hex').slice(0, 16)}`
}

/** Where records are that groups of a topic have set aside. */
export function parkedTopicOf(topic: string): string {
  return topic + parkedEnding
}

/** Groups of two streams are never one, whatever their names: no name of a stream or service has a `:`. */
export function groupIdOf(engineName: string, group: string): string {
  return `${engineName}:${group}`
}

/** The group's name, if it is one of this stream. */
export function groupOf(engineName: string, groupId: string): string | undefined {
  const start = `${engineName}:`
  return groupId.startsWith(start) ? groupId.slice(start.length) : undefined
}
