import { ask } from './ask.ts'
import type { Crew } from './crew.ts'
import { parseLsn, readControl } from './control.ts'
import { fail } from './fail.ts'
import type { Member } from './member.ts'
import { slotOf } from './settings.ts'
import { within } from './wait.ts'

const stopMs = 30_000
const frozenMs = 2_000

/**
 * Makes a replica the primary. While the old one answers it is stopped in order first, and only a replica that has
 * all of its log takes over: nothing acknowledged is lost. Otherwise what had not reached the replica is lost.
 */
export async function switchOver(cluster: Crew, target: Member): Promise<void> {
  const old = cluster.primary
  if (target === old) return
  if (!target.isUp) throw fail('unavailable', `promote: ${target.name} is not running; try again when it is`)
  if (target.lagSeconds > 0) await cluster.setLag(target, 0)
  if (await answers(old)) await handOver(cluster, old, target)
  else await takeAway(cluster, old)
  await takeOver(cluster, target)
  await cluster.followPrimary()
  cluster.keeper(old).release()
}

async function answers(member: Member): Promise<boolean> {
  if (!member.isUp) return false
  let answered = false
  void ask(member.address, 'select 1').then(
    () => (answered = true),
    () => undefined,
  )
  return within(frozenMs, () => answered || !member.isUp).then(() => answered)
}

async function handOver(cluster: Crew, old: Member, target: Member): Promise<void> {
  const [streams] = await ask(
    old.address,
    `select 1 from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid
     where s.slot_name = $1 and r.state = 'streaming'`,
    [slotOf(target.name)],
  )
  if (!streams)
    throw fail('unavailable', `promote: ${target.name} does not stream from ${old.name}; nothing was changed`)
  await cluster.keeper(old).hold(stopMs)
  if (await hasAll(old, target)) return
  cluster.keeper(old).release()
  throw fail('unavailable', `promote: ${target.name} lacks the end of ${old.name}'s log; ${old.name} stays the primary`)
}

/** Nothing follows the checkpoint of an orderly stop, so a replica that has received that record has everything. */
async function hasAll(old: Member, target: Member): Promise<boolean> {
  const { cleanPrimary, checkpoint } = await readControl(old.data)
  if (!cleanPrimary) return false
  return within(5_000, async () => (await received(target)) > checkpoint)
}

async function received(target: Member): Promise<bigint> {
  const [row] = await ask<{ lsn: string | null }>(target.address, 'select pg_last_wal_receive_lsn()::text as lsn')
  return parseLsn(row?.lsn ?? '0/0')
}

async function takeAway(cluster: Crew, old: Member): Promise<void> {
  cluster.log('warn', old.name, 'does not answer: failing over without it')
  await cluster.keeper(old).hold(0) // it would not hear anything gentler
}

async function takeOver(cluster: Crew, target: Member): Promise<void> {
  for (const { name } of cluster.setup.members.filter((member) => member !== target))
    await reserve(target, slotOf(name))
  await cluster.setPrimary(target)
  if (!(await becomesPrimary(target))) {
    cluster.log('warn', target.name, 'was not promoted within 60 s: starting it as the primary')
    await cluster.keeper(target).hold()
    await cluster.keeper(target).begin() // finishes the promotion
  }
  target.healthy = true
  for (const member of cluster.setup.members) cluster.changed(member)
  cluster.log('info', target.name, 'is the primary now')
}

async function becomesPrimary(target: Member): Promise<boolean> {
  const rows = await ask<{ done: boolean }>(target.address, 'select pg_promote(true, 60) as done').catch(() => [])
  return rows[0]?.done === true
}

async function reserve(target: Member, slot: string): Promise<void> {
  await ask(
    target.address,
    `select pg_create_physical_replication_slot($1, true)
     where not exists (select 1 from pg_replication_slots where slot_name = $1)`,
    [slot],
  )
}
