import pg from 'pg'
import { orAfter } from '../deadline.ts'
import type { Host, PostgresUrl } from './url.ts'

export const connectLimitMs = 5_000

/** How to reach one host of the cluster. A dead peer is noticed by TCP keep-alive after about 20 s without a word. */
export function clientConfig(url: PostgresUrl, { host, port }: Host): pg.ClientConfig {
  return {
    host,
    port,
    user: url.user,
    password: url.password,
    database: url.database,
    ssl: url.ssl,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: url.applicationName,
  }
}

/** A connection outside of any pool. Once it is lost its statements fail; the event itself is never thrown. */
export async function connectTo(url: PostgresUrl, host: Host, more: object = {}): Promise<pg.Client> {
  const config = { ...clientConfig(url, host), connectionTimeoutMillis: connectLimitMs, ...more }
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    cutOff(client)
    throw (error as Error).message === 'timeout expired' ? noAnswer(host, error) : error
  }
}

/** Breaks a connection at once. */
export function cutOff(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(error?: Error): void } } }
  connection.stream.destroy()
}

export function noAnswer(host: Host, cause: unknown): Error {
  return new Error(`Connection terminated: no answer from ${hostName(host)} within ${connectLimitMs} ms`, { cause })
}

export function hostName({ host, port }: Host): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The answer, or after so long an error that tells of a lost connection. */
export function within<T>(work: Promise<T>, limitMs: number, complaint: string): Promise<T> {
  return orAfter(work, limitMs, () => {
    throw new Error(`Connection terminated: ${complaint} within ${limitMs} ms`)
  })
}

const lost = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
])

/** True when the connection or the host is gone, never for an error in a statement. */
export function isLost(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  if (code !== undefined && lost.has(code)) return true
  return (
    error instanceof Error && /Connection terminated|not queryable|after calling end on the pool/.test(message ?? '')
  )
}

/** SQLSTATE 25006: a write met a server, or a transaction, that is read-only. */
export function isReadOnly(error: unknown): boolean {
  return (error as { code?: string } | undefined)?.code === '25006'
}
