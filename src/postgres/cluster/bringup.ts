import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { ask } from './ask.ts'
import { clone } from './backup.ts'
import type { Crew } from './crew.ts'
import { readControl } from './control.ts'
import { exists, removeFolder, writeState } from './folder.ts'
import { createData } from './initdb.ts'
import type { Member } from './member.ts'
import { choosePort } from './ports.ts'

const startMs = 120_000
const portTries = 5

/** Gets a member's data folder into shape for its role, and starts it. */
export async function bringUp(cluster: Crew, member: Member, signal: AbortSignal): Promise<void> {
  if (member.role === 'replica') {
    await prepareReplica(cluster, member, signal)
    return startSomewhere(cluster, member)
  }
  // A promotion that was cut short: the log must go on under a new timeline, so it is promoted, not just started.
  const unfinished = await exists(path.join(member.data, 'standby.signal'))
  await preparePrimary(cluster, member)
  await startSomewhere(cluster, member)
  if (unfinished) await ask(member.address, 'select pg_promote(true, 60)', [], 'postgres')
  await member.createDatabase()
}

async function preparePrimary(cluster: Crew, member: Member): Promise<void> {
  if (await exists(path.join(member.data, 'PG_VERSION'))) return
  cluster.log('info', member.name, `making a new database in ${member.data}`)
  await createData(cluster.setup.installed, member.data, cluster.setup.password, syncs(cluster))
}

/** A copy is due when there is none, and for a primary that did not stop in order: it may know more than the others. */
async function prepareReplica(cluster: Crew, member: Member, signal: AbortSignal): Promise<void> {
  const whole = await exists(path.join(member.data, 'PG_VERSION'))
  const wasPrimary = whole && !(await exists(path.join(member.data, 'standby.signal')))
  if (!whole || member.mustClone || (wasPrimary && !(await readControl(member.data)).cleanPrimary)) {
    cluster.log('info', member.name, `copying ${cluster.primary.name}`)
    const { owner } = cluster.setup.installed
    await clone(cluster.primary, member, { owner, sync: syncs(cluster), signal })
    member.mustClone = false
  } else if (wasPrimary) await dropSlots(member.data)
}

/** Its slots would keep the old log of a former primary for ever; it is stopped, so their files may go. */
async function dropSlots(data: string): Promise<void> {
  const folder = path.join(data, 'pg_replslot')
  for (const slot of await readdir(folder)) await removeFolder(path.join(folder, slot))
}

/** On its own port, or on the next free one when somebody else was faster. */
async function startSomewhere(cluster: Crew, member: Member): Promise<void> {
  for (let tries = 1; ; tries++) {
    await cluster.configure(member)
    try {
      return await member.start(startMs)
    } catch (error) {
      if (tries === portTries || !/Address already in use/.test(String(error))) throw error
      await movePort(cluster, member)
    }
  }
}

async function movePort(cluster: Crew, member: Member): Promise<void> {
  const { places, state, members } = cluster.setup
  cluster.log('warn', member.name, `port ${member.port} is taken by someone else`)
  const taken = members.map(({ port }) => port)
  member.port = state.ports[member.name] = await choosePort(places.folder, member.port + 1, taken)
  await writeState(places.folder, state)
  if (member.role === 'primary') await cluster.followPrimary()
}

function syncs(cluster: Crew): boolean {
  return cluster.setup.settings['fsync'] !== 'off'
}
