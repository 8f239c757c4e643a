import type { TestEvent } from 'node:test/reporters'

/** A reporter for `node --test` that writes how many tests ran; a file without tests, which Node counts as one, is none. */
export default async function* count(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let ran = 0
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, skip, details } = event.data
    if (details.type !== 'suite' && skip === undefined && !name.endsWith('.test.ts')) ran += 1
  }
  yield String(ran)
}
