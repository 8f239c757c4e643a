import { Client, drawJpeg } from './client.ts'
import { ask } from './records.ts'
import { never, type Row } from './report.ts'
import { Shutter } from './shutter.ts'
import { until } from './until.ts'

const members = 4
/** What a round waits for before it kills: enough for every kind of write to be under way. */
const enough = { photos: 6, likes: 12 }

/** What was acknowledged to the members. */
interface Promised {
  photos: string[]
  likes: { photo: string; member: string }[]
}

/** Kills every process at once under load, so many times, and starts again. `end` counts what was acknowledged and is missing. */
export async function killEverything(
  first: Shutter,
  rounds: number,
  started: (now: Shutter) => void,
): Promise<{ end(now: Shutter): Promise<Row[]> }> {
  let shutter = first
  let clients = await Promise.all(Array.from({ length: members }, (_, each) => member(shutter, 300 + each)))
  const promised: Promised = { photos: [], likes: [] }
  for (let round = 1; round <= rounds; round++) {
    const killed = await loadAndKill(shutter, clients, promised)
    started((shutter = await Shutter.start({ folder: shutter.folder })))
    console.log(
      `round ${round}: killed ${killed} processes; answered again after ${(shutter.startMs / 1000).toFixed(2)} s`,
    )
    clients = clients.map((client, each) => client.movedTo(shutter.edge, 300 + each))
  }
  return { end: (now) => missing(now, clients, promised) }
}

async function member(shutter: Shutter, number: number): Promise<Client> {
  const client = new Client(shutter.edge, number)
  await client.signUp()
  return client
}

async function loadAndKill(shutter: Shutter, clients: Client[], promised: Promised): Promise<number> {
  const picture = await drawJpeg(400, 7)
  const before = { photos: promised.photos.length, likes: promised.likes.length }
  const stop = new AbortController()
  const load = clients.map((client) => work(client, picture, promised, stop.signal))
  await until(
    'enough to be acknowledged',
    60_000,
    () =>
      promised.photos.length - before.photos >= enough.photos && promised.likes.length - before.likes >= enough.likes,
    5,
  )
  const killed = await shutter.killAll()
  stop.abort()
  await Promise.all(load)
  for (const client of clients) client.close()
  return killed
}

/** Uploads and likes until all is gone; notes an answer only when it has come whole. */
async function work(client: Client, picture: Uint8Array, promised: Promised, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      promised.photos.push(await client.upload('Under load', picture))
      for (const photo of promised.photos.slice(-4)) {
        await client.json(`/api/photos/${photo}/like`, 'PUT', {})
        promised.likes.push({ photo, member: client.name })
      }
    } catch (error) {
      if (!signal.aborted && !/ECONN|hang up|: (429|502|503)/.test(String(error))) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function missing(shutter: Shutter, clients: Client[], { photos, likes }: Promised): Promise<Row[]> {
  const kept = await ask<{ id: string }>(shutter.folder, 'select id from photos where id = any($1::uuid[])', [photos])
  const known = await ask<{ key: string }>(
    shutter.folder,
    `select likes.photo || ' ' || members.handle as key from likes join members on members.id = likes.member`,
  )
  const keys = new Set(known.map(({ key }) => key))
  const lost = likes.filter(({ photo, member: name }) => !keys.has(`${photo} ${name}`)).length
  const answers = await Promise.all(clients.map((client) => client.ask('/upload')))
  for (const client of clients) client.close()
  return [
    never('acknowledged photos lost, everything killed', photos.length - kept.length, photos.length),
    never('acknowledged likes lost', lost, likes.length),
    never('sessions lost', answers.filter(({ status }) => status !== 200).length, answers.length),
  ]
}
