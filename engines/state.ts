import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineNames, type EngineName } from './engine.ts'
import { isGroupAlive, markOf } from './process.ts'

/** Where the servers of `npm run engines -- up` have their folders, logs, and the file that tells of them. */
export const standingFolder = fileURLToPath(new URL('../.ashlar-engines', import.meta.url))

/** A server that was left running. */
export interface Standing {
  readonly url: string
  readonly pid: number
  /** Tells its process from a later one with the same number. */
  readonly mark: string
  readonly ports: readonly number[]
  readonly folder: string
  /** ISO time of its start. */
  readonly since: string
}

export type State = Partial<Record<EngineName, Standing>>

const fileIn = (folder: string) => path.join(folder, 'state.json')

/** What was written down last; nothing, when there is no file or it is not one of ours. */
export function readState(folder = standingFolder): State {
  try {
    const read = JSON.parse(readFileSync(fileIn(folder), 'utf8')) as Record<string, unknown>
    return Object.fromEntries(engineNames.flatMap((name) => (isStanding(read[name]) ? [[name, read[name]]] : [])))
  } catch {
    return {}
  }
}

function isStanding(value: unknown): value is Standing {
  const { pid, mark, url, ports, folder } = (value ?? {}) as Partial<Standing>
  const strings = [mark, url, folder].every((each) => typeof each === 'string')
  return strings && Number.isInteger(pid) && pid! > 1 && Array.isArray(ports) && ports.every(Number.isInteger)
}

/** Notes the server, or strikes it out. Readers see the old file or the new one; writers keep one another out by `alone`. */
export function note(name: EngineName, standing: Standing | undefined, folder = standingFolder): void {
  mkdirSync(folder, { recursive: true })
  const { [name]: _, ...others } = readState(folder)
  const next: State = standing ? { ...others, [name]: standing } : others
  const draft = `${fileIn(folder)}.${process.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(next, undefined, 2)}\n`)
    renameSync(draft, fileIn(folder))
  } finally {
    rmSync(draft, { force: true })
  }
}

/**
 * Whether the process that was noted runs: `leader`; or only what it had started: `remains`; or nothing of it, whatever has
 * its number now: `gone`. (A number is not given to a new process while a group has it.)
 */
export function lifeOf({ pid, mark }: Standing): 'leader' | 'remains' | 'gone' {
  const now = markOf(pid)
  if (now === mark) return 'leader'
  return now === undefined && isGroupAlive(pid) ? 'remains' : 'gone'
}
