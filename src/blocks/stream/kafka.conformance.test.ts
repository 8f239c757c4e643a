import { test } from 'node:test'
import { conforms } from '../../conformance.ts'
import { engineFor } from '../../../test/servers/engines.ts'
import { deleteTopics } from '../../../test/servers/kafka.ts'
import { streamsOn } from '../../../test/servers/streams.ts'
import { streamSuite } from './conformance.ts'
import * as kafka from './kafka.ts'

const { url, skip } = await engineFor('kafka')

if (url === undefined) test('stream on kafka', { skip }, () => undefined)
else
  conforms(
    streamSuite,
    streamsOn({
      driver: 'kafka',
      module: kafka,
      capabilities: { compaction: true, contiguous: true, trims: true },
      sessionMs: 1_000,
      url: () => url,
      clean: deleteTopics,
    }),
  )
