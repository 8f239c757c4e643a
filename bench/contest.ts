import { median, spread, type Row } from './report.ts'

/** One way to do the work; answers how much it did in a second. */
export interface Contender {
  name: string
  run(): Promise<number>
}

/** The contenders take turns: one round to warm up, then as many as asked for. Answers each one's figures. */
export async function contest(
  work: string,
  contenders: readonly Contender[],
  rounds: number,
): Promise<Map<string, number[]>> {
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++)
    for (const { name, run } of contenders) {
      const figure = await run()
      if (round >= 0) figures.get(name)!.push(figure)
    }
  console.log(`\n${work}`)
  for (const [name, values] of figures)
    console.log(`  ${name.padEnd(28)} ${format(median(values)).padStart(10)}   ${spread(values.map(Math.round), '')}`)
  return figures
}

/** How many times as much as the peer. */
export function against(work: string, figures: Map<string, number[]>, peer: string, goal: number): Row {
  const [ours, theirs] = [figures.get('ashlar'), figures.get(peer)]
  if (!ours || !theirs) throw new Error(`${work}: no figures of ashlar or ${peer}`)
  const ratio = median(ours) / median(theirs)
  const measured = `${format(median(ours))} to ${format(median(theirs))}`
  return { work, measured, peer: `${peer} x ${goal}`, ratio, goal, met: ratio >= goal }
}

export function format(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(2)
}

/** So much in a second. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (count / (performance.now() - began)) * 1000
}

/** `callers` at a time do `count` calls in all. */
export async function callers(count: number, at: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const caller = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: at }, caller))
}
