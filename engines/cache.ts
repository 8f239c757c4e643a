import os from 'node:os'
import path from 'node:path'
import type { Engine } from './engine.ts'

/** Where what a server is made of is kept: in `ASHLAR_ENGINES_CACHE`, else in `~/.cache/ashlar-engines`. */
export function homeOf(engine: Engine): string {
  const cache = process.env['ASHLAR_ENGINES_CACHE'] || path.join(os.homedir(), '.cache', 'ashlar-engines')
  return path.join(path.resolve(cache), `${engine.name}-${engine.version}`)
}
