import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { streamsOn } from '../../../test/servers/streams.ts'
import { streamSuite } from './conformance.ts'
import type { StreamDriver } from './driver.ts'
import * as nats from './nats.ts'

const { url, skip } = await engineFor('nats')

/** Takes away what a case has made: names begin with that of its service, which is nobody else's. */
async function clean(drivers: StreamDriver[]): Promise<void> {
  const opened = drivers.map(({ native }) => native as { connection: NatsConnection; stream: string })
  const open = opened.find(({ connection }) => !connection.isClosed())
  const service = /^ashlar-stream-([^=]+)=/.exec(opened[0]?.stream ?? '')?.[1]
  if (!open || !service) return
  const { streams } = await jetstreamManager(open.connection)
  for await (const { config } of streams.list())
    if (config.name.includes(`-${service}=`)) await streams.delete(config.name)
}

const capabilities = { compaction: false, contiguous: true, trims: true }

if (url === undefined) test('stream on nats', { skip }, () => undefined)
else
  conforms(
    streamSuite,
    streamsOn({ driver: 'nats', module: nats, url: () => url, capabilities, sessionMs: 1_000, clean }),
  )
