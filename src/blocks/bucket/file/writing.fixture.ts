/** A process for tests: writes objects of many sizes until it is killed, and says which ones it was told are stored. */
import { createHash } from 'node:crypto'
import { pattern } from '../conformance/ask.ts'
import { bucket } from '../index.ts'

const [, , url = '', mode = 'write'] = process.argv
const photos = await bucket('photos', { url })

if (mode === 'race') {
  const won = []
  for (let at = 0; at < 30; at++) {
    const put = photos.put(`race ${at}`, `${process.pid}`, { ifNoneMatch: '*' })
    if (
      await put.then(
        () => true,
        () => false,
      )
    )
      won.push(at)
  }
  process.stdout.write(JSON.stringify(won) + '\n')
  await photos.close()
} else {
  await Promise.all(Array.from({ length: 4 }, (_, lane) => write(lane)))
}

async function write(lane: number): Promise<never> {
  for (let round = 0; ; round++) {
    const body = pattern(1000 + ((round * 7919 + lane * 104_729) % 300_000), round)
    const sum = createHash('sha256').update(body).digest('hex')
    const key = `${lane}/${round % 20}`
    await photos.put(key, body, { metadata: { sum } })
    process.stdout.write(`${key} ${sum}\n`)
  }
}
