import { killInstances } from './survive-apps.ts'
import { beginJobs } from './survive-jobs.ts'
import { killEverything } from './survive-all.ts'
import type { BenchOptions, Row } from './report.ts'
import { inNewFolder, Shutter } from './shutter.ts'

/**
 * What users lose when processes are killed. The worker is killed first: the leases of its jobs have to end before others
 * get them, and everything else goes on meanwhile.
 */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return inNewFolder(async (folder) => {
    let shutter = await Shutter.start({ folder })
    try {
      await shutter.status()
      const jobs = await beginJobs(shutter, quick ? 8 : 30)
      const apps = await killInstances(shutter, quick ? 6 : 12)
      const all = await killEverything(shutter, quick ? 1 : 3, (next) => (shutter = next))
      return [...apps, ...(await jobs.end(shutter)), ...(await all.end(shutter))]
    } finally {
      await shutter[Symbol.asyncDispose]()
    }
  })
}
