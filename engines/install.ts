import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
// @ts-expect-error the launcher is plain JavaScript, for the Node that the machine has
import { alone as aloneIn } from '../scripts/install-lock.mjs'
import type { Engine, Say } from './engine.ts'
import { homeOf } from './cache.ts'

/** Runs the work while nobody else, in this process or another, does so for the same folder. */
export const alone = aloneIn as <Result>(folder: string, work: () => Promise<Result>) => Promise<Result>

const stamp = '.installed'

/** Whether an install in this folder came to its end. */
export const isWhole = (home: string): boolean => existsSync(path.join(home, stamp))

/** Installs the server unless it is there. What an earlier install left half done is thrown away. */
export async function install(engine: Engine, say: Say): Promise<void> {
  const home = homeOf(engine)
  if (engine.isInstalled(home)) return
  await alone(`${home}.lock`, async () => {
    if (engine.isInstalled(home)) return // someone else did, while we waited
    const began = Date.now()
    say(`installing ${engine.title} (once; this needs the network)`)
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    await engine.install(home, say)
    writeFileSync(path.join(home, stamp), '')
    if (!engine.isInstalled(home)) throw new Error(`${engine.title} was installed, and yet is not to be found`)
    say(`installed in ${((Date.now() - began) / 1000).toFixed(1)} s`)
  })
}
