import { invalid } from '../errors.ts'
import type { Service } from './service.ts'

type Wanted = Record<string, unknown>

/** What the buttons do, to the real processes. Each answers a sentence for the page. */
const actions: Record<string, (service: Service, wanted: Wanted) => Promise<string> | string> = {
  kill: (service, wanted) => (
    service.kill(text(wanted, 'process')),
    `killed ${String(wanted.process)}: it starts again by itself`
  ),
  pause: (service, wanted) => (service.pause(text(wanted, 'process')), `paused ${String(wanted.process)}`),
  resume: (service, wanted) => (service.resume(text(wanted, 'process')), `${String(wanted.process)} goes on`),
  add: (service, wanted) => `started ${service.add(text(wanted, 'block'))}`,
  remove: async (service, wanted) => (
    await service.remove(text(wanted, 'process')),
    `${String(wanted.process)} has ended`
  ),
  lag: async (service, wanted) => (
    await service.lag(text(wanted, 'member'), seconds(wanted)),
    `${String(wanted.member)} is ${seconds(wanted)} s behind from now on`
  ),
  promote: async (service, wanted) => (
    await service.promote(text(wanted, 'member')),
    `${String(wanted.member)} is the primary now`
  ),
}

/** Runs an action by name. @throws `invalid_argument` for an unknown name or a missing argument */
export async function act(service: Service, name: string, wanted: unknown): Promise<string> {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (!action) throw invalid(`there is no action '${name}'; there are ${Object.keys(actions).join(', ')}`)
  if (typeof wanted !== 'object' || wanted === null) throw invalid('an action takes a JSON object')
  return action(service, wanted as Wanted)
}

function text(wanted: Wanted, name: string): string {
  const value = wanted[name]
  if (typeof value === 'string' && value.length > 0 && value.length < 100) return value
  throw invalid(`this action needs '${name}' as text`)
}

function seconds(wanted: Wanted): number {
  const value = wanted.seconds
  if (typeof value === 'number' && value >= 0 && value <= 3600) return value
  throw invalid(`seconds: ${String(value)} is out of range; allowed is 0 to 3600`)
}
