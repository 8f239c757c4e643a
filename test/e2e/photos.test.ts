import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { demoLogin } from '../../examples/photos/demo-login.ts'
import { until } from '../../src/conformance.ts'
import { RunningService } from './running.ts'
import { Visitor } from './visitor.ts'

const patienceMs = 30_000

let service: RunningService
let site: string
let member: Visitor

before(async () => {
  service = await RunningService.start()
  site = service.url
  member = await new Visitor(site).signUp()
})

after(() => service?.[Symbol.asyncDispose]())

async function picture(background = '#3a6ea5'): Promise<Uint8Array<ArrayBuffer>> {
  const jpeg = await sharp({ create: { width: 900, height: 600, channels: 3, background } })
    .jpeg()
    .toBuffer()
  return new Uint8Array(jpeg)
}

test('an upload becomes a picture in every size, which anyone may keep for ever', async () => {
  const id = await member.upload(await picture(), { title: 'Harbour at dusk', tags: ['harbour'] })
  const photo = await member.prepared(id)
  assert.equal(photo.state, 'ready', photo.problem)
  assert.deepEqual(
    photo.sizes.map(({ width }) => width),
    [320, 800, 900],
  )
  const answer = await fetch(new URL(photo.sizes[0]!.url, site))
  assert.equal(answer.headers.get('content-type'), 'image/webp')
  assert.match(answer.headers.get('cache-control') ?? '', /immutable/)
  assert.equal((await sharp(await answer.arrayBuffer()).metadata()).width, 320)
})

test('a file that is no picture is refused with a reason that only its owner sees', async () => {
  const id = await member.upload(new TextEncoder().encode('no picture'), { title: 'Trouble' })
  const photo = await member.prepared(id)
  assert.equal(photo.state, 'failed')
  assert.match(photo.problem ?? '', /not a picture/)
  const stranger = new Visitor(site)
  assert.equal((await stranger.fetch(`/photo/${id}`)).status, 404)
  assert.ok((await stranger.feed()).every((each) => each.id !== id))
})

test('a like counts once, however often it is sent', async () => {
  const id = await member.upload(await picture('#a53a3a'), { title: 'Liked' })
  const path = `/api/photos/${id}/like`
  const many = await Promise.all(Array.from({ length: 5 }, () => member.api('PUT', path)))
  for (const each of many) assert.deepEqual(each, { likes: 1, liked: true })
  assert.deepEqual(await member.api('DELETE', path), { likes: 0, liked: false })
  assert.deepEqual(await member.api('DELETE', path), { likes: 0, liked: false })
})

test('likes given and taken back at the same time never wait for each other in a circle', async () => {
  const id = await member.upload(await picture('#a53a8a'), { title: 'Undecided' })
  const path = `/api/photos/${id}/like`
  await Promise.all(Array.from({ length: 30 }, (_, index) => member.api(index % 2 ? 'PUT' : 'DELETE', path)))
  assert.deepEqual(await member.api('PUT', path), { likes: 1, liked: true })
})

test('a photo deleted while it is being prepared leaves no picture behind', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
  const create = { width: 2400, height: 1600, channels: 3, background: '#000', noise } as const
  const bytes = new Uint8Array(await sharp({ create }).jpeg().toBuffer())
  const { id: kept } = await member.prepared(await member.upload(bytes, { title: 'Kept' }))
  const { sizes } = await member.photo(kept)
  const gone: string[] = []
  for (const afterMs of [0, 200, 400, 600]) {
    const id = await member.upload(bytes, { title: 'Gone' })
    await sleep(afterMs)
    assert.equal((await member.fetch(`/api/photos/${id}`, { method: 'DELETE' })).status, 204)
    gone.push(id)
  }
  // The one worker takes them in turn: once a later one is ready, it is done with these.
  await member.prepared(await member.upload(await picture('#6e3aa5'), { title: 'Later' }))
  // The same bytes get the same names.
  const urls = gone.flatMap((id) => sizes.map(({ url }) => url.replace(kept, id)))
  for (const url of urls) assert.equal((await fetch(new URL(url, site))).status, 404, url)
})

