import { connect } from 'node:net'

const answerMs = 1000

/** Sends the bytes to the port; whether what comes back is, so far, what `isIt` looks for. */
export function ask(port: number, bytes: string | Uint8Array, isIt: (answer: Buffer) => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answer = Buffer.alloc(0)
    const end = (found: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(found)
    }
    const timer = setTimeout(() => end(false), answerMs)
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (isIt(answer)) end(true)
    })
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
  })
}
