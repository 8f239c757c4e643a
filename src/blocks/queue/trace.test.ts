import assert from 'node:assert/strict'
import { test } from 'node:test'
import { context, propagation, trace, type Context, type TextMapPropagator } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { until } from '../../conformance.ts'
import { queue } from './index.ts'

/** `traceparent` of W3C Trace Context, as much as this test needs. */
const propagator: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject(of: Context, carrier, setter) {
    const span = trace.getSpanContext(of)
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
  },
  extract(of: Context, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-')
    return traceId && spanId ? trace.setSpanContext(of, { traceId, spanId, traceFlags: 1, isRemote: true }) : of
  },
}

test('the handler runs in the trace of the sender', async () => {
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(propagator)
  await using jobs = await queue<number>('traced', { url: 'memory:' })
  let handledIn: string | undefined
  jobs.work(() => void (handledIn = trace.getActiveSpan()?.spanContext().traceId))
  const sentIn = await trace.getTracer('test').startActiveSpan('request', async (span) => {
    await jobs.send(1)
    span.end()
    return span.spanContext().traceId
  })
  await until('it is handled', () => handledIn !== undefined)
  assert.equal(handledIn, sentIn)
  await until('both spans have ended', () => exporter.getFinishedSpans().length >= 3)
  const names = new Set(exporter.getFinishedSpans().map(({ name }) => name))
  assert.ok(names.has('queue.send') && names.has('queue.handle'))
})
