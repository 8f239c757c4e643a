import { npmStart } from './checkout.ts'
import { idle } from './idle.ts'
import { atMost, median, spread, type BenchOptions, type Row } from './report.ts'
import { inNewFolder, Shutter } from './shutter.ts'

const coldGoalS = 10
const warmGoalS = 3

/** How long a start takes, cold and warm, and what the service uses when nobody asks for anything. */
export async function bench({ quick }: BenchOptions): Promise<Row[]> {
  return inNewFolder(async (folder) => {
    const cold = await seconds(folder, 1)
    // Everything is there now; the compile cache holds what the first start has parsed.
    const warm = await seconds(folder, 3)
    const npm = await npmStart(quick ? 1 : 3)
    console.log(
      `cold ${spread(cold, 's')}; warm ${spread(warm, 's')}; npm start, warm ${npm ? spread(npm, 's') : 'not measured'}`,
    )
    return [
      atMost('cold start to the first answer', median(cold), coldGoalS, 's'),
      atMost('warm start to the first answer', median(warm), warmGoalS, 's'),
      ...(npm ? [atMost('npm start, warm, to the first answer', median(npm), warmGoalS, 's')] : []),
      ...(await idle(folder, quick)),
    ]
  })
}

/** Starts and stops it so many times. */
async function seconds(folder: string, rounds: number): Promise<number[]> {
  const all: number[] = []
  for (let round = 0; round < rounds; round++) {
    await using shutter = await Shutter.start({ folder })
    await shutter.status()
    all.push(shutter.startMs / 1000)
  }
  return all
}
