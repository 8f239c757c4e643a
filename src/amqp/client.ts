import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { ChannelModel, connect as connectType } from 'amqplib'
import { withinMs } from '../deadline.ts'
import { AshlarError } from '../errors.ts'
import { loadPeer } from '../peer.ts'
import { faultOf } from './fault.ts'
import type { AmqpUrl } from './url.ts'

/** How long a connection may take, and any answer. */
export const answerMs = 10_000

function clientPackage(): Promise<{ connect: typeof connectType }> {
  return loadPeer('amqplib', () => import('amqplib'))
}

/** Opens a connection; to each address of the host in turn. @throws raw errors */
export async function connect(url: AmqpUrl, name: string): Promise<ChannelModel> {
  const client = await clientPackage()
  const { host, port, user, password, vhost, tls, heartbeatS } = url
  const where = {
    protocol: tls ? 'amqps' : 'amqp',
    hostname: host,
    port,
    username: user,
    password,
    heartbeat: heartbeatS,
  }
  const socket = {
    timeout: answerMs,
    noDelay: true,
    clientProperties: { connection_name: name },
    ...(tls && { rejectUnauthorized: tls.rejectUnauthorized }),
    ...(tls?.caFile !== undefined && { ca: [await readFile(tls.caFile)] }),
  }
  try {
    // The client decodes the vhost once more.
    return checkVersion(await client.connect({ ...where, vhost: encodeURIComponent(vhost) }, socket))
  } catch (error) {
    throw faultOf(error)
  }
}

/** Quorum queues with time limits and dead letters that are never lost came with 3.10. */
const oldest = '3.10'

function checkVersion(model: ChannelModel): ChannelModel {
  const { product, version } = model.connection.serverProperties
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (product === 'RabbitMQ' && (major > 3 || (major === 3 && minor >= 10))) return model
  model.on('error', () => undefined)
  destroy(model)
  throw new AshlarError('unsupported', `RabbitMQ ${oldest} or newer is needed; this is ${product} ${version}`)
}

/** Ends a connection without a word: what is on its way is lost, and a socket that nobody answers keeps no process. */
export function destroy(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { stream: Socket }
  stream.destroy(new Error('the connection was given up'))
}

/** Ends a connection in order, if the server answers. */
export async function hangUp(model: ChannelModel): Promise<void> {
  await withinMs(model.close(), 1_000).catch(() => undefined)
  destroy(model)
}
