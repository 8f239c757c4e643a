import http from 'node:http'
import https from 'node:https'
import { loadPeer } from '../peer.ts'
import type { AwsUrl } from './url.ts'

const handler = '@smithy/node-http-handler'

export const loadSqs = () => loadPeer(`@aws-sdk/client-sqs ${handler}`, () => import('@aws-sdk/client-sqs'))
export const loadSns = () => loadPeer(`@aws-sdk/client-sns ${handler}`, () => import('@aws-sdk/client-sns'))
const loadHandler = () => loadPeer(handler, () => import('@smithy/node-http-handler'))

const connectMs = 5_000
/** Waiting receives hold a connection each. */
const agentOptions = { maxSockets: 512, keepAlive: true }

/** The connections of one client: by HTTP/1.1, which all that stands in for AWS understands as well. */
export class Sockets {
  readonly httpAgent = new http.Agent(agentOptions)
  readonly httpsAgent = new https.Agent(agentOptions)

  /** Calls under way go on, but do not keep the process alive. */
  unref(): void {
    for (const { sockets } of [this.httpAgent, this.httpsAgent])
      for (const each of Object.values(sockets).flat()) each?.unref()
  }
}

/** Options of each of those clients. They do not retry: who asks a driver decides that. */
export async function clientOptions({ region, credentials, endpoint }: AwsUrl, sockets = new Sockets()) {
  const { NodeHttpHandler } = await loadHandler()
  const { httpAgent, httpsAgent } = sockets
  return {
    region,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: connectMs, httpAgent, httpsAgent }),
    ...(credentials ? { credentials } : {}),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}
