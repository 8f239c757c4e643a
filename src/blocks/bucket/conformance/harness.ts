import { silent, type OpenContext } from '../../../block.ts'
import type { Code } from '../../../errors.ts'
import type { BucketHarness } from './ask.ts'
import type { BucketDriver } from '../driver.ts'
import { OpenBucket } from '../open-bucket.ts'

export interface Built {
  open(context: OpenContext): Promise<BucketDriver>
  codeOf(error: unknown): Code | undefined
  url: string
  /** For tests of the suite itself: a driver with a defect. */
  broken?: (driver: BucketDriver) => BucketDriver
  after?: () => Promise<void>
}

/** A context as a blueprint gives it, for the bucket `photos` of the service `shop`. */
export function contextOf(url: string): OpenContext {
  return {
    name: 'photos',
    service: 'shop',
    url,
    folder: '.ashlar',
    secret: 'a secret for tests, of 32 characters and more',
    publicUrl: 'http://127.0.0.1:8080',
    relays: false,
    log: silent,
    block() {
      throw new Error('no other block')
    },
  }
}

/** A harness for a driver that serves its links itself: a client's request goes straight to `endpoint`. */
export async function harness(built: Built): Promise<BucketHarness & AsyncDisposable> {
  const { broken = (driver) => driver, codeOf } = built
  const driver = async () => broken(await built.open(contextOf(built.url)))
  const open: BucketHarness['open'] = async ({ maxBytes = 5 * 1024 ** 3, idleMs = 60_000 } = {}) =>
    new OpenBucket({
      name: 'photos',
      driver: await driver(),
      scheme: built.url.split(':')[0]!,
      codeOf,
      maxBytes,
      idleMs,
    })
  const serving = await open()
  return {
    open,
    driver,
    fetch: (url, init) => serving.endpoint!(new Request(url, init)),
    async [Symbol.asyncDispose]() {
      await serving.close()
      await built.after?.()
    },
  }
}
