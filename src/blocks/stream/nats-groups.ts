import { nameIn } from '../../nats/names.ts'
import { isConflict, readKept, writeKept } from '../../nats/kept.ts'
import type { Link } from '../../nats/link.ts'
import { NatsFault } from '../../nats/faults.ts'
import { infoOf } from '../../nats/streams.ts'
import type { GroupStore } from './group-store.ts'
import type { Places } from './nats-places.ts'

/** A text for each group, under a subject of its own, written if it is still as it was read. */
export function groupStoreOf(link: Link, places: Places): GroupStore {
  return {
    async names() {
      const options = { subjects_filter: places.everyGroup }
      const { state } = await link.manage(({ streams }) => streams.info(places.groups, options))
      return Object.keys(state.subjects ?? {}).map((subject) => nameIn(subject.slice(subject.lastIndexOf('.') + 1)))
    },
    async read(group) {
      const [{ text, revision }, nowMs] = await Promise.all([
        readKept(link, places.groups, places.group(group)),
        clockOf(link, places.groups),
      ])
      return { text, version: String(revision), nowMs }
    },
    async write(group, text, version) {
      try {
        await writeKept(link, places.group(group), text, Number(version))
        return true
      } catch (error) {
        if (isConflict(error)) return false
        throw error
      }
    },
  }
}

/** The clock of the server that leads the stream, which all members ask. */
async function clockOf(link: Link, stream: string): Promise<number> {
  const info = await infoOf(link, stream)
  const nowMs = Date.parse(info?.ts ?? '')
  if (Number.isNaN(nowMs)) throw new NatsFault('internal', `stream ${stream} tells no time; open the block again`)
  return nowMs
}
