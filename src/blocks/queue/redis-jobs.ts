import type { Connection } from '../../redis/connection.ts'
import { inParts, parseToken, type Lane } from '../../redis/lease.ts'
import type { Found, Jobs, Pausing } from './driver.ts'
import { cancelScript, findScript, pauseScript, progressScript } from './redis-text.ts'

type Answer = [id: string, state: Found['state'], attempt: number, sentMs: string, progress: string]

export function jobsOf(connection: Connection, lane: Lane): Jobs {
  return {
    async find(id) {
      const found = await connection.run<Answer | null>(findScript, lane.keys, [id])
      if (!found) return undefined
      const [name, state, attempt, sentMs, progress] = found
      const sentAt = new Date(Number(sentMs))
      return { id: name, state, attempt, sentAt, ...(progress === '' ? {} : { progress }) }
    },
    async cancel(ids) {
      let count = 0
      for (const some of inParts([...new Set(ids)]))
        count += await connection.run<number>(cancelScript, lane.keys, [lane.channel, ...some])
      return count
    },
    async progress(token, value) {
      return (await connection.run<number>(progressScript, lane.keys, [...parseToken(token), value])) === 1
    },
  }
}

export function pausingOf(connection: Connection, lane: Lane): Pausing {
  return {
    async set(paused) {
      await connection.run(pauseScript, lane.keys, [lane.channel, paused ? 1 : 0])
    },
    async isPaused() {
      return (await connection.ask((client) => client.hexists(lane.keys[0]!, 'paused'))) === 1
    },
  }
}
