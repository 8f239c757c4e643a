import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { app, blueprint, database, edge, queue, search, stream, topic, worker } from 'ashlar'
import { until } from '../../src/conformance.ts'
import { openAdmin } from '../../src/blueprint/admin.ts'
import { parseMetrics } from '../../src/console/prometheus.ts'
import { testing } from '../../src/testing.ts'
import { testDatabase } from '../servers/postgres.ts'

interface Order {
  id: string
}

const heard: string[] = []
const note = (who: string) => void heard.push(who)

/** A shop where one order goes through every block that carries a trace. */
const shop = blueprint('shop', {
  db: database(),
  jobs: queue<Order>(),
  sold: topic<Order>(),
  events: stream<Order>({ key: ({ id }) => id }),
  index: search<Order>({ text: { id: 1 } }),
  web: app(async () => ({ default: { fetch: order } })),
  work: worker(async () => ({ default: start })),
  front: edge({ listen: 0, routes: [{ path: '/*', to: 'web' }] }),
})

async function order(request: Request): Promise<Response> {
  const { db, jobs, sold, events, index } = shop.blocks
  const id = new URL(request.url).searchParams.get('id') ?? 'none'
  await db.transaction(async (tx) => {
    await tx.one`select 1 as one`
    await jobs.send({ id }, { tx })
    await sold.publish({ id }, { tx })
    await index.put({ id }, { tx })
  })
  await events.append({ id })
  return Response.json({ traceparent: request.headers.get('traceparent') })
}

async function start(): Promise<void> {
  const { jobs, sold, events } = shop.blocks
  jobs.work(() => note('queue'))
  await sold.subscribe('mail', () => note('topic'))
  await events.consume('count', () => note('stream'), { from: 'start' })
}

/** Places an order and waits until all who should hear of it have. */
async function placeOrder(service: { fetch: typeof fetch }, init?: RequestInit): Promise<string | null> {
  heard.length = 0
  const answer = await service.fetch('/?id=o1', init)
  assert.equal(answer.status, 200)
  const { traceparent } = (await answer.json()) as { traceparent: string | null }
  await until('all have heard of it', () => ['queue', 'topic', 'stream'].every((who) => heard.includes(who)))
  await until('it is found', async () => (await shop.blocks.index.search('o1')).total === 1)
  return traceparent
}

async function shopOn(databaseUrl: string) {
  const service = await testing(shop, { databaseUrl })
  return { ...service, fetch: service.fetch as typeof fetch, url: service.url }
}

test('without an SDK nothing is recorded, nothing breaks, and a caller’s trace goes through', async () => {
  await using db = await testDatabase()
  await using service = await shopOn(db.url)
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  assert.equal(await placeOrder(service, { headers: { traceparent: given } }), given)
  assert.equal(await placeOrder(service), null)
  assert.equal(trace.getActiveSpan(), undefined)
})

test('/metrics parses, times each block that was used, and holds no secret', async () => {
  await using db = await testDatabase()
  await using service = await shopOn(db.url)
  await placeOrder(service)
  const handles = new Map(Object.entries(shop.blocks))
  const close = async () => undefined
  const admin = await openAdmin({ handles, health: async () => ({}), close, [Symbol.asyncDispose]: close })
  try {
    const answer = await fetch(`http://127.0.0.1:${admin.port}/metrics`)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    const text = await answer.text()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const samples = parseMetrics(text)
    assert.equal(samples.length, lines.length)
    const timed = samples.filter(({ name }) => name === 'ashlar_operation_seconds_count')
    const blocks = new Set(timed.map(({ labels }) => labels.block))
    for (const name of ['db', 'jobs', 'sold', 'events', 'index', 'web', 'front']) assert.ok(blocks.has(name), name)
    assert.ok(!text.includes(new URL(db.url.replace(/,[^/]*\//, '/')).password) && !text.includes('postgres://'))
  } finally {
    await admin.close()
  }
})

test('one request is one trace: edge, app, transaction, and through the messages into every handler', async () => {
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(propagator)
  await using db = await testDatabase()
  await using service = await shopOn(db.url)
  await placeOrder(service)
  const of = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name)
  const ends = ['edge.request', 'queue.handle', 'topic.handle', 'stream.handle', 'search.index']
  await until('all spans have ended', () => ends.every((name) => of(name) !== undefined))
  const spans = exporter.getFinishedSpans().filter((span) => traceOf(span) === traceOf(of('edge.request')!))
  assert.equal(of('edge.request')!.parentSpanContext, undefined)
  for (const [child, ...above] of lineage) assert.deepEqual(ancestors(spans, child!), above, child)
})

/** Each span with those above it. */
const lineage = [
  ['app.request', 'edge.request'],
  ['database.query', 'database.transaction', 'app.request', 'edge.request'],
  ['queue.handle', 'queue.send', 'database.transaction', 'app.request', 'edge.request'],
  ['topic.handle', 'topic.publish', 'database.transaction', 'app.request', 'edge.request'],
  ['stream.handle', 'stream.append', 'app.request', 'edge.request'],
  ['search.index', 'search.put', 'database.transaction', 'app.request', 'edge.request'],
]

function ancestors(spans: readonly ReadableSpan[], name: string): string[] {
  const names: string[] = []
  let span = spans.find((each) => each.name === name)
  while (span?.parentSpanContext) {
    const { spanId } = span.parentSpanContext
    span = spans.find((each) => each.spanContext().spanId === spanId)
    names.push(span?.name ?? 'unknown')
  }
  return names
}

function traceOf(span: ReadableSpan): string {
  return span.spanContext().traceId
}

/** `traceparent` of W3C Trace Context, as much as this test needs. */
const propagator: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject(of, carrier, setter) {
    const span = trace.getSpanContext(of)
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
  },
  extract(of, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-')
    return traceId && spanId ? trace.setSpanContext(of, { traceId, spanId, traceFlags: 1, isRemote: true }) : of
  },
}

test('docs/telemetry.md names every metric of the source, and no other', async () => {
  const inSource = new Set<string>()
  for await (const file of glob('src/**/*.ts', { exclude: (name) => name.endsWith('.test.ts') }))
    for (const name of metricsIn(await readFile(file, 'utf8'))) inSource.add(name)
  const page = await readFile('docs/telemetry.md', 'utf8')
  const inDocs = [...page.matchAll(/^\| `(ashlar_\w+)`/gm)].map(([, name]) => name!)
  assert.deepEqual(inDocs.toSorted(), [...inSource].toSorted())
})

/** What stands for `${what}` in a name that is put together. */
const parts: Record<string, string[]> = {
  ashlar_bucket_: ['objects', 'bytes'],
  ashlar_outbox_: ['published', 'refused'],
}
const kinds =
  'app bucket cache database discovery edge limiter operation outbox queue search sessions stream topic worker'
const quoted = new RegExp(
  `['\`](ashlar_(?:${kinds.replaceAll(' ', '|')})_)(?:([a-z_]*[a-z])|\\$\\{what\\}([a-z_]*))['\`]`,
  'g',
)

function metricsIn(text: string): string[] {
  return [...text.matchAll(quoted)].flatMap(([, kind, rest, end]) =>
    rest ? [`${kind}${rest}`] : (parts[kind!] ?? ['unknown']).map((what) => `${kind}${what}${end}`),
  )
}
