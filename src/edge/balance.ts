import type { Balance } from './config.ts'

/** What a policy sees of an endpoint. */
export interface Load {
  /** Requests under way. */
  readonly active: number
}

/** Chooses among the healthy endpoints (never empty). */
export type Policy = <E extends Load>(endpoints: readonly E[]) => E

const policies: Record<Balance, () => Policy> = { 'round-robin': roundRobin, 'least-connections': leastConnections }

/** A policy with a turn of its own. */
export function policyOf(balance: Balance): Policy {
  return policies[balance]()
}

function roundRobin(): Policy {
  let next = 0
  return (endpoints) => endpoints[next++ % endpoints.length]!
}

/** The one with the fewest requests under way; among equals in turn, so that an idle fleet shares evenly. */
function leastConnections(): Policy {
  let next = 0
  return (endpoints) => {
    const fewest = Math.min(...endpoints.map(({ active }) => active))
    const equal = endpoints.filter(({ active }) => active === fewest)
    return equal[next++ % equal.length]!
  }
}
