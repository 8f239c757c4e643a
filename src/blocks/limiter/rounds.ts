import type { Take } from './driver.ts'

/** Takes of one key and one cost that follow each other. */
export interface Run {
  key: string
  cost: number
  /** Places of these takes in the batch. */
  places: number[]
}

/**
 * Cuts a batch into rounds in which each key stands once with one cost, so that a statement can decide a round and no key's
 * order is lost. As a rule (every cost the same) there is one round.
 */
export function toRounds(takes: readonly Take[]): Run[][] {
  const runs = new Map<string, Run[]>()
  takes.forEach(({ key, cost }, place) => {
    const ofKey = runs.get(key)
    const last = ofKey?.at(-1)
    if (last?.cost === cost) last.places.push(place)
    else if (ofKey) ofKey.push({ key, cost, places: [place] })
    else runs.set(key, [{ key, cost, places: [place] }])
  })
  const rounds: Run[][] = []
  for (const ofKey of runs.values()) ofKey.forEach((run, round) => (rounds[round] ??= []).push(run))
  return rounds
}
