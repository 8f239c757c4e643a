import { readFile } from 'node:fs/promises'
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node'
import type { JetStreamManager } from '@nats-io/jetstream'
import { settledWithin, withinMs } from '../deadline.ts'
import { AshlarError } from '../errors.ts'
import { loadPeer } from '../peer.ts'
import { NatsFault } from './faults.ts'
import type { NatsUrl } from './url.ts'

/** Oldest server that does all that the drivers ask of it. */
export const oldestServer = '2.10.0'
/** One attempt to reach one address. */
const dialMs = 4_000
const openMs = 20_000

export interface Connected {
  connection: NatsConnection
  jsm: JetStreamManager
}

function client() {
  return loadPeer('@nats-io/transport-node @nats-io/jetstream', () =>
    Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]),
  )
}

/** A connection that comes back by itself for ever, on a server that has what we need. @throws `unsupported` */
export async function connectTo(url: NatsUrl): Promise<Connected> {
  const [{ connect, credsAuthenticator }, { jetstreamManager }] = await client()
  const { creds, ...login } = { creds: undefined, ...url.login }
  const options = { ...fixed, ...login, servers: url.servers, ...tlsOf(url) }
  const authenticator = creds && { authenticator: credsAuthenticator(await readFile(creds)) }
  const connecting = connect({ ...options, ...authenticator })
  const connection = await withinMs(connecting, openMs).catch((error: unknown) => {
    connecting.then((late) => late.close()).catch(() => undefined)
    throw error
  })
  try {
    checkServer(connection)
    const jsm = await jetstreamManager(connection, { timeout: dialMs, checkAPI: false })
    await checkJetStream(jsm)
    return { connection, jsm }
  } catch (error) {
    await settledWithin(connection.close(), 1_000)
    throw error
  }
}

/** Stale links are found after three pings without an answer. */
const fixed: ConnectionOptions = {
  name: 'ashlar',
  timeout: dialMs,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  reconnectJitter: 250,
  pingInterval: 4_000,
  maxPingOut: 2,
  noAsyncTraces: true,
  ignoreAuthErrorAbort: true,
}

function tlsOf({ tls, files }: NatsUrl): ConnectionOptions {
  if (tls === undefined) return {}
  if (!tls) return { tls: null }
  const { ca: caFile, cert: certFile, key: keyFile } = files
  return { tls: { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) } }
}

function checkServer({ info }: NatsConnection): void {
  const version = info?.version ?? 'unknown'
  if (isAtLeast(version, oldestServer)) return
  throw new AshlarError('unsupported', `this NATS server is ${version}; the oldest that will do is ${oldestServer}`)
}

export function isAtLeast(version: string, oldest: string): boolean {
  const [a, b] = [version, oldest].map((each) => /^v?(\d+)\.(\d+)\.(\d+)/.exec(each)?.slice(1).map(Number))
  if (!a || !b) return false
  const differs = a.findIndex((part, n) => part !== b[n])
  return differs < 0 || a[differs]! > b[differs]!
}

async function checkJetStream(jsm: JetStreamManager): Promise<void> {
  try {
    await jsm.getAccountInfo()
  } catch (cause) {
    const { name, code } = cause as { name?: string; code?: number }
    if (name === 'JetStreamNotEnabled' || code === 10039 || code === 10076)
      throw new AshlarError(
        'unsupported',
        'this NATS server has no JetStream; start it with -js, or enable it for the account',
        { cause },
      )
    throw name === 'TimeoutError'
      ? new NatsFault('timeout', `JetStream did not answer within ${dialMs} ms`, cause)
      : cause
  }
}
