import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { blueprint } from '../../blueprint/blueprint.ts'
import { isLsn } from '../../postgres/consistency.ts'
import { testing } from '../../testing.ts'
import { edge } from '../../edge/index.ts'
import { database } from '../database/index.ts'
import { discovery } from '../discovery/index.ts'
import { app } from './index.ts'

test('a write through a database block sets the position cookie; with it, or with a made-up one, the write is read', async () => {
  await using db = await testDatabase()
  const shop = blueprint('shop', {
    db: database(),
    web: app(async () => ({ default: { fetch: answer } })),
    registry: discovery(),
    front: edge({ listen: 0, routes: [{ path: '/*', to: 'web' }] }),
  })
  const answer = async ({ method }: Request): Promise<Response> => {
    if (method === 'POST') await shop.blocks.db.run`insert into note (text) values ('mine')`
    return Response.json(await shop.blocks.db.read.many`select text from note`)
  }
  await using service = await testing(shop, { databaseUrl: db.url })
  await service.blocks.db.run`create table note (text text not null)`
  const wrote = await service.fetch('/', { method: 'POST' })
  const cookie = wrote.headers.getSetCookie()[0]!.split(';')[0]!
  assert.ok(isLsn(cookie.replace('ashlar_rw=', '')), cookie)
  for (const brought of [cookie, 'ashlar_rw=FFFFFFFF/FFFFFFFF', 'ashlar_rw=%00'])
    assert.deepEqual(await (await service.fetch('/', { headers: { cookie: brought } })).json(), [{ text: 'mine' }])
})
