import os from 'node:os'

export interface BenchOptions {
  /** Fewer rounds, done within 50 s. */
  quick: boolean
}

export type Bench = (options: BenchOptions) => Promise<Row[]>

/** One result beside its goal. */
export interface Row {
  work: string
  /** For people: the figure with its unit. */
  measured: string
  /** What it is compared with. */
  peer: string
  /** How many times better than the peer; of what must not happen at all, how often it happened. */
  ratio: number
  /** The least ratio; 0 where nothing may happen. */
  goal: number
  met: boolean
}

/** A figure that should be at most the limit. */
export function atMost(work: string, value: number, limit: number, unit: string): Row {
  const ratio = value > 0 ? limit / value : limit
  return {
    work,
    measured: `${value.toFixed(2)} ${unit}`,
    peer: `at most ${limit} ${unit}`,
    ratio,
    goal: 1,
    met: value <= limit,
  }
}

/** Something that must not happen, and how often it did out of how many. */
export function never(work: string, count: number, of: number): Row {
  return { work, measured: `${count} of ${of}`, peer: 'none', ratio: count, goal: 0, met: count === 0 && of > 0 }
}

/** Prints the table and, as the last line, the same as JSON. */
export function report(bench: string, on: string, rows: readonly Row[]): void {
  const lines = rows.map(({ work, measured, peer, ratio, goal, met }) => [
    work,
    measured,
    peer,
    goal === 0 ? '' : `${ratio.toFixed(2)}x`,
    met ? 'met' : 'MISSED',
  ])
  const table = [['work', 'measured', 'goal', 'ratio', ''], ...lines]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  console.log()
  for (const line of table)
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
  console.log()
  const short = rows.map(({ work, peer, ratio, goal, met }) => ({ work, peer, ratio: rounded(ratio), goal, met }))
  console.log(JSON.stringify({ bench, machine: on, rows: short }))
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** What the figures depend on. The load before the bench tells whether the machine was quiet. */
export function machine(): string {
  const cpus = os.cpus()
  const memory = `${Math.round(os.totalmem() / 1024 ** 3)} GB`
  const [load] = os.loadavg()
  return `${cpus.length} x ${cpus[0]?.model.trim() ?? os.arch()}, ${memory}, ${os.type()} ${os.release()}, Node ${process.versions.node}, load ${load!.toFixed(1)}`
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Lowest to highest, for what a figure was in each round. */
export function spread(values: readonly number[], unit: string): string {
  return `${values.map((each) => each.toFixed(2)).join(' ')} ${unit}`
}
