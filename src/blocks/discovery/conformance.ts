import assert from 'node:assert/strict'
import { silent } from '../../block.ts'
import { until, type Suite } from '../../conformance.ts'
import type { Code } from '../../errors.ts'
import { OpenDiscovery, type Discovery } from './discovery.ts'
import type { DiscoveryDriver, Instance } from './driver.ts'

/** What the suite needs of an engine: a registry of its own for each case. */
export interface DiscoveryHarness {
  /** One more driver on the same registry, as another process would open it. The harness closes them all. */
  open(): Promise<DiscoveryDriver>
  codeOf(error: unknown): Code | undefined
  /** The shortest lease that the engine keeps well, in milliseconds; the suite waits for some of them to end. */
  leaseMs: number
}

const hourMs = 3_600_000

function instance(id: string, service = 'web'): Instance {
  return { id, service, host: '10.0.0.1', port: 8080, meta: { version: '1.2', zone: 'a' } }
}

const idsOf = (instances: readonly Instance[]) => instances.map(({ id }) => id).sort()

/** The portable type over a driver, as a block would have it. */
function portable(harness: DiscoveryHarness, driver: DiscoveryDriver, leaseMs = harness.leaseMs): Discovery {
  return new OpenDiscovery({ name: 'found', scheme: 'test', driver, codeOf: harness.codeOf, leaseMs, log: silent })
}

/** Stands between the portable type and a driver: counts, and cuts the line. */
class Line implements DiscoveryDriver {
  away = false
  deaf = false
  readonly calls: Record<keyof DiscoveryDriver, number> = {
    register: 0,
    renew: 0,
    deregister: 0,
    list: 0,
    watch: 0,
    close: 0,
  }
  readonly #to: DiscoveryDriver

  constructor(to: DiscoveryDriver) {
    this.#to = to
  }

  async #call<T>(name: keyof DiscoveryDriver, work: () => Promise<T>): Promise<T> {
    this.calls[name]++
    if (this.away) throw Object.assign(new Error('the line is cut'), { code: 'ECONNRESET' })
    return work()
  }

  register(of: Instance, ttlMs: number) {
    return this.#call('register', () => this.#to.register(of, ttlMs))
  }
  renew(id: string, ttlMs: number) {
    return this.#call('renew', () => this.#to.renew(id, ttlMs))
  }
  deregister(id: string) {
    return this.#call('deregister', () => this.#to.deregister(id))
  }
  list(service: string) {
    return this.#call('list', () => this.#to.list(service))
  }
  watch(service: string, changed: () => void) {
    return this.#call('watch', () => this.#to.watch(service, () => void (this.deaf || this.away || changed())))
  }
  async close(): Promise<void> {}
}

async function elapse(ms: number): Promise<void> {
  const end = performance.now() + ms
  await until(`${ms} ms have passed`, () => performance.now() >= end, ms + 10_000)
}

