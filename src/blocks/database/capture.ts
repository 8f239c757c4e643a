import { refuseUnknown } from '../../block.ts'
import { invalid } from '../../errors.ts'
import type { CaptureState } from '../../postgres/capture/capture.ts'
import type { Change } from '../../postgres/capture/change.ts'
import { toCount } from '../../units.ts'

export type { CaptureState, Change }

export interface CaptureOptions {
  /** Tables of this database, `name` or `schema.name`, each with a primary key (or REPLICA IDENTITY). 1 to 100. */
  tables: readonly string[]
  /** Changes per call of the handler, at most. 1 to 10,000, default 500. */
  batch?: number
  /**
   * The server keeps only so much log for a reader that is away (`max_slot_wal_keep_size`; embedded: 512 MB). When it has dropped what
   * was not read: 'stop' (default) says so in `state`, health and log; 'copy' copies all rows again. Deletions in between are
   * never told then.
   */
  lost?: 'stop' | 'copy'
}

/** Follows tables until it is closed; see `Database.capture`. */
export interface TableCapture extends AsyncDisposable {
  readonly state: CaptureState
  close(): Promise<void>
}

export type ChangeHandler = (changes: readonly Change[], context: { signal: AbortSignal }) => unknown

const known = ['tables', 'batch', 'lost']

/** @throws `invalid_argument` */
export function readCaptureOptions(name: string, options: CaptureOptions): Required<CaptureOptions> {
  checkCaptureName(name)
  refuseUnknown('database.capture', options, known)
  const { tables, batch = 500, lost = 'stop' } = options
  if (!Array.isArray(tables) || tables.length < 1 || tables.length > 100)
    throw invalid(`capture '${name}': tables names 1 to 100 tables of this database: { tables: ['photos'] }`)
  if (lost !== 'stop' && lost !== 'copy')
    throw invalid(`capture '${name}': lost: '${String(lost)}' is not known; allowed are 'stop', 'copy'`)
  return { tables, lost, batch: toCount('batch', batch, { min: 1, max: 10_000 }) }
}

/** It becomes part of the slot's name, which PostgreSQL wants in small letters. @throws `invalid_argument` */
export function checkCaptureName(name: unknown): string {
  if (typeof name === 'string' && /^[a-z][a-z0-9_]{0,39}$/.test(name)) return name
  throw invalid(
    `'${String(name)}' is not the name of a capture; write 1 to 40 small letters, digits or _, a letter first`,
  )
}
