import { ask } from './probe.ts'

/** A URL for what speaks AWS's protocol by HTTP on this machine; such servers take any key, and these tests use `test`. */
export const awsUrl = (scheme: string, region: string, port: number): string =>
  `${scheme}://test:test@${region}?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`

/** Whether anything answers by HTTP, whatever it says. */
export const answersHttp = (port: number, path = '/'): Promise<boolean> =>
  ask(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`, (answer) =>
    answer.toString('latin1').startsWith('HTTP/1.1 '),
  )
