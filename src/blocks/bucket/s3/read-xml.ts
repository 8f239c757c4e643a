import { isUtf8 } from 'node:buffer'
import { bodyOf } from './body.ts'
import { S3Error } from './error.ts'
import type { Call } from './operation.ts'
import { parseXml, type Node } from './xml.ts'

const largestBytes = 4 * 1024 ** 2

/** The XML document in a request's body. @throws S3Error MalformedXML */
export async function readXml({ request, verified, secret }: Call, root: string): Promise<Node> {
  const { bytes } = bodyOf(request, verified, secret)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBytes) throw new S3Error('MalformedXML', 'the document is larger than 4 MiB')
    chunks.push(chunk)
  }
  const text = textOf(Buffer.concat(chunks))
  const document = text === undefined ? undefined : parseXml(text)
  if (document?.name === root) return document
  throw new S3Error('MalformedXML', `the body is not a ${root} document`)
}

/** Bytes that are not UTF-8 must not turn into another key. */
function textOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined
}
