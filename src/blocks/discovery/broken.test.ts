import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent } from '../../block.ts'
import { verify, type Subject } from '../../conformance.ts'
import { discoverySuite, type DiscoveryHarness } from './conformance.ts'
import type { DiscoveryDriver } from './driver.ts'
import { codeOf, open } from './memory.ts'

let registries = 0

/** The memory driver with one promise broken. */
function broken(flaw: (driver: DiscoveryDriver) => Partial<DiscoveryDriver>): Subject<DiscoveryHarness> {
  return {
    driver: 'broken',
    capabilities: {},
    async open() {
      const url = `memory:broken${registries++}`
      return {
        codeOf,
        leaseMs: 100,
        async open() {
          const driver = await open({
            name: 'found',
            service: '',
            url,
            folder: '',
            secret: '',
            relays: false,
            log: silent,
            block: () => assert.fail(),
          })
          return Object.assign(driver, flaw(Object.assign(Object.create(driver) as DiscoveryDriver, bind(driver))))
        },
        async [Symbol.asyncDispose]() {},
      }
    },
  }
}

/** The sound methods, to call from a broken one. */
function bind(driver: DiscoveryDriver): DiscoveryDriver {
  return {
    register: driver.register.bind(driver),
    renew: driver.renew.bind(driver),
    deregister: driver.deregister.bind(driver),
    list: driver.list.bind(driver),
    watch: driver.watch.bind(driver),
    close: driver.close.bind(driver),
  }
}

const flaws: { flaw: string; caughtBy: string; driver: Subject<DiscoveryHarness> }[] = [
  {
    flaw: 'loses the lease of an instance',
    caughtBy: 'drops an instance when its lease ends',
    driver: broken((sound) => ({ register: (instance) => sound.register(instance, 3_600_000) })),
  },
  {
    flaw: 'says that it renewed what it had forgotten',
    caughtBy: 'says so when a lease to renew has ended',
    driver: broken((sound) => ({ renew: (id, ttlMs) => sound.renew(id, ttlMs).then(() => true) })),
  },
  {
    flaw: 'renews without effect',
    caughtBy: 'keeps an instance whose lease is renewed',
    driver: broken(() => ({ renew: async () => true })),
  },
  {
    flaw: 'keeps who deregisters',
    caughtBy: 'drops an instance that deregisters, at once; twice is harmless',
    driver: broken(() => ({ deregister: async () => undefined })),
  },
  {
    flaw: 'tells no watcher',
    caughtBy: 'tells watchers in other processes of what comes and goes, until they stop',
    driver: broken(() => ({ watch: async () => async () => undefined })),
  },
  {
    flaw: 'goes on telling who has stopped',
    caughtBy: 'tells watchers in other processes of what comes and goes, until they stop',
    driver: broken((sound) => ({
      watch: (service, changed) => sound.watch(service, changed).then(() => async () => undefined),
    })),
  },
  {
    flaw: 'drops what was said of an instance',
    caughtBy: 'lists an instance, with all that was said of it, in every process',
    driver: broken((sound) => ({ register: (instance, ttlMs) => sound.register({ ...instance, meta: {} }, ttlMs) })),
  },
]

for (const { flaw, caughtBy, driver } of flaws) {
  test(`the suite catches a driver that ${flaw}`, async () => {
    const one = { ...discoverySuite, cases: discoverySuite.cases.filter(({ name }) => name === caughtBy) }
    assert.deepEqual(
      (await verify(one, driver)).map(({ outcome }) => outcome),
      ['failed'],
    )
  })
}
