import { once } from 'node:events'
import { connect } from 'node:net'
import { Fleet, openRig, rawPeer } from './rig.ts'

// Run as a child: how much an edge grows, in bytes, while 10 clients ask for 200 MB each and read nothing.
const chunk = Buffer.alloc(64 * 1024)
const size = 200 * 1024 * 1024
let accepted = 0

/** What is alive, buffers included; resident memory also counts what the allocator has not given back yet. */
async function held(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20)) // buffers are let go after the collection that found them
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const peer = await rawPeer((socket) => {
  socket.once('data', () => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
    const push = () => {
      while (accepted < 10 * size && socket.write(chunk)) accepted += chunk.byteLength
    }
    socket.on('drain', push)
    push()
  })
})
const rig = await openRig(new Fleet(peer.port))
const before = await held()
for (let each = 0; each < 10; each++) {
  const client = connect(rig.port, '127.0.0.1')
  await once(client, 'connect')
  client.pause()
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
}
let last = -1
while (peer.sockets.length < 10 || accepted !== last) {
  last = accepted
  await new Promise((resolve) => setTimeout(resolve, 300))
}
process.send!({ grownBytes: (await held()) - before, accepted })
process.exit()
