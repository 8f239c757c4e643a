import { createServer } from 'node:http'

// An instance in a process of its own, to be killed. Its answers come in two writes, so that a kill may fall between.
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-length': 20_000 })
  response.write('x'.repeat(10_000))
  setImmediate(() => response.end('y'.repeat(10_000)))
})
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port))
process.on('disconnect', () => process.exit())
