import { readdir, readlink, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { until } from '../../src/conformance.ts'
import { repository, Run, type RunOptions } from './dev.ts'

const photos = path.join(repository, 'examples/photos/blueprint.ts')

/** A service of this checkout in a folder of the test's own, as `ashlar dev` runs it. Its end takes the folder along. */
export class RunningService extends Run {
  /** Starts a service, by its blueprint's path (default: the photos example), on free ports. Ready when it returns. */
  static async start(blueprint = photos, options: RunOptions = {}): Promise<RunningService> {
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'ashlar-e2e-')))
    const service = new RunningService(folder, ['dev', '--no-watch', '--blueprint', blueprint], options)
    try {
      await service.ready()
      return service
    } catch (error) {
      await service[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Presses a button of the console: `act('lag', { member: 'pg1', seconds: 5 })`. */
  async act(action: string, wanted: object): Promise<void> {
    const url = `${this.status!.addresses.console}/actions/${action}`
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(wanted) })
    if (!response.ok) throw new Error(`${action}: ${response.status} ${await response.text()}`)
  }

  /** Processes that work inside its folder. Linux only; none elsewhere. */
  async processes(): Promise<number[]> {
    if (process.platform !== 'linux') return []
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
    return pids.filter((_, index) => `${folders[index]}/`.startsWith(`${this.folder}/`)).map(Number)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await until('its last process has gone', async () => (await this.processes()).length === 0)
    await rm(this.folder, { recursive: true, force: true })
  }
}
