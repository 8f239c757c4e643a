import { createHash } from 'node:crypto'
import { shutter } from './blueprint.ts'
import { demoLogin } from './demo-login.ts'
import { demoPhotos, type DemoPhoto } from './studio/demo-photos.ts'
import { like } from './likes.ts'
import { hashPassword } from './passwords.ts'
import { originalKey, publish } from './publish.ts'
import { demoMembers } from './studio/demo-members.ts'
import { between, randomOf, type Random } from './studio/draw/random.ts'
import { studio } from './studio/studio.ts'

// Something to look at after the first `ashlar dev`: drawn here, so that it needs no network and belongs to nobody. The
// pictures take the way of every upload: bucket, row, job, event.

const hourMs = 3_600_000

/** Makes the demo where there are no photos yet, or goes on with it after a restart. One worker does it; never throws. */
export async function makeDemo(signal: AbortSignal): Promise<void> {
  try {
    await alone(() => makeAll(signal))
  } catch (error) {
    if (!signal.aborted) console.error(`the demo photos could not be made: ${(error as Error).message}`)
  }
}

/** The first photo as soon as can be; the members' own pictures in between. */
async function makeAll(signal: AbortSignal): Promise<void> {
  if (!(await isWanted())) return
  const members = await addMembers()
  for (const [index, photo] of demoPhotos.entries()) {
    if (signal.aborted) return
    await addPhoto(photo, index, members)
    if (index < demoMembers.length) await addPortrait(index)
  }
}

/** Runs the work unless another worker is at it: the lock goes with the connection, even of a process that dies. */
async function alone(work: () => Promise<void>): Promise<void> {
  const client = await shutter.blocks.db.connect()
  try {
    const { rows } = await client.query<{ mine: boolean }>(
      `select pg_try_advisory_lock(hashtext('shutter demo')) as mine`,
    )
    if (!rows[0]?.mine) return
    await work().finally(() => client.query(`select pg_advisory_unlock(hashtext('shutter demo'))`))
  } finally {
    client.release()
  }
}

async function isWanted(): Promise<boolean> {
  const { others, drawn } = await shutter.blocks.db.one<{ others: number; drawn: number }>`
    select count(*) filter (where m.email not like '%@shutter.example')::int as others,
      count(*) filter (where p.upload like '%/demo-%')::int as drawn
    from photos p join members m on m.id = p.author`
  return others === 0 && drawn < demoPhotos.length
}

/** Only the administrator can log in. @returns ids by handle */
async function addMembers(): Promise<Map<string, string>> {
  const password = await hashPassword(demoLogin.password)
  const ids = new Map<string, string>()
  for (const { handle, name, bio } of demoMembers) {
    const isAdmin = `${handle}@shutter.example` === demoLogin.email
    const { id } = await shutter.blocks.db.one<{ id: string }>`
      insert into members (email, handle, name, bio, password, admin)
      values (${`${handle}@shutter.example`}, ${handle}, ${name}, ${bio}, ${isAdmin ? password : 'none'}, ${isAdmin})
      on conflict (lower(email)) do update set bio = excluded.bio returning id`
    ids.set(handle, id)
  }
  return ids
}

async function addPortrait(index: number): Promise<void> {
  const { db, photos } = shutter.blocks
  const bytes = await studio.ask('drawPortrait', index)
  const key = `img/avatars/${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}.webp`
  await photos.put(key, bytes, { contentType: 'image/webp' })
  await db.run`update members set avatar = ${`/${key}`} where handle = ${demoMembers[index]!.handle}`
}

async function addPhoto(photo: DemoPhoto, index: number, members: ReadonlyMap<string, string>): Promise<void> {
  const { db, photos } = shutter.blocks
  const author = members.get(photo.by)!
  const upload = originalKey(author, `demo-${photo.seed}`)
  if (await db.maybe`select 1 from photos where upload = ${upload}`) return
  const publishedAt = new Date(Date.now() - (2 + index * 7.3) * hourMs)
  const artist = demoMembers.find(({ handle }) => handle === photo.by)!.name
  const takenAt = new Date(publishedAt.getTime() - (30 + index * 11) * 24 * hourMs)
  const bytes = await studio.ask('drawPhoto', index, artist, takenAt)
  await photos.put(upload, bytes, { contentType: 'image/jpeg' })
  const { title, caption, tags } = photo
  const id = await publish({ author, upload, title, caption, tags, attribution: undefined, publishedAt })
  await addInterest(id, publishedAt, members, randomOf(photo.seed))
}

/** Likes by the other members, and views over the past days. */
async function addInterest(
  photo: string,
  since: Date,
  members: ReadonlyMap<string, string>,
  random: Random,
): Promise<void> {
  for (const member of members.values()) if (random() < 0.6) await like(photo, member)
  const now = Date.now()
  const views = Array.from({ length: Math.round(between(random, 20, 140)) }, () => {
    const at = new Date(between(random, Math.max(since.getTime(), now - 47 * hourMs), now))
    return { photo, viewer: undefined, at: at.toISOString() }
  })
  await shutter.blocks.views.appendMany(views)
}
