import { request } from 'node:http'
import { healthPath } from '../blocks/app/index.ts'

const limitMs = 1_500

/** Whether an instance answers 200 on its health path within 1.5 s, on a connection of its own. Never throws. */
export function isWell({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(limitMs)
    const probe = request({ host, port, path: healthPath, agent: false, signal }, (answer) => {
      answer.on('error', () => undefined).resume()
      resolve(answer.statusCode === 200)
    })
    probe.on('error', () => resolve(false))
    probe.on('close', () => resolve(false))
    probe.end()
  })
}
