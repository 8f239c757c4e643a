import { deleteAll, hideAll, type Outcome } from './changes.ts'
import { noteOfCopy, type Lease, type Leases } from './leases.ts'
import type { Stored } from './message.ts'
import type { Target } from './target.ts'

export type Settling =
  | { token: string; outcome: 'done' | 'release' }
  | { token: string; outcome: 'retry'; delayMs: number }
  | { token: string; outcome: 'dead'; error: string }

export interface SettlerSetup {
  target: Target
  leases: Leases
  fifo: boolean
  bury(dead: readonly Stored[]): Promise<unknown>
  /** Stores copies that are lent when so much time has passed. */
  postpone(copies: readonly { stored: Stored; delayMs: number }[]): Promise<unknown>
}

/** The longest that SQS hides a message in all, from when it lent it; and what we leave of that unused. */
export const longestLeaseMs = 43_200_000
const marginMs = 60_000

interface Ending {
  lease: Lease
  settling: Settling
}

/** Ends leases, in few calls, and looks at what SQS says of each. */
export class Settler {
  readonly #setup: SettlerSetup

  constructor(setup: SettlerSetup) {
    this.#setup = setup
  }

  /** @throws when SQS could not be asked about some; what was settled stays so, and the next call is told */
  async settle(settlings: readonly Settling[]): Promise<boolean[]> {
    const { leases } = this.#setup
    const endings = new Map<Lease, Settling>()
    const asked = settlings.map((settling) => {
      const lease = leases.held(settling.token)
      if (!lease || endings.has(lease)) return undefined
      endings.set(lease, settling)
      return lease
    })
    const outcomes = await this.#end([...endings].map(([lease, settling]) => ({ lease, settling })))
    const failed = [...outcomes.values()].find((outcome) => outcome instanceof Error)
    for (const [lease, outcome] of outcomes) {
      if (failed && outcome === 'done') lease.isSettled = true
      else if (!(outcome instanceof Error)) leases.drop(lease)
    }
    if (failed) throw failed
    return asked.map((lease) => lease !== undefined && outcomes.get(lease) === 'done')
  }

  async #end(endings: readonly Ending[]): Promise<Map<Lease, Outcome>> {
    const outcomes = new Map<Lease, Outcome>(endings.map(({ lease }) => [lease, 'done']))
    const open = endings.filter(({ lease }) => !lease.isSettled)
    const moving = open.filter((ending) => !ending.lease.isMoved && this.#isMove(ending))
    for (const [lease, error] of await this.#move(moving)) outcomes.set(lease, error)
    const left = open.filter(({ lease }) => outcomes.get(lease) === 'done')
    const removed = left.filter(({ lease, settling }) => lease.isMoved || settling.outcome === 'done')
    const hidden = left.filter((ending) => !removed.includes(ending))
    const { target } = this.#setup
    const [deletions, changes] = await Promise.all([
      deleteAll(
        target,
        removed.map(({ lease }) => lease.handle),
      ),
      hideAll(
        target,
        hidden.map(({ lease, settling }) => ({ handle: lease.handle, seconds: this.#hiddenSeconds(lease, settling) })),
      ),
    ])
    removed.forEach(({ lease }, i) => outcomes.set(lease, deletions[i]!))
    hidden.forEach(({ lease }, i) => outcomes.set(lease, changes[i]!))
    return outcomes
  }

  /**
   * Whether a copy takes its place: a dead letter's, or one with a delay where SQS cannot hide the message for so long any more. A
   * FIFO queue would lose its order by that.
   */
  #isMove({ lease, settling }: Ending): boolean {
    if (settling.outcome !== 'retry') return settling.outcome === 'dead'
    return !this.#setup.fifo && settling.delayMs > leftMs(lease)
  }

  #hiddenSeconds(lease: Lease, settling: Settling): number {
    if (settling.outcome !== 'retry') return 0
    return Math.min(Math.ceil(settling.delayMs / 1000), Math.floor(leftMs(lease) / 1000))
  }

  /** Answers those whose copies could not be stored. */
  async #move(moving: readonly Ending[]): Promise<[Lease, Error][]> {
    const dead = moving.filter(({ settling }) => settling.outcome === 'dead')
    const late = moving.filter(({ settling }) => settling.outcome !== 'dead')
    const failures = await Promise.all([
      storing(dead, () => this.#setup.bury(dead.map(deadOf))),
      storing(late, () => this.#setup.postpone(late.map(lateOf))),
    ])
    return failures.flat()
  }
}

function leftMs({ sinceMs }: Lease): number {
  return Math.max(0, longestLeaseMs - marginMs - (performance.now() - sinceMs))
}

async function storing(endings: readonly Ending[], store: () => Promise<unknown>): Promise<[Lease, Error][]> {
  if (endings.length === 0) return []
  try {
    await store()
    for (const { lease } of endings) lease.isMoved = true
    return []
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    return endings.map(({ lease }) => [lease, error])
  }
}

function deadOf({ lease, settling }: Ending): Stored {
  const error = settling.outcome === 'dead' ? settling.error : ''
  return { body: lease.body, note: { ...noteOfCopy(lease), dead: { attempts: lease.attempt, error } } }
}

function lateOf({ lease, settling }: Ending): { stored: Stored; delayMs: number } {
  const stored = { body: lease.body, note: { ...noteOfCopy(lease), attempts: lease.attempt } }
  return { stored, delayMs: settling.outcome === 'retry' ? settling.delayMs : 0 }
}
