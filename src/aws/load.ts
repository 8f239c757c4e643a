import http from 'node:http'
import https from 'node:https'
import { AshlarError } from '../errors.ts'
import type { AwsUrl } from './url.ts'

/** What the AWS SDK for JavaScript is made of: an optional peer, imported on first use. */
async function load<M>(name: string, importing: () => Promise<M>): Promise<M> {
  try {
    return await importing()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const message = `the package ${name} is not installed; run: npm install ${name} @smithy/node-http-handler`
    throw new AshlarError('unsupported', message, { cause: error })
  }
}

export const loadSqs = () => load('@aws-sdk/client-sqs', () => import('@aws-sdk/client-sqs'))
export const loadSns = () => load('@aws-sdk/client-sns', () => import('@aws-sdk/client-sns'))
export const loadKinesis = () => load('@aws-sdk/client-kinesis', () => import('@aws-sdk/client-kinesis'))
const loadHandler = () => load('@smithy/node-http-handler', () => import('@smithy/node-http-handler'))

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
