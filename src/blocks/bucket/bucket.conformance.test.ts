import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conforms, type Subject } from '../../conformance.ts'
import { bucketSuite, type BucketHarness } from './conformance.ts'
import * as file from './file.ts'
import { harness } from './conformance/harness.ts'
import * as memory from './memory.ts'

const capabilities = { limits: true, serves: true }

conforms(bucketSuite, {
  driver: 'memory',
  capabilities,
  open: async () => harness({ ...memory, url: `memory:${crypto.randomUUID()}` }),
} satisfies Subject<BucketHarness>)

conforms(bucketSuite, {
  driver: 'file',
  capabilities,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'ashlar-bucket-'))
    return harness({ ...file, url: `file://${folder}`, after: () => rm(folder, { recursive: true }) })
  },
} satisfies Subject<BucketHarness>)
