import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { verify, type Subject } from '../../conformance.ts'
import { bucketSuite, type BucketHarness } from './conformance.ts'
import { harness } from './conformance/harness.ts'
import type { BucketDriver, Putting } from './driver.ts'
import * as memory from './memory.ts'

type Defect = (driver: BucketDriver) => Partial<BucketDriver>

function broken(defect: Defect): Subject<BucketHarness> {
  const url = () => `memory:${crypto.randomUUID()}`
  const spoil = (driver: BucketDriver) =>
    new Proxy(driver, {
      get(target, name) {
        const spoiled = defect(target)[name as keyof BucketDriver]
        const found = spoiled ?? Reflect.get(target, name, target)
        return typeof found === 'function' ? (found as () => unknown).bind(target) : found
      },
    })
  return {
    driver: 'memory',
    capabilities: { limits: true, serves: true },
    open: () => harness({ ...memory, url: url(), broken: spoil }),
  }
}

async function failing(defect: Defect): Promise<string[]> {
  const outcomes = await verify(bucketSuite, broken(defect))
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}

function without(name: keyof Putting): Defect {
  return (driver) => ({
    put(key, body, options) {
      const { [name]: _, ...rest } = options
      return driver.put(key, body, rest as Putting)
    },
  })
}

const defects: [what: string, defect: Defect, caught: string][] = [
  ['ignores ifNoneMatch', without('ifNoneMatch'), 'puts under a free key for one of many at once (ifNoneMatch)'],
  ['ignores ifMatch', without('ifMatch'), 'replaces a version for one of many at once (ifMatch)'],
  ['ignores sha256', without('sha256'), 'refuses a body whose length or SHA-256 is not the announced one'],
  [
    'ignores the limit',
    (driver) => ({ put: (key, body, options) => driver.put(key, cut(body), { ...options, maxBytes: 1e9 }) }),
    'refuses a body above the limit while reading it, announced or not, and stores nothing',
  ],
  [
    'stores what came of a body that failed',
    (driver) => ({ put: (key, body, options) => driver.put(key, Readable.from(swallowing(body)), options) }),
    'stores nothing of a body that fails midway, and rejects with its error',
  ],
  [
    'takes keys for paths',
    (driver) => ({
      put: (key, body, options) => driver.put(normal(key), body, options),
      get: (key, range) => driver.get(normal(key), range),
      head: (key) => driver.head(normal(key)),
    }),
    'keeps odd keys apart and as they are',
  ],
  [
    'lists in the order of JavaScript',
    (driver) => ({
      async list(options) {
        const page = await driver.list(options)
        return { ...page, objects: page.objects.toSorted((left, right) => (left.key < right.key ? -1 : 1)) }
      },
    }),
    'lists in byte order, page by page, each key once',
  ],
  [
    'gives a common prefix on every page',
    (driver) => ({
      async list(options) {
        const after = options.after?.endsWith('/') ? options.after + '\u0000' : options.after
        if (options.delimiter === undefined || after === options.after) return driver.list(options)
        const page = await driver.list(options)
        return { ...page, prefixes: [options.after!, ...page.prefixes] }
      },
    }),
    'folds by a delimiter, each common prefix once over all pages',
  ],
  [
    'reads the newest bytes midway',
    (driver) => ({
      async get(key, range) {
        const found = await driver.get(key, range)
        return found && { ...found, body: Readable.from(late(driver, key, found.body)) }
      },
    }),
    'lets a reader finish the version it began, though that is replaced and deleted meanwhile',
  ],
  [
    'ignores the limit of a link',
    (driver) => ({ presign: (key, { maxBytes: _, ...options }) => driver.presign(key, options) }),
    'enforces the size that an upload link allows, announced or not',
  ],
  [
    'lets a link live on',
    (driver) => ({
      presign: (key, options) => driver.presign(key, { ...options, expiresMs: options.expiresMs + 5000 }),
    }),
    'refuses a link after it ran out, and says truly when that is',
  ],
  [
    'drops the file name',
    (driver) => ({ presign: (key, { downloadAs: _, ...options }) => driver.presign(key, options) }),
    'saves under the very name that was asked for',
  ],
  [
    'forgets to abort an upload',
    (driver) => ({
      multipart: { ...driver.multipart, abort: async () => {} },
    }),
    'drops everything when it is aborted, and knows it no more',
  ],
]

for (const [what, defect, caught] of defects) {
  test(`the suite catches a driver that ${what}`, async () => {
    const names = await failing(defect)
    assert.ok(names.includes(caught), `it failed only: ${names.join(' | ') || 'nothing'}`)
  })
}

function normal(key: string): string {
  return key.replace(/\/+/g, '/').replace(/[^/]+\/\.\.\//g, '')
}

/** A driver that "enforces" a limit by leaving out the rest. */
function cut(body: Readable): Readable {
  return Readable.from(
    (async function* () {
      let size = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        yield chunk
        if ((size += chunk.length) > 5000) return
      }
    })(),
  )
}

async function* swallowing(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>
  } catch {
    return
  }
}

async function* late(driver: BucketDriver, key: string, body: Readable): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const now = at === 0 ? undefined : await driver.get(key)
    if (at > 0 && !now) return
    now?.body.destroy()
    yield chunk
    at += chunk.length
  }
}
