import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent, type Block, type Card, type Declaration } from '../block.ts'
import { edge } from '../edge/index.ts'
import { isAshlarError } from '../errors.ts'
import { blueprint, type Declarations } from './blueprint.ts'
import { checkBlueprint } from './check.ts'
import { openOrder } from './order.ts'
import { refuseMemory, resolveEngines, variableOf } from './resolve.ts'
import { run } from './run.ts'

const card: Card = { job: '', reachFor: '', costs: '', alternative: '' }

interface Made extends Block {
  readonly label: string
}

/** A block that notes when it is opened and closed. */
function made(log: string[], kind: string, needs: string[] = [], fault?: string): Declaration<Made> {
  return {
    kind,
    card,
    options: {},
    schemes: ['memory', 'postgres'],
    needs,
    async open({ name }) {
      if (fault) throw new Error(fault)
      log.push(`open ${name}`)
      const close = async () => void log.push(`close ${name}`)
      return {
        name,
        kind,
        driver: 'memory',
        label: name,
        health: async () => ({ ok: true }),
        stats: async () => ({}),
        close,
        [Symbol.asyncDispose]: close,
      }
    },
  }
}

function service<D extends Declarations>(declarations: D) {
  return blueprint('shop', { ...declarations, discovery: made([], 'discovery') })
}

const options = { folder: '/tmp', secret: 'x'.repeat(32), log: silent }

test('opens blocks after what they need, apps last, and closes in reverse', async () => {
  const log: string[] = []
  const shop = service({
    web: made(log, 'app', ['discovery']),
    jobs: made(log, 'queue', ['db']),
    db: made(log, 'database'),
  })
  const running = await run(shop, { ...options, role: 'app', engines: resolveEngines(shop, {}) })
  assert.equal(shop.blocks.jobs.label, 'jobs')
  await running.close()
  assert.deepEqual(log, ['open db', 'open jobs', 'open web', 'close web', 'close jobs', 'close db'])
})

test('a block that does not open closes those before it and is named', async () => {
  const log: string[] = []
  const shop = service({
    db: made(log, 'database'),
    jobs: made(log, 'queue', [], 'no route to host'),
    web: made(log, 'app'),
  })
  const failing = run(shop, { ...options, role: 'app', engines: resolveEngines(shop, {}) })
  await assert.rejects(
    failing,
    (error) => isAshlarError(error, 'unavailable') && /'jobs'.*no route to host/.test(error.message),
  )
  assert.deepEqual(log, ['open db', 'close db'])
})

test('a handle that is not open says how to open it', () => {
  const shop = service({ jobs: made([], 'queue') })
  assert.throws(
    () => shop.blocks.jobs,
    (error) => isAshlarError(error, 'closed') && /ashlar dev/.test(error.message),
  )
})

test('blocks that need each other in a circle are refused, with the circle', () => {
  const shop = service({ a: made([], 'queue', ['b']), b: made([], 'queue', ['a']), web: made([], 'app') })
  assert.throws(() => openOrder(shop, { role: 'app' }), /a → b → a/)
})

test('an edge opens only what its routes name', () => {
  const routes = [
    { path: '/img/*', to: 'photos' },
    { path: '/*', to: 'web', limit: 'perUser' },
  ]
  const shop = service({
    jobs: made([], 'queue'),
    photos: made([], 'bucket'),
    perUser: made([], 'limiter'),
    web: made([], 'app'),
    front: edge({ listen: 0, routes }),
  })
  assert.deepEqual(openOrder(shop, { role: 'edge' }).toSorted(), ['discovery', 'front', 'perUser', 'photos'])
})

test('a dangling to:, limit or auth is named with what there is', () => {
  const routes = [{ path: '/api/*', to: 'wbe', limit: 'jobs' }]
  const shop = service({ web: made([], 'app'), jobs: made([], 'queue'), front: edge({ listen: 0, routes }) })
  const problems = checkBlueprint(shop).join('\n')
  assert.match(problems, /route '\/api\/\*': to names 'wbe', which is no block; .* there is web/)
  assert.match(problems, /limit names 'jobs', which is a queue/)
})

test('one variable moves one block, DATABASE_URL all others', () => {
  const shop = service({ perUser: made([], 'limiter'), jobs: made([], 'queue') })
  const engines = resolveEngines(shop, { DATABASE_URL: 'postgres://localhost/shop', PER_USER_URL: 'memory:' })
  assert.deepEqual(engines.get('perUser'), { url: 'memory:', scheme: 'memory', from: 'PER_USER_URL' })
  assert.equal(engines.get('jobs')?.from, 'DATABASE_URL')
})

test('names become variables', () => {
  assert.deepEqual(['feed', 'perUser', 'first-page'].map(variableOf), ['FEED_URL', 'PER_USER_URL', 'FIRST_PAGE_URL'])
})

test('an unknown scheme names the variable and what there is, and hides the password', () => {
  const shop = service({ jobs: made([], 'queue') })
  assert.throws(
    () => resolveEngines(shop, { JOBS_URL: 'amqqp://me:secret@host/' }),
    (error) =>
      isAshlarError(error, 'unsupported') &&
      /JOBS_URL.*memory: postgres:/.test(error.message) &&
      !error.message.includes('secret'),
  )
})

test('an empty variable is an error, not a default', () => {
  const shop = service({ jobs: made([], 'queue') })
  assert.throws(() => resolveEngines(shop, { JOBS_URL: '' }), /JOBS_URL is empty/)
})

test('separate processes cannot share a memory: engine', () => {
  const shop = service({ jobs: made([], 'queue') })
  assert.throws(() => refuseMemory(resolveEngines(shop, {})), /'jobs' would be in memory .*JOBS_URL.*--role all/)
})

test('a mistyped option or name is refused when it is declared', () => {
  assert.throws(() => edge({ listen: 0, routes: [], tls: true } as never), /option 'tls' is not known/)
  assert.throws(() => edge({ listen: 0, routes: [{ path: 'api', to: 'web' }] }), /a path starts with \//)
  assert.throws(() => blueprint('shop', { '1st': made([], 'queue') }), /'1st' is not a block name/)
})
