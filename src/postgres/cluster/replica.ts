import { ask } from './ask.ts'
import type { Crew } from './crew.ts'
import type { Member } from './member.ts'
import { slotOf } from './settings.ts'
import type { SlotState } from './watch.ts'

/** What a replica writes to its log when no waiting will ever let it stream again. */
const hopeless = new RegExp(
  [
    'forked off current database system timeline',
    'requested WAL segment .* has already been removed',
    'requested starting point .* is ahead of the WAL flush position',
    'highest timeline \\d+ of the primary is behind recovery timeline',
    'database system identifier differs',
    'replication slot .* (has been invalidated|can no longer (get|access))',
    'insufficient parameter settings',
  ].join('|'),
)

const patienceMs = 60_000

/** Judges one replica by what the primary says of its slot, and has it copied afresh when it cannot follow. */
export async function watchReplica(
  cluster: Crew,
  replica: Member,
  slot: SlotState | undefined,
  primaryAnswers: boolean,
): Promise<void> {
  replica.healthy = replica.isUp && slot?.state === 'streaming'
  if (!primaryAnswers) return
  if (!slot && replica.pid !== undefined) await makeSlot(cluster, replica) // one that is being copied makes its own
  if (replica.pid === undefined || (slot?.state ?? undefined) !== undefined) {
    replica.silentSince = undefined
    return
  }
  const why = reason(replica, slot)
  if (why === undefined) return
  cluster.log('warn', replica.name, `cannot follow ${cluster.primary.name} (${why}): copying it afresh`)
  replica.silentSince = undefined
  replica.mustClone = true
  void replica.stop(0) // its keeper starts it again, with a fresh copy
}

function reason(replica: Member, slot: SlotState | undefined): string | undefined {
  if (slot?.lost) return 'the log that it needs is gone'
  const said = hopeless.exec(replica.log.tail())?.[0]
  if (said !== undefined) return said
  if (!replica.isUp) return undefined // it replays its own log; that may take long
  replica.silentSince ??= performance.now()
  // One that lags on purpose works off its own log before it asks for more.
  const tooLong = replica.lagSeconds === 0 && performance.now() - replica.silentSince > patienceMs
  return tooLong ? `not streaming for ${patienceMs / 1000} s` : undefined
}

/** Slots of members that this cluster no longer has would keep the log for nobody. */
export async function dropStrangers(cluster: Crew, slots: SlotState[]): Promise<void> {
  const ours = new Set(cluster.setup.members.map(({ name }) => slotOf(name)))
  for (const { slot, state } of slots) {
    if (!/^ashlar_pg\d$/.test(slot) || ours.has(slot) || state !== null) continue
    await ask(cluster.primary.address, 'select pg_drop_replication_slot($1)', [slot]).catch(() => undefined)
  }
}

/** Keeps the log for a replica from now on, up to max_slot_wal_keep_size. */
async function makeSlot(cluster: Crew, replica: Member): Promise<void> {
  await ask(
    cluster.primary.address,
    `select pg_create_physical_replication_slot($1, true)
     where not exists (select 1 from pg_replication_slots where slot_name = $1)`,
    [slotOf(replica.name)],
  ).catch((error: Error) => cluster.log('warn', replica.name, error.message))
}
