import { spawn, type ChildProcess } from 'node:child_process'

const againMs = 100

/**
 * A tiny shell process of its own session that outlives us by a moment: it hears that we stopped, or were killed, by the end of
 * its input, and then ends what it was told of. Should it die itself, another takes its place.
 */
export class Tether {
  readonly #script: string
  readonly #args: readonly string[]
  readonly #known: () => Iterable<string>
  #shell: ChildProcess | undefined
  #cut = false

  /**
   * @param script for `/bin/sh`; it reads lines, and ignores the signals that a terminal sends
   * @param known what a shell that takes another's place must be told, a line each
   */
  constructor(script: string, args: readonly string[], known: () => Iterable<string>) {
    this.#script = script
    this.#args = args
    this.#known = known
    this.#tie()
  }

  get pid(): number | undefined {
    return this.#shell?.pid
  }

  say(line: string): void {
    this.#shell?.stdin?.write(`${line}\n`)
  }

  /** Ends the tether; what it still holds ends with it. */
  cut(): void {
    this.#cut = true
    this.#shell?.stdin?.end()
  }

  #tie(): void {
    const shell = spawn('/bin/sh', ['-c', this.#script, 'ashlar-tether', ...this.#args], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    shell.unref()
    ;(shell.stdin as unknown as { unref(): void }).unref()
    shell.stdin.on('error', () => undefined) // it died: 'exit' ties a new one
    shell.once('error', () => undefined)
    shell.once('exit', () => {
      if (!this.#cut) setTimeout(() => this.#cut || this.#tie(), againMs).unref()
    })
    this.#shell = shell
    for (const line of this.#known()) this.say(line)
  }
}
