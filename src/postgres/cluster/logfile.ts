import { closeSync, ftruncateSync, fstatSync, openSync, readSync } from 'node:fs'
import { hideSecrets } from '../../errors.ts'

const maxBytes = 2 * 1024 * 1024
const tailBytes = 16 * 1024

/**
 * Where a member's Postgres writes. A file and not a pipe: a full pipe whose reader died would block it. Postgres
 * appends to it, so it can be emptied under its hands when it has grown to 2 MB.
 */
export class LogFile {
  readonly path: string
  #readFrom = 0

  constructor(path: string) {
    this.path = path
  }

  /** A descriptor for a new Postgres; what is written from here on is what `problems` looks at. */
  open(): number {
    const fd = openSync(this.path, 'a', 0o600)
    this.#readFrom = fstatSync(fd).size
    return fd
  }

  /** Empties the file when it has grown too long. */
  bound(): void {
    this.#with('r+', (fd) => {
      if (fstatSync(fd).size <= maxBytes) return
      ftruncateSync(fd, 0)
      this.#readFrom = 0
    })
  }

  /** What this start has complained about, the last lines: FATAL, PANIC, ERROR, HINT, DETAIL, loader errors. */
  problems(): string {
    const text = this.tail()
    const bad = text
      .split('\n')
      .filter((line) => /FATAL|PANIC|ERROR|HINT|DETAIL|CONTEXT|error while loading/.test(line))
    return hideSecrets((bad.length > 0 ? bad : text.split('\n')).slice(-4).join(' | ')).slice(0, 800)
  }

  /** The end of what was written since the last `open`. */
  tail(): string {
    let text = ''
    this.#with('r', (fd) => {
      const { size } = fstatSync(fd)
      const from = Math.max(this.#readFrom, size - tailBytes, 0)
      const bytes = Buffer.alloc(Math.max(0, size - from))
      text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, from))
    })
    return text
  }

  #with(flags: string, work: (fd: number) => void): void {
    let fd
    try {
      fd = openSync(this.path, flags)
    } catch {
      return // not there yet
    }
    try {
      work(fd)
    } finally {
      closeSync(fd)
    }
  }
}
