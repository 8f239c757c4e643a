import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { until } from '../conformance.ts'
import { Fleet, httpPeer, openRig } from '../../test/edge/rig.ts'

test('ten clients that read nothing of 200 MB each: reading stops upstream, and memory stays', async () => {
  const child = fork(new URL('../../test/edge/stalled.ts', import.meta.url), {
    execArgv: [
      ...process.execArgv.filter((each) => !each.startsWith('--test')),
      '--expose-gc',
      '--max-semi-space-size=4',
    ], // so that V8's own room for garbage is not what is measured
  })
  const [{ grownBytes, accepted }] = (await once(child, 'message')) as [{ grownBytes: number; accepted: number }]
  // The kernel's socket buffers, of both hops, take up to some 20 MB a connection; the rest has to wait at the instance.
  assert.ok(accepted < 400 * 1024 * 1024, `the instance got rid of ${accepted} bytes`)
  assert.ok(grownBytes < 50 * 1024 * 1024, `grew by ${grownBytes} bytes`)
})

test('a client that takes nothing for too long is cut off, with what it held at the instance', async () => {
  await using peer = await httpPeer((_, response) => response.end(Buffer.alloc(20 * 1024 * 1024)))
  await using rig = await openRig(new Fleet(peer.port), { limits: { stalledMs: 200 } })
  const client = connect(rig.port, '127.0.0.1').pause()
  client.on('error', () => undefined)
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await until('it is under way', () => rig.upstream.endpoints[0]!.requests === 1)
  await until(
    'it was cut off',
    () => rig.upstream.endpoints[0]!.active === 0 && peer.sockets.every(({ closed }) => closed),
  )
  client.destroy()
})

test('a client that is slow but reads is not cut off', async () => {
  const body = Buffer.alloc(4 * 1024 * 1024)
  await using peer = await httpPeer((_, response) => response.end(body))
  await using rig = await openRig(new Fleet(peer.port), { limits: { stalledMs: 400 } })
  const client = connect(rig.port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  let got = 0
  for await (const chunk of client) {
    got += (chunk as Buffer).byteLength
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.ok(got > body.byteLength)
})