test('what no page of the site sends is refused, and does not fail', async () => {
  const stranger = new Visitor(site)
  const broken = { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: 'no form' }
  const large = {
    method: 'POST',
    body: JSON.stringify(Object.fromEntries(Array.from({ length: 9e3 }, (_, n) => [n, 1]))),
  }
  assert.equal((await stranger.fetch('/login', broken)).status, 400)
  assert.equal((await stranger.fetch('/api/sessions', large)).status, 413)
  assert.equal((await stranger.fetch('/search?camera=%00')).status, 400)
  assert.equal((await stranger.fetch(`/?page=2026-02-30T02:22:40.804673Z_${'-'.repeat(36)}`)).status, 400)
})

test('search forgives a typo and says what it looked for', async () => {
  const id = await member.upload(await picture('#3aa56e'), { title: 'Kingfisher' })
  let found: Found | undefined
  const isFound = async () => (found = await member.api<Found>('GET', '/api/search?q=kingfihser')).total > 0
  await until('the index has it', isFound, patienceMs)
  assert.equal(found?.corrected, 'kingfisher')
  assert.equal(found?.photos[0]?.id, id)
  assert.equal(found?.photos[0]?.titleHtml, '<mark>Kingfisher</mark>')
})

interface Found {
  total: number
  corrected?: string
  photos: { id: string; titleHtml: string }[]
}

test('a member stays logged in when the instance that answered is killed', async () => {
  const answered = await member.fetch('/')
  const pid = Number(answered.headers.get('x-instance'))
  process.kill(pid, 'SIGKILL')
  assert.equal(await member.isLoggedIn(), true)
  const isReplaced = () => {
    const web = service.status!.processes.filter(({ role }) => role === 'app')
    return web.length === 2 && web.every((each) => each.healthy && each.pid !== pid)
  }
  await until('another instance has taken its place', isReplaced, patienceMs)
  assert.equal(await member.isLoggedIn(), true)
})

test('an upload is at once visible to its owner while the replica is behind', async () => {
  await service.act('lag', { member: 'pg1', seconds: 5 })
  const stranger = new Visitor(site)
  const before = (await stranger.feed()).map(({ id }) => id)
  const id = await member.upload(await picture('#7a3aa5'), { title: 'Just now' })
  assert.ok(!before.includes(id))
  assert.equal((await member.feed())[0]?.id, id)
  for (const path of ['/', `/u/${member.handle}`, `/photo/${id}`])
    assert.match(await (await member.fetch(path)).text(), new RegExp(id), path)
  await service.act('lag', { member: 'pg1', seconds: 0 })
})

test('another site cannot act in a member’s name', async () => {
  const evil = { headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } }
  assert.equal((await member.fetch('/logout', { method: 'POST', ...evil })).status, 403)
  assert.equal(await member.isLoggedIn(), true)
})

test('passwords cannot be guessed by trying', async () => {
  const guesser = new Visitor(site)
  const tries = Array.from({ length: 12 }, () =>
    guesser.fetch('/api/sessions', {
      method: 'POST',
      body: JSON.stringify({ email: 'x@example.org', password: 'guess' }),
    }),
  )
  const answers = (await Promise.all(tries)).map(({ status }) => status)
  assert.ok(answers.includes(429), answers.join(' '))
})

test('only an administrator counts the views again', async () => {
  assert.equal((await member.fetch('/api/admin/replay-views', { method: 'POST' })).status, 403)
  const admin = new Visitor(site)
  const logIn = () => admin.fetch('/api/sessions', { method: 'POST', body: JSON.stringify(demoLogin) })
  await until('the limiter lets this address in again', async () => (await logIn()).status === 204, patienceMs)
  const { recounted } = await admin.api<{ recounted: number }>('POST', '/api/admin/replay-views')
  assert.ok(recounted > 0)
})

test('an orderly stop leaves no process behind', async () => {
  assert.ok((await service.processes()).length > 5)
  service.signal('SIGTERM')
  assert.equal(await service.end(), 0, service.output)
  await until('all processes have gone', async () => (await service.processes()).length === 0, 5_000)
})
