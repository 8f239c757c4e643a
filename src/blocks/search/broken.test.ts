import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent, type OpenContext } from '../../block.ts'
import { verify, type Subject } from '../../conformance.ts'
import { searchSuite, type SearchHarness } from './conformance.ts'
import type { Hits, SearchDriver } from './driver.ts'
import * as memory from './memory.ts'

let indexes = 0

type Flaw = (sound: SearchDriver) => Partial<SearchDriver>

/** The memory driver with one promise broken. */
function broken(flaw: Flaw): Subject<SearchHarness> {
  return {
    driver: 'broken',
    capabilities: {},
    async open() {
      const context = contextOf(`memory:broken${indexes++}`)
      const keeper = await memory.open(context)
      return {
        scheme: 'memory',
        codeOf: memory.codeOf,
        async open() {
          const sound = soundOf(await memory.open(context))
          return { ...sound, ...flaw(sound) }
        },
        [Symbol.asyncDispose]: () => keeper.close(),
      }
    },
  }
}

function contextOf(url: string): OpenContext {
  const block = () => assert.fail()
  return { name: 'photos', service: '', url, folder: '', secret: '', relays: false, log: silent, block }
}

function soundOf(driver: SearchDriver): SearchDriver {
  return {
    ensure: (fields) => driver.ensure(fields),
    put: (items) => driver.put(items),
    search: (query) => driver.search(query),
    complete: (prefix, limit) => driver.complete(prefix, limit),
    refresh: () => driver.refresh(),
    rebuild: (items) => driver.rebuild(items),
    stats: () => driver.stats(),
    close: () => driver.close(),
  }
}

/** A driver that spoils what a search found. */
const spoiling =
  (spoil: (hits: Hits) => Hits): Flaw =>
  (sound) => ({ search: async (query) => spoil(await sound.search(query)) })

let puts = 1

const flaws: { flaw: string; caughtBy: string; of: Flaw }[] = [
  {
    flaw: 'lets any version overwrite',
    caughtBy: 'changes nothing for an equal or lower version',
    of: (sound) => ({ put: (items) => sound.put(items.map((item) => ({ ...item, version: puts++ }))) }),
  },
  {
    flaw: 'forgets the versions of what was deleted',
    caughtBy: 'keeps a deleted document deleted when an earlier change comes late',
    of: forgetful,
  },
  {
    flaw: 'loses a whole batch for one bad item',
    caughtBy: 'stores the good ones of a batch and names the bad ones',
    of: (sound) => ({
      put: async (items) =>
        items.length > 2 ? items.map(({ id }) => ({ id, outcome: 'refused', error: 'batch' })) : sound.put(items),
    }),
  },
  {
    flaw: 'orders equal documents by chance',
    caughtBy: 'orders equal documents by id, so that pages neither repeat nor leave out',
    of: spoiling((hits) => ({ ...hits, hits: hits.hits.toSorted(() => Math.random() - 0.5) })),
  },
  {
    flaw: 'counts a facet for every hit of the page only',
    caughtBy: 'counts each document once for each value, over all hits',
    of: (sound) => ({
      async search(query) {
        const hits = await sound.search(query)
        const one = Object.entries(hits.facets).map(([field, values]) => [
          field,
          values.map((each) => ({ ...each, count: 1 })),
        ])
        return { ...hits, facets: Object.fromEntries(one) as Hits['facets'] }
      },
    }),
  },
  {
    flaw: 'compares filter values without case',
    caughtBy: 'filters by exact values: all fields, any value of a field',
    of: (sound) => ({
      search: (query) =>
        sound.search({
          ...query,
          filters: Object.fromEntries(
            Object.entries(query.filters).map(([field, values]) => [
              field,
              values.flatMap((value) => [value, value.toLowerCase(), value.toUpperCase()]),
            ]),
          ),
        }),
    }),
  },
  {
    flaw: 'marks a character too many',
    caughtBy: 'marks whole words by UTF-16 offsets of the text of each field',
    of: spoiling((hits) => ({
      ...hits,
      hits: hits.hits.map((hit) => ({
        ...hit,
        marks: Object.fromEntries(
          Object.entries(hit.marks).map(([field, marks]) => [
            field,
            marks.map(([from, to]) => [from, to + 1] as [number, number]),
          ]),
        ),
      })),
    })),
  },
  {
    flaw: 'mends words without saying so',
    caughtBy: 'mends misspelt words, and says what it looked for',
    of: spoiling((hits) => ({ ...hits, corrected: undefined })),
  },
  {
    flaw: 'loses what is put while it is rebuilt',
    caughtBy: 'loses nothing that is put or removed meanwhile, from any process',
    of: deafWhileRebuilding(),
  },
  {
    flaw: 'empties the index before it is rebuilt',
    caughtBy: 'keeps the index in use when a rebuild fails, and can begin again',
    of: (sound) => ({
      async rebuild(items) {
        await sound.rebuild((async function* () {})())
        return sound.rebuild(items)
      },
    }),
  },
  {
    flaw: 'never notices that fields changed',
    caughtBy: 'says that it is stale when the declared fields changed, until it is rebuilt',
    of: (sound) => ({ ensure: async (fields) => (await sound.ensure(fields), 'ready') }),
  },
]

function forgetful(sound: SearchDriver): Partial<SearchDriver> {
  return {
    async put(items) {
      const outcomes = await sound.put(items.map((item) => (item.document ? item : { ...item, version: 2 })))
      return outcomes
    },
  }
}

function deafWhileRebuilding(): Flaw {
  let rebuilding = false
  return (sound) => ({
    put: async (items) => (rebuilding ? items.map(({ id }) => ({ id, outcome: 'stored' })) : sound.put(items)),
    async rebuild(items) {
      rebuilding = true
      return sound.rebuild(items).finally(() => (rebuilding = false))
    },
  })
}

for (const { flaw, caughtBy, of } of flaws)
  test(`the suite catches a driver that ${flaw}`, async () => {
    const only = { ...searchSuite, cases: searchSuite.cases.filter(({ name }) => name === caughtBy) }
    const outcomes = await verify(only, broken(of))
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['failed'],
    )
  })

test('the suite passes the same driver without a flaw', async () => {
  const outcomes = await verify(
    searchSuite,
    broken(() => ({})),
  )
  assert.deepEqual(
    outcomes.filter(({ outcome }) => outcome === 'failed'),
    [],
  )
})
