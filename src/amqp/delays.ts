import type { Channel } from 'amqplib'

/*
 * Delays that RabbitMQ keeps by itself, for all blocks of a vhost together: a message's delay, in steps of 100 ms, is
 * written in binary into its routing key, and for each binary digit there is a queue whose messages expire after just that
 * long. One goes from digit to digit, through the queue where the digit is 1 and past it where it is 0, and from the last
 * one to its own queue. All messages of one queue wait equally long, so none waits behind another.
 */

const stepMs = 100
/** The longest life of a message that RabbitMQ knows is 49 days: its highest digit is 38. */
const digits = 26
export const maxDelayMs = (2 ** digits - 1) * stepMs

const due = 'ashlar.due'
const lost = 'ashlar.lost'
const digitName = (digit: number) => `ashlar.delay.${String(digit).padStart(2, '0')}`
/** Where a message goes that is past this digit. */
const below = (digit: number) => (digit === 0 ? due : digitName(digit - 1))

/** Waits at least so long, and at most one step and a moment more. Names with dots are several words to RabbitMQ. */
export function routeOf(address: string, delayMs: number): { exchange: string; route: string } {
  const steps = Math.min(2 ** digits - 1, Math.ceil(delayMs / stepMs))
  const bits = steps.toString(2)
  const key = [...bits.padStart(digits, '0').split(''), wordOf(address)].join('.')
  return { exchange: digitName(bits.length - 1), route: key }
}

const wordOf = (address: string) => address.replaceAll('.', '/')

/** Lets what was delayed for this queue come to it. */
export async function bindDue(channel: Channel, queue: string): Promise<void> {
  await channel.bindQueue(queue, due, `#.${wordOf(queue)}`)
}

/** Makes what delays need, unless it is there: the last part tells. */
export async function declareDelays(channel: Channel): Promise<void> {
  // What comes for a queue that was deleted meanwhile would block the queue that it waits in; here it ends, after a day.
  await channel.assertExchange(lost, 'fanout')
  await channel.assertQueue(lost, {
    arguments: {
      'x-queue-type': 'quorum',
      'x-message-ttl': 86_400_000,
      'x-max-length': 10_000,
      'x-overflow': 'drop-head',
    },
  })
  await channel.bindQueue(lost, lost, '')
  await channel.assertExchange(due, 'topic', { alternateExchange: lost })
  for (let digit = 0; digit < digits; digit++) await declareDigit(channel, digit)
}

async function declareDigit(channel: Channel, digit: number): Promise<void> {
  const name = digitName(digit)
  const before = '*.'.repeat(digits - 1 - digit)
  await channel.assertExchange(name, 'topic')
  await channel.assertQueue(name, { arguments: digitArguments(digit) })
  await channel.bindQueue(name, name, `${before}1.#`)
  await channel.bindExchange(below(digit), name, `${before}0.#`)
}

/** Dead-lettered at least once: a message leaves only when the next queue has it. */
function digitArguments(digit: number): Record<string, unknown> {
  return {
    'x-queue-type': 'quorum',
    'x-message-ttl': stepMs * 2 ** digit,
    'x-dead-letter-exchange': below(digit),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
}
