import type { kafka } from '../../src/native.ts'
import type { StreamDriver } from '../../src/blocks/stream/driver.ts'

type KafkaNative = NonNullable<(typeof kafka)['of']>

/** Takes away the topics of streams, so that a server that many tests share stays quick. */
export async function deleteTopics(drivers: readonly StreamDriver[]): Promise<void> {
  const natives = drivers.map((each) => each.native as KafkaNative)
  const ours = new Set(natives.flatMap(({ topic }) => [topic, `${topic}.parked`]))
  for (const { admin } of natives.slice(0, 1)) {
    const topics = (await admin.listTopics()).filter((topic) => ours.has(topic))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  }
}