/** Every promise of service discovery: the driver's, and the portable type's over it. */
export const discoverySuite: Suite<DiscoveryHarness> = {
  block: 'discovery',
  cases: [
    {
      name: 'lists an instance, with all that was said of it, in every process',
      async run(harness) {
        const [here, there] = [await harness.open(), await harness.open()]
        assert.deepEqual(await there.list('web'), [])
        await here.register(instance('a'), hourMs)
        assert.deepEqual(await there.list('web'), [instance('a')])
      },
    },
    {
      name: 'lists the instances of one service only',
      async run(harness) {
        const driver = await harness.open()
        await driver.register(instance('a', 'web'), hourMs)
        await driver.register(instance('b', 'api'), hourMs)
        assert.deepEqual(idsOf(await driver.list('web')), ['a'])
        assert.deepEqual(idsOf(await driver.list('api')), ['b'])
      },
    },
    {
      name: 'replaces what was registered under the same id',
      async run(harness) {
        const driver = await harness.open()
        await driver.register(instance('a'), hourMs)
        await driver.register({ ...instance('a'), port: 9090, meta: {} }, hourMs)
        assert.deepEqual(await driver.list('web'), [{ ...instance('a'), port: 9090, meta: {} }])
        await driver.register(instance('a', 'api'), hourMs)
        assert.deepEqual(await driver.list('web'), [])
      },
    },
    {
      name: 'drops an instance when its lease ends',
      async run(harness) {
        const driver = await harness.open()
        await driver.register(instance('a'), harness.leaseMs)
        await driver.register(instance('b'), hourMs)
        await until('a is gone', async () => idsOf(await driver.list('web')).join() === 'b', harness.leaseMs * 20)
      },
    },
    {
      name: 'keeps an instance whose lease is renewed',
      async run(harness) {
        const driver = await harness.open()
        await driver.register(instance('a'), harness.leaseMs)
        await driver.register(instance('control'), harness.leaseMs)
        assert.equal(await driver.renew('a', hourMs), true)
        const control = async () => !idsOf(await driver.list('web')).includes('control')
        await until('the control is gone', control, harness.leaseMs * 20)
        assert.deepEqual(idsOf(await driver.list('web')), ['a'])
      },
    },
    {
      name: 'says so when a lease to renew has ended',
      async run(harness) {
        const driver = await harness.open()
        assert.equal(await driver.renew('never-registered', hourMs), false)
        await driver.register(instance('a'), harness.leaseMs)
        await until('a is gone', async () => (await driver.list('web')).length === 0, harness.leaseMs * 20)
        assert.equal(await driver.renew('a', hourMs), false)
        assert.deepEqual(await driver.list('web'), [])
      },
    },
    {
      name: 'drops an instance that deregisters, at once; twice is harmless',
      async run(harness) {
        const driver = await harness.open()
        await driver.register(instance('a'), hourMs)
        await driver.deregister('a')
        assert.deepEqual(await driver.list('web'), [])
        assert.equal(await driver.renew('a', hourMs), false)
        await driver.deregister('a')
      },
    },
    {
      name: 'tells watchers in other processes of what comes and goes, until they stop',
      async run(harness) {
        const [here, there] = [await harness.open(), await harness.open()]
        let told = 0
        const stop = await there.watch('web', () => void told++)
        await here.register(instance('a'), hourMs)
        await until('told of a register', () => told > 0, 5_000)
        told = 0
        await here.deregister('a')
        await until('told of a deregister', () => told > 0, 5_000)
        await stop()
        told = 0
        let control = 0
        const stopControl = await there.watch('web', () => void control++)
        await here.register(instance('b'), hourMs)
        await until('the control is told', () => control > 0, 5_000)
        await stopControl()
        assert.equal(told, 0)
      },
    },
    {
      name: 'keeps a registration alive past its lease, with one renewal every third of it',
      async run(harness) {
        const line = new Line(await harness.open())
        await using found = portable(harness, line)
        const other = await harness.open()
        await found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        const began = performance.now()
        await elapse(harness.leaseMs * 3)
        assert.deepEqual(idsOf(await other.list('web')), ['a'])
        const most = Math.ceil(((performance.now() - began) / harness.leaseMs) * 3)
        assert.ok(line.calls.renew <= most, `${line.calls.renew} renewals where ${most} are due`)
        assert.equal(line.calls.register, 1)
      },
    },
    {
      name: 'registers again when the lease was lost, ten times over, with one heartbeat still',
      async run(harness) {
        const leaseMs = harness.leaseMs
        const line = new Line(await harness.open())
        await using found = portable(harness, line, leaseMs)
        const other = await harness.open()
        await found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        for (let round = 0; round < 10; round++) {
          await other.deregister('a')
          await until('it is back', async () => (await other.list('web')).length === 1, leaseMs * 5)
        }
        const before = line.calls.renew
        const began = performance.now()
        await elapse(leaseMs * 2)
        const due = Math.ceil(((performance.now() - began) / leaseMs) * 3) + 1
        assert.ok(line.calls.renew - before <= due, `${line.calls.renew - before} renewals where ${due} are due`)
      },
    },
    {
      name: 'registers again when the registry comes back after the lease has ended',
      async run(harness) {
        const line = new Line(await harness.open())
        await using found = portable(harness, line)
        const other = await harness.open()
        await found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        line.away = true
        await until('its lease has ended', async () => (await other.list('web')).length === 0, harness.leaseMs * 20)
        line.away = false
        await until('it is back', async () => (await other.list('web')).length === 1, harness.leaseMs * 5)
      },
    },
    {
      name: 'stays off the list once it has ended, also when a renewal is under way',
      async run(harness) {
        const driver = await harness.open()
        const line = new Line(driver)
        const gate = Promise.withResolvers<void>()
        const entered = Promise.withResolvers<void>()
        line.renew = async () => {
          entered.resolve()
          await gate.promise
          return false
        }
        await using found = portable(harness, line)
        const registration = await found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        await entered.promise
        const ending = registration.end()
        gate.resolve()
        await ending
        await registration.end()
        assert.deepEqual(await driver.list('web'), [])
      },
    },
    {
      name: 'a watch follows what comes and goes',
      async run(harness) {
        await using here = portable(harness, await harness.open())
        await using there = portable(harness, await harness.open(), hourMs)
        await using watch = await there.watch('web')
        const seen: string[] = []
        watch.onChange(() => {
          throw new Error('a broken callback is no reason to stop')
        })
        watch.onChange((instances) => void seen.push(idsOf(instances).join()))
        const a = await here.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        await until('a is seen', () => idsOf(watch.instances).join() === 'a', 5_000)
        await here.register('web', { host: '10.0.0.2', port: 80, id: 'b' })
        await until('b is seen', () => idsOf(watch.instances).join() === 'a,b', 5_000)
        await a.end()
        await until('a is gone', () => idsOf(watch.instances).join() === 'b', 5_000)
        assert.deepEqual(seen, ['a', 'a,b', 'b'])
        const second = await there.watch('web')
        assert.deepEqual(idsOf(second.instances), ['b'])
        await second.end()
        await second.end()
        await here.register('web', { host: '10.0.0.3', port: 80, id: 'c' })
        await until('the first goes on', () => idsOf(watch.instances).join() === 'b,c', 5_000)
      },
    },
    {
      name: 'a watch that gets no hint sees within a third of a lease what came, went and died',
      async run(harness) {
        const line = new Line(await harness.open())
        line.deaf = true
        const driver = await harness.open()
        await using found = portable(harness, line)
        await using watch = await found.watch('web')
        await driver.register(instance('a'), harness.leaseMs * 2)
        await until('a is seen', () => watch.instances.length === 1, harness.leaseMs * 5)
        await until('its end is seen', () => watch.instances.length === 0, harness.leaseMs * 20)
      },
    },
    {
      name: 'a watch keeps the last known list while the registry is away, says how old it is, and catches up',
      async run(harness) {
        const line = new Line(await harness.open())
        const driver = await harness.open()
        await driver.register(instance('a'), hourMs)
        await using found = portable(harness, line)
        await using watch = await found.watch('web')
        line.away = true
        await driver.register(instance('b'), hourMs)
        await until('it is stale', () => watch.staleMs > harness.leaseMs, harness.leaseMs * 10)
        assert.deepEqual(idsOf(watch.instances), ['a'])
        assert.equal((await found.health()).ok, false)
        assert.ok((await found.stats())['staleMs']! >= harness.leaseMs)
        await assert.rejects(found.list('web'), { code: 'unavailable' })
        line.away = false
        await until('it has caught up', () => idsOf(watch.instances).join() === 'a,b', harness.leaseMs * 5)
        assert.equal((await found.health()).ok, true)
      },
    },
    {
      name: 'an outage longer than a lease empties no list: who could not renew gets the time to',
      async run(harness) {
        const [app, edge] = [new Line(await harness.open()), new Line(await harness.open())]
        await using apps = portable(harness, app)
        await using edges = portable(harness, edge)
        await apps.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        await (await harness.open()).register({ ...instance('crashed') }, harness.leaseMs)
        const watch = await edges.watch('web')
        let fewest = watch.instances.length
        watch.onChange((instances) => void (fewest = Math.min(fewest, idsOf(instances).includes('a') ? 1 : 0)))
        app.away = edge.away = true
        await until('the lease has ended', () => watch.staleMs > harness.leaseMs * 1.5, harness.leaseMs * 20)
        edge.away = false
        await until('the edge lists again', () => watch.staleMs < harness.leaseMs / 2, harness.leaseMs * 2)
        app.away = false
        await until('the crashed one goes', () => idsOf(watch.instances).join() === 'a', harness.leaseMs * 20)
        assert.equal(fewest, 1)
      },
    },
    {
      name: 'a hundred hints at once are few listings',
      async run(harness) {
        const line = new Line(await harness.open())
        const hints: (() => void)[] = []
        line.watch = async (_service, changed) => {
          hints.push(changed)
          return async () => undefined
        }
        await using found = portable(harness, line, hourMs)
        await using watch = await found.watch('web')
        await (await harness.open()).register(instance('a'), hourMs)
        for (let hint = 0; hint < 100; hint++) hints[0]!()
        await until('a is seen', () => watch.instances.length === 1, 5_000)
        assert.ok(line.calls.list <= 3, `${line.calls.list} listings`)
      },
    },
    {
      name: 'pick takes the instances in turn, and nothing when there is none',
      async run(harness) {
        const driver = await harness.open()
        await using found = portable(harness, await harness.open())
        assert.equal(await found.pick('web'), undefined)
        await driver.register(instance('a'), hourMs)
        await driver.register(instance('b'), hourMs)
        await until('both are known', async () => (await found.stats())['instances'] === 2, 5_000)
        const picked = [await found.pick('web'), await found.pick('web'), await found.pick('web')]
        assert.notEqual(picked[0]?.id, picked[1]?.id)
        assert.equal(picked[0]?.id, picked[2]?.id)
      },
    },
    {
      name: 'register bears a short outage, refuses a second instance of one id, and reports a long one',
      async run(harness) {
        const line = new Line(await harness.open())
        await using found = portable(harness, line)
        line.away = true
        const registering = found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
        await assert.rejects(found.register('web', { host: '10.0.0.2', port: 80, id: 'a' }), { code: 'already_exists' })
        await until('it was tried', () => line.calls.register === 1)
        line.away = false
        const registration = await registering
        await registration.end()
        line.away = true
        await assert.rejects(found.register('web', { host: '10.0.0.1', port: 80, id: 'a' }), {
          code: 'unavailable',
          block: 'found',
          driver: 'test',
        })
        line.away = false
        await found.register('web', { host: '10.0.0.1', port: 80, id: 'a' })
      },
    },
    {
      name: 'close takes its instances off every list; afterwards calls are refused',
      async run(harness) {
        const driver = await harness.open()
        const found = portable(harness, await harness.open())
        await found.register('web', { host: '10.0.0.1', port: 80 })
        await found.register('api', { host: '10.0.0.1', port: 81 })
        await found.watch('web')
        await found.close()
        await found.close()
        assert.deepEqual([await driver.list('web'), await driver.list('api')], [[], []])
        for (const call of [found.list('web'), found.watch('web'), found.pick('web')])
          await assert.rejects(call, { code: 'closed' })
        await assert.rejects(found.register('web', { host: 'h', port: 1 }), { code: 'closed' })
        assert.equal((await found.health()).ok, false)
      },
    },
  ],
}
