import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { app, blueprint, cache, database, edge } from './index.ts'
import { testing } from './testing.ts'

const says = (text: string) => async () => ({ default: { fetch: async () => new Response(text) } })

const small = () =>
  blueprint('small', {
    kept: cache<number>({ ttl: '1m' }),
    web: app(says('small')),
    front: edge({ listen: 0, routes: [{ path: '/*', to: 'web' }] }),
  })

/** What this process has left behind, in folders and in children. */
function left(): string[] {
  const own = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])
  const folders = own(tmpdir()).filter((name) => name.startsWith(`ashlar-testing-${process.pid}-`))
  return [...folders, ...process.getActiveResourcesInfo().filter((each) => /Process|TCPServer/.test(each))]
}

test('a service without a database starts and stops many times, and leaves nothing', async () => {
  for (let round = 0; round < 10; round++) {
    await using service = await testing(small())
    assert.equal(await (await service.fetch('/')).text(), 'small')
    await service.blocks.kept.set('round', round)
    assert.equal(await service.blocks.kept.get('round'), round)
  }
  assert.deepEqual(left(), [])
})

test('several run side by side, each with blocks of its own', async () => {
  const blueprints = Array.from({ length: 8 }, small)
  const services = await Promise.all(blueprints.map((each) => testing(each)))
  await Promise.all(services.map(({ blocks }, index) => blocks.kept.set('mine', index)))
  for (const [index, service] of services.entries()) {
    assert.equal(await service.blocks.kept.get('mine'), index)
    assert.equal(await (await service.fetch('/')).text(), 'small')
  }
  await Promise.all(services.map((service) => service[Symbol.asyncDispose]()))
  assert.deepEqual(left(), [])
})

test('two with databases of their own run side by side, and leave no folder or process', async () => {
  const make = () => blueprint('kept', { db: database({ replicas: 0 }), web: app(says('kept')) })
  const services = await Promise.all([testing(make()), testing(make())])
  for (const { blocks } of services) {
    await blocks.db.run`create table one (id int)`
    assert.deepEqual(await blocks.db.many`select * from one`, [])
  }
  await Promise.all(services.map((service) => service[Symbol.asyncDispose]()))
  assert.deepEqual(left(), [])
})

test('a service that cannot start leaves nothing, and says why', async () => {
  const broken = blueprint('broken', { web: app(async () => ({ default: {} })) })
  await assert.rejects(testing(broken), /web.*must export default/)
  assert.deepEqual(left(), [])
})

test('blocks are reached only while the service runs', async () => {
  const of = small()
  const service = await testing(of)
  await service[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
  assert.throws(() => of.blocks.kept, /the service is not running here/)
})
