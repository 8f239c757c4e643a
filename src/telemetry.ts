import {
  context,
  INVALID_SPAN_CONTEXT,
  metrics,
  propagation,
  ProxyTracerProvider,
  trace,
  SpanStatusCode,
  type Attributes,
  type Span,
} from '@opentelemetry/api'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { orAfter } from './deadline.ts'
import { isAshlarError } from './errors.ts'

/** Everything this process measures, in the Prometheus text format. Each role serves it at `/metrics`. */
export const registry = new Registry()

const tracer = trace.getTracer('ashlar')
const meter = metrics.getMeter('ashlar')

const seconds = new Histogram({
  name: 'ashlar_operation_seconds',
  help: 'Time of one operation of a block',
  labelNames: ['kind', 'block', 'driver', 'operation', 'outcome'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  registers: [registry],
})
const otelSeconds = meter.createHistogram('ashlar.operation.duration', {
  unit: 's',
  description: 'Time of one operation of a block',
})

/** Who does what, for spans and metrics. */
export interface Operation {
  kind: string
  block: string
  driver: string
  operation: string
}

/**
 * Runs one operation of a block inside a span and measures it. The outcome label is `ok` or the error's code.
 * Without an OpenTelemetry SDK only the Prometheus histogram is written.
 */
export async function observed<T>(
  of: Operation,
  work: (span: Span) => Promise<T>,
  attributes: Attributes = {},
): Promise<T> {
  if (!isTraced()) return measured(of, noSpan, work)
  const options = { attributes: { ...spanNames(of), ...attributes } }
  return tracer.startActiveSpan(`${of.kind}.${of.operation}`, options, (span) => measured(of, span, work))
}

/** Without an SDK a span is work for nothing, and a message may take only a few microseconds in all. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('ashlar') !== undefined
}

const noSpan = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

async function measured<T>(of: Operation, span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  const started = performance.now()
  let outcome = 'ok'
  try {
    return await work(span)
  } catch (error) {
    outcome = isAshlarError(error) ? error.code : 'internal'
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
    throw error
  } finally {
    const took = (performance.now() - started) / 1000
    const { labels, prometheus } = seriesOf(of, outcome)
    prometheus.observe(took)
    otelSeconds.record(took, labels)
    span.end()
  }
}

interface Series {
  labels: Labels
  prometheus: Histogram.Internal<string>
}

const series = new Map<string, Series>()

/** Looked up once: Prometheus' client sorts and joins the labels at each look. There are as many as there are operations. */
function seriesOf({ kind, block, driver, operation }: Operation, outcome: string): Series {
  const key = `${kind} ${block} ${driver} ${operation} ${outcome}`
  let found = series.get(key)
  if (!found) {
    const labels = { kind, block, driver, operation, outcome }
    series.set(key, (found = { labels, prometheus: seconds.labels(labels) }))
  }
  return found
}

function spanNames(of: Operation): Attributes {
  return { 'ashlar.kind': of.kind, 'ashlar.block': of.block, 'ashlar.driver': of.driver }
}

type Labels = Record<string, string>

/** Adds to a counter, made on first use. Name it `ashlar_<kind>_<what>_total`; always pass the same label names. */
export function count(name: string, help: string, labels: Labels, by = 1): void {
  const found = registry.getSingleMetric(name) as Counter | undefined
  const counter = found ?? new Counter({ name, help, labelNames: Object.keys(labels), registers: [registry] })
  counter.inc(labels, by)
  otelCounter(name, help).add(by, labels)
}

const otelCounters = new Map<string, ReturnType<typeof meter.createCounter>>()
function otelCounter(name: string, help: string) {
  let counter = otelCounters.get(name)
  if (!counter) otelCounters.set(name, (counter = meter.createCounter(name, { description: help })))
  return counter
}

interface GaugeSource {
  labels: Labels
  read: () => Promise<number | undefined> | number | undefined
}
const gaugeLimitMs = 2_000
const gaugeSources = new Map<string, Set<GaugeSource>>()

/**
 * A value that is read when `/metrics` is read (and at no other time). A reader that fails, answers `undefined` or
 * takes longer than 2 s is left out.
 * @returns a function that takes the reader away again; call it when the block closes.
 */
export function gauge(name: string, help: string, labels: Labels, read: GaugeSource['read']): () => void {
  let sources = gaugeSources.get(name)
  if (!sources) {
    gaugeSources.set(name, (sources = new Set()))
    new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry], collect: collectFrom(sources) })
  }
  const source = { labels, read }
  sources.add(source)
  return () => void sources.delete(source)
}

function collectFrom(sources: Set<GaugeSource>) {
  return async function collect(this: Gauge): Promise<void> {
    const read = await Promise.all([...sources].map(valueOf))
    // All at once, so that two readers at the same time both see whole sets.
    this.reset()
    for (const { labels, value } of read) if (value !== undefined) this.set(labels, value)
  }
}

/** An engine that is silent must not hold up all the other figures. */
async function valueOf({ labels, read }: GaugeSource): Promise<{ labels: Labels; value: number | undefined }> {
  const reading = (async () => read())().catch(() => undefined)
  return { labels, value: await orAfter(reading, gaugeLimitMs, () => undefined) }
}

/** The trace context of the caller as text headers (`traceparent` …), to travel inside a message. Empty without an SDK. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(context.active(), headers)
  return headers
}

/** Runs work as a child of the trace whose headers came with a message. */
export function withTrace<T>(headers: Record<string, string>, work: () => T): T {
  return context.with(propagation.extract(context.active(), headers), work)
}
