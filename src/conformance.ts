import { test } from 'node:test'
import { withinMs } from './deadline.ts'
import { describe } from './errors.ts'

/** One promise of a block, as a test that any driver must pass. */
export interface Case<Harness> {
  /** The guarantee, as a sentence: 'redelivers after the lease ends'. */
  name: string
  /** Capability that the driver must declare for this case to apply; without it the case is skipped and the skip is printed. */
  needs?: string
  run(harness: Harness): Promise<void>
}

/** All promises of one block. */
export interface Suite<Harness> {
  block: string
  cases: readonly Case<Harness>[]
}

/** A driver under test: its harness is opened anew for each case and disposed after it. */
export interface Subject<Harness> {
  driver: string
  /** Capabilities that the driver declares; only `true` ones count. */
  capabilities: Readonly<Record<string, boolean>>
  open(): Promise<Harness & AsyncDisposable>
}

/** Every capability that some case of the suite needs: for drivers that lack none, or name what they lack. */
export function everyCapability<Harness>({ cases }: Suite<Harness>): Record<string, boolean> {
  return Object.fromEntries(cases.flatMap(({ needs }) => (needs ? [[needs, true]] : [])))
}

/** How one case ended; `needs` names the capability that was not declared. */
export type Outcome =
  | { name: string; outcome: 'passed' }
  | { name: string; outcome: 'skipped'; needs: string }
  | { name: string; outcome: 'failed'; error: string }

const caseLimitMs = 30_000

/** Runs a suite without a test runner. A case that does not end within 30 s has failed. */
export async function verify<Harness>(suite: Suite<Harness>, subject: Subject<Harness>): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const each of suite.cases) outcomes.push(await verifyCase(each, subject))
  return outcomes
}

async function verifyCase<Harness>(each: Case<Harness>, subject: Subject<Harness>): Promise<Outcome> {
  const { name, needs } = each
  if (needs && !subject.capabilities[needs]) return { name, outcome: 'skipped', needs }
  try {
    await withinMs(runCase(each, subject), caseLimitMs, `'${name}' did not end within ${caseLimitMs / 1000} s`)
    return { name, outcome: 'passed' }
  } catch (error) {
    return { name, outcome: 'failed', error: describe(error) }
  }
}

async function runCase<Harness>(each: Case<Harness>, subject: Subject<Harness>): Promise<void> {
  await using harness = await subject.open()
  await each.run(harness)
}

/** Registers a suite with `node:test`, one test a case, named `<block> on <driver>: <guarantee>`. */
export function conforms<Harness>(suite: Suite<Harness>, subject: Subject<Harness>): void {
  for (const each of suite.cases) {
    const title = `${suite.block} on ${subject.driver}: ${each.name}`
    const missing =
      each.needs && !subject.capabilities[each.needs] ? `the driver does not declare '${each.needs}'` : false
    test(title, { skip: missing, timeout: caseLimitMs }, () => runCase(each, subject))
  }
}

/** A driver with some methods of another mind: for deliberately broken drivers, and for those that count or cut calls. */
export function altered<Driver extends object>(driver: Driver, changes: Partial<Driver>): Driver {
  return new Proxy(driver, {
    get(target, name) {
      if (name in changes) return Reflect.get(changes, name)
      const found: unknown = Reflect.get(target, name, target)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
}

/** Waits until a condition holds, looking again every few milliseconds. For suites and tests: never sleep for a guess. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
