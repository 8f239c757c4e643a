import { homeOf } from './cache.ts'
import { engineNames, type Engine, type EngineName } from './engine.ts'
import { engines } from './index.ts'
import { readState } from './state.ts'
import { isWell } from './up.ts'

/** One server, for `npm run engines -- status`. */
export interface Status {
  name: EngineName
  title: string
  /** `up` answers; `silent` was left running and does not; `down` could be started at once; `missing` must be installed. */
  state: 'up' | 'silent' | 'down' | 'missing'
  url?: string
  pid?: number
  since?: string
  folder?: string
}

export function statusOfAll(): Promise<Status[]> {
  return Promise.all(engineNames.flatMap((name) => (engines[name] ? [statusOf(engines[name])] : [])))
}

async function statusOf(engine: Engine): Promise<Status> {
  const { name, title } = engine
  const standing = readState()[name]
  if (!standing) return { name, title, state: engine.isInstalled(homeOf(engine)) ? 'down' : 'missing' }
  const { url, pid, since, folder } = standing
  return { name, title, state: (await isWell(engine, standing, 0)) ? 'up' : 'silent', url, pid, since, folder }
}
