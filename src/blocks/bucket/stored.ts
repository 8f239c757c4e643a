import type { Readable } from 'node:stream'
import type { StoredObject } from './bucket.ts'
import type { ByteRange, ObjectInfo } from './driver.ts'

/** An object with its body, and the two ways of reading it at once. */
export function storedObject(info: ObjectInfo, range: ByteRange | undefined, body: Readable): StoredObject {
  const bytes = async () => new Uint8Array(await whole(body))
  const text = async () => (await whole(body)).toString()
  return { ...info, ...(range && { range }), body, bytes, text }
}

async function whole(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
