import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { streamsOn } from '../../../test/servers/streams.ts'
import { streamSuite } from './conformance.ts'
import * as redis from './redis.ts'

const { url, skip } = await engineFor('redis')

if (url === undefined) test('stream on redis', { skip }, () => undefined)
else
  conforms(
    streamSuite,
    streamsOn({
      driver: 'redis',
      module: redis,
      capabilities: { compaction: true, compactsOnTrim: true, contiguous: true, trims: true },
      sessionMs: 500,
      url: () => url,
    }),
  )
