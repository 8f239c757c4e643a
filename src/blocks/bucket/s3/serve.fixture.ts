import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { getRequestListener } from '@hono/node-server'
import type { Bucket } from '../bucket.ts'
import { bucket } from '../index.ts'

export interface Served extends AsyncDisposable {
  photos: Bucket
  folder: string
  origin: string
  client(config?: S3ClientConfig): S3Client
}

const secret = 'a secret for tests, of 32 characters and more'

/** The bucket `photos` on files, its endpoint behind a real HTTP server, and clients of the real SDK. */
export async function serve(maxBytes = 64 * 1024 ** 2): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-s3-'))
  const opened: { photos?: Bucket } = {}
  const server = createServer(getRequestListener((request) => opened.photos!.endpoint!(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.ASHLAR_SECRET = secret
  const photos = await bucket('photos', { url: `file://${folder}?public=${origin}`, maxBytes })
  opened.photos = photos
  const clients: S3Client[] = []
  return {
    photos,
    folder,
    origin,
    client(config = {}) {
      const { endpoint, region, accessKeyId, secretAccessKey } = photos.access()
      const credentials = { accessKeyId, secretAccessKey }
      const made = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1, ...config })
      clients.push(made)
      return made
    },
    async [Symbol.asyncDispose]() {
      for (const each of clients) each.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await photos.close()
      await rm(folder, { recursive: true })
    },
  }
}
