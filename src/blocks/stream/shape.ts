import { AshlarError } from '../../errors.ts'

/** @throws `conflict` when a stream is there with another number of partitions than it is opened with */
export function checkShape(name: string, there: number, asked: number): void {
  if (there === asked) return
  throw new AshlarError(
    'conflict',
    `stream '${name}' exists with ${there} partitions and was opened with ${asked}; the number is fixed: write partitions: ${there}`,
  )
}
