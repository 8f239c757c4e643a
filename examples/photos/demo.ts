import { createHash, randomBytes } from 'node:crypto'
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
    await alone(async () => {
      if (!(await isWanted())) return
      const members = await addMembers()
      for (const [index, photo] of demoPhotos.entries()) if (!signal.aborted) await addPhoto(photo, index, members)
    })
  } catch (error) {
    if (!signal.aborted) console.error(`the demo photos could not be made: ${(error as Error).message}`)
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
  const { others } = await shutter.blocks.db.one<{ others: number }>`
    select count(*)::int as others from photos p join members m on m.id = p.author where m.email not like '%@shutter.example'`
  return others === 0
}

/** @returns ids by handle */
async function addMembers(): Promise<Map<string, string>> {
  const admin = await hashPassword(demoLogin.password)
  const nobody = await hashPassword(randomBytes(32).toString('base64'))
  const ids = new Map<string, string>()
  for (const [index, member] of demoMembers.entries()) {
    const avatar = await addAvatar(index)
    const isAdmin = index === 0
    const { id } = await shutter.blocks.db.one<{ id: string }>`
      insert into members (email, handle, name, bio, avatar, password, admin)
      values (${`${member.handle}@shutter.example`}, ${member.handle}, ${member.name}, ${member.bio}, ${avatar},
              ${isAdmin ? admin : nobody}, ${isAdmin})
      on conflict (lower(email)) do update set avatar = excluded.avatar returning id`
    ids.set(member.handle, id)
  }
  return ids
}

async function addAvatar(index: number): Promise<string> {
  const bytes = await studio.ask('drawPortrait', index)
  const key = `img/avatars/${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}.webp`
  await shutter.blocks.photos.put(key, bytes, { contentType: 'image/webp' })
  return `/${key}`
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
