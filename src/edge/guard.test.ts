import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose'
import { isAshlarError } from '../errors.ts'
import { Fleet, httpPeer, openRig } from '../../test/edge/rig.ts'
import { sessionGuard, type Checked } from './auth.ts'
import { jwtGuard } from './jwt.ts'
import type { Client } from './client.ts'
import type { JwtAuth } from './config.ts'
import { jwt } from './index.ts'
import { RemoteKeySet } from './key-set.ts'
import type { IncomingMessage } from 'node:http'

const client: Client = { address: '10.0.0.1', proto: 'http', host: 'x' }
const issuer = 'https://issuer.test'
const options: Omit<JwtAuth, 'kind' | 'jwks'> = { issuer, audience: 'shop' }

interface Signer {
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

async function signer(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
}

function token({ kid, privateKey }: Signer, claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const payload = { sub: 'ada', iss: issuer, aud: 'shop', exp: now + 60, ...claims }
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
}

function withToken(text: string): IncomingMessage {
  return { headers: { authorization: `Bearer ${text}` } } as IncomingMessage
}

function statusOf(checked: Checked): number | string | undefined {
  return 'refused' in checked ? checked.refused : checked.subject
}

/** A key server whose keys the test changes; `down` makes it answer 500. */
async function keyServer(...signers: Signer[]) {
  const state = { keys: signers.map(({ jwk }) => jwk), down: false, asked: 0 }
  const peer = await httpPeer((_, response) => {
    state.asked++
    if (state.down) return void response.writeHead(500).end()
    response.end(JSON.stringify({ keys: state.keys }))
  })
  return Object.assign(peer, { state, url: `http://127.0.0.1:${peer.port}/jwks` })
}

test('a valid token passes with its subject; expired, early, foreign, forged and unsigned ones do not', async () => {
  const [key, other] = [await signer('a'), await signer('a')]
  const check = jwtGuard(jwt({ jwks: { keys: [key.jwk] }, ...options }))
  const ask = async (text: string) => statusOf(await check(withToken(text), client))
  assert.equal(await ask(await token(key)), 'ada')
  const now = Math.floor(Date.now() / 1000)
  assert.equal(await ask(await token(key, { exp: now - 3600 })), 401)
  assert.equal(await ask(await token(key, { nbf: now + 3600 })), 401)
  assert.equal(await ask(await token(key, { aud: 'other' })), 401)
  assert.equal(await ask(await token(key, { iss: 'https://evil.test' })), 401)
  assert.equal(await ask(await token(other)), 401)
  assert.equal(await ask(new UnsecuredJWT({ sub: 'ada', iss: issuer, aud: 'shop' }).encode()), 401)
  const confused = new SignJWT({ sub: 'ada', iss: issuer, aud: 'shop' }).setProtectedHeader({ alg: 'HS256', kid: 'a' })
  assert.equal(await ask(await confused.sign(new TextEncoder().encode(JSON.stringify(key.jwk)))), 401)
  for (const nonsense of ['', 'a.b', 'a.b.c', `${'x'.repeat(9000)}.b.c`]) assert.equal(await ask(nonsense), 401)
})

test('each scope that a route names is needed', async () => {
  const key = await signer('a')
  const check = jwtGuard(jwt({ jwks: { keys: [key.jwk] }, ...options, scopes: ['read', 'write'] }))
  const ask = async (scope: unknown) => statusOf(await check(withToken(await token(key, { scope })), client))
  assert.equal(await ask('write read'), 'ada')
  for (const scope of ['read', 'readwrite', undefined, ['read', 'write']]) assert.equal(await ask(scope), 403)
})

test('a flood of unknown key ids costs one look a cooldown, and good tokens pass all along', async () => {
  const key = await signer('a')
  await using server = await keyServer(key)
  const check = jwtGuard(jwt({ jwks: server.url, ...options }), new RemoteKeySet(server.url).key)
  const good = await token(key)
  assert.equal(statusOf(await check(withToken(good), client)), 'ada')
  const flood = Array.from({ length: 200 }, async (_, each) =>
    statusOf(await check(withToken(await token({ ...key, kid: `made-up-${each}` })), client)),
  )
  assert.ok((await Promise.all(flood)).every((status) => status === 401))
  assert.equal(statusOf(await check(withToken(good), client)), 'ada')
  assert.equal(server.state.asked, 1)
})

test('a rotated key is taken without a restart; a key that was withdrawn no longer counts', async () => {
  const [old, fresh] = [await signer('old'), await signer('new')]
  await using server = await keyServer(old)
  const check = jwtGuard(
    jwt({ jwks: server.url, ...options }),
    new RemoteKeySet(server.url, { cooldownMs: 0, retryMs: 0 }).key,
  )
  assert.equal(statusOf(await check(withToken(await token(old)), client)), 'ada')
  server.state.keys = [fresh.jwk]
  assert.equal(statusOf(await check(withToken(await token(fresh)), client)), 'ada')
  assert.equal(statusOf(await check(withToken(await token(old)), client)), 401)
})

test('when the key server is down the last known keys stay; without any, nobody is told that a token is bad', async () => {
  const key = await signer('a')
  await using server = await keyServer(key)
  const check = jwtGuard(
    jwt({ jwks: server.url, ...options }),
    new RemoteKeySet(server.url, { cooldownMs: 0, retryMs: 0 }).key,
  )
  const good = await token(key)
  server.state.down = true
  await assert.rejects(check(withToken(good), client), (error) => isAshlarError(error, 'unavailable'))
  server.state.down = false
  assert.equal(statusOf(await check(withToken(good), client)), 'ada')
  server.state.down = true
  assert.equal(statusOf(await check(withToken(await token({ ...key, kid: 'b' })), client)), 401)
  assert.equal(statusOf(await check(withToken(good), client)), 'ada')
})

test('a key server that cannot be reached at all makes a 503, and one attempt a second', async () => {
  await using server = await keyServer()
  server.state.down = true
  await using app = await httpPeer((_, response) => response.end('ok'))
  await using rig = await openRig(new Fleet(app.port), { guard: jwtGuard(jwt({ jwks: server.url })) })
  const good = await token(await signer('a'))
  const asked = Array.from({ length: 20 }, () => fetch(rig.url, { headers: { authorization: `Bearer ${good}` } }))
  assert.ok((await Promise.all(asked)).every(({ status }) => status === 503))
  assert.ok(server.state.asked < 20)
})

test('a subject that no header can carry arrives percent-encoded, and takes no instance out', async () => {
  const seen: (string | undefined)[] = []
  await using app = await httpPeer(({ headers }, response) => {
    seen.push(String(headers['x-ashlar-subject']))
    response.end()
  })
  const subjects = ['auth0|7', 'José', 'a\r\nX-Admin: 1', '100%', '日本', ' ']
  let next = 0
  await using rig = await openRig(new Fleet(app.port), { guard: async () => ({ subject: subjects[next++] }) })
  for (const _ of subjects) assert.equal((await fetch(rig.url)).status, 200)
  assert.equal(seen[0], 'auth0|7')
  assert.deepEqual(
    seen.map((each) => decodeURIComponent(each!)),
    subjects,
  )
})

test('the session cookie is looked for under the name that it has over https, when the client spoke https', async () => {
  const urls: string[] = []
  const guard = sessionGuard(
    { kind: 'session', sessions: 's' },
    { of: async ({ url }) => (urls.push(url), { user: 'ada' }) },
  )
  const incoming = { headers: { cookie: '__Host-sid=x' } } as IncomingMessage
  await guard(incoming, { ...client, proto: 'https' })
  await guard(incoming, client)
  assert.deepEqual(urls, ['https://edge/', 'http://edge/'])
})

test('refused requests count against their address; then it is not even checked until its time is over', async () => {
  let checks = 0
  const taken = new Map<string, number>()
  const take = async (key: string) => {
    const count = (taken.get(key) ?? 0) + 1
    taken.set(key, count)
    return { allowed: count <= 3, retryAfterMs: 60_000, headers: { 'retry-after': '60' } }
  }
  const guard = async () => (checks++, { refused: 401 as const, challenge: 'Bearer' })
  await using rig = await openRig(new Fleet(), { guard, limit: { take }, trustedHops: 1 })
  const ask = async (from: string) => (await fetch(rig.url, { headers: { 'x-forwarded-for': from } })).status
  const got: number[] = []
  for (let each = 0; each < 6; each++) got.push(await ask(`6.6.6.${each}, 1.2.3.4:${1000 + each}`))
  assert.deepEqual(got, [401, 401, 401, 429, 429, 429])
  assert.equal(checks, 4)
  assert.equal(await ask('5.5.5.5'), 401)
})

test('who is recognised is counted by subject, whatever the address; a stranger by address', async () => {
  const keys: string[] = []
  const take = async (key: string) => (keys.push(key), { allowed: true, retryAfterMs: 0, headers: {} })
  await using app = await httpPeer((_, response) => response.end())
  let subject: string | undefined = 'ada'
  await using rig = await openRig(new Fleet(app.port), { guard: async () => ({ subject }), limit: { take } })
  await fetch(rig.url)
  subject = undefined
  await fetch(rig.url, { headers: { 'x-forwarded-for': '9.9.9.9' } })
  assert.deepEqual(keys, ['subject:ada', 'address:127.0.0.1'])
})
