import type { Asking } from './asking.ts'
import type { ConsumerSetup } from './consumer.ts'
import type { StreamDriver } from './driver.ts'
import { offsetsOf, type Place } from './places.ts'

type Asked = 'join' | 'heartbeat' | 'commit' | 'read' | 'dropped' | 'position' | 'park'

const readBytes = 4 * 1024 ** 2
const readWaitMs = 20_000

/** A driver as one member of a group asks it: measured, errors wrapped. */
export function memberOf(
  driver: StreamDriver,
  asking: Asking,
  { group, member, sessionMs, from }: { group: string; member: string; sessionMs: number; from: Place },
): Pick<ConsumerSetup, Asked> {
  return {
    join: (changed) =>
      asking.run('join', `joining group '${group}'`, () => driver.join(group, { member, sessionMs, changed })),
    heartbeat: (membership, holding) =>
      asking.run('heartbeat', `beating for group '${group}'`, () => membership.heartbeat(holding)),
    commit: (membership, generation, offsets) =>
      asking.run('commit', `committing for group '${group}'`, () => membership.commit(generation, offsets)),

    read: (partition, offset, maxRecords, signal) =>
      asking.wait('reading', () =>
        driver.read(partition, offset, { maxRecords, maxBytes: readBytes, waitMs: readWaitMs, signal }),
      ),
    dropped: async (partition, from, to) => {
      if (!driver.capabilities.contiguous) return 0 // nothing tells how many there were
      const { start } = await asking.run('bounds', 'asking for bounds', async () => (await driver.bounds())[partition]!)
      return Number(start < to ? start : to) - Number(from)
    },
    position: (partition) =>
      asking.run('position', `finding the place of group '${group}'`, async () => {
        const committed = await driver.committed(group)
        return committed.get(partition) ?? (await offsetsOf(driver, from))[partition]!
      }),
    park: (record) => asking.run('park', 'parking a record', () => driver.park(group, [record])),
  }
}
