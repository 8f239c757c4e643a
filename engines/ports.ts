import { freePort } from '../src/listen.ts'

/** As many different free ports as asked for, none of them one that a system hands out by itself. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) found.add(await freePort())
  return [...found]
}
