import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Reply, Request, Tasks } from './tasks.ts'

const deadlineMs = 60_000
const idleMs = 3_000

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/**
 * Where pictures are worked on: a process of its own that comes when there is work and goes when there is none. A picture
 * made to crash the library takes down nothing else, one that takes for ever is cut off, and the memory is given back.
 * It also goes when the process that asked it ends, so nothing is to be closed.
 */
export class Studio {
  #child: ChildProcess | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0
  readonly #waiting = new Map<number, Waiting>()

  /** @throws Error when the task failed, the process ended, or a minute has passed */
  ask<Name extends keyof Tasks>(task: Name, ...args: Parameters<Tasks[Name]>): ReturnType<Tasks[Name]> {
    clearTimeout(this.#idle)
    const child = (this.#child ??= this.#start())
    const id = ++this.#lastId
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#tooLate(child, task), deadlineMs)
      this.#waiting.set(id, { resolve, reject, timer })
      child.send({ id, task, args } satisfies Request, (error) => error && this.#settle({ id, error: error.message }))
    })
    return answer as ReturnType<Tasks[Name]>
  }

  #start(): ChildProcess {
    const child = fork(fileURLToPath(new URL('./process.ts', import.meta.url)), {
      serialization: 'advanced',
      // The library allocates from many threads: with few arenas what it frees can be used again.
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    })
    child.on('message', (reply: Reply) => this.#settle(reply))
    child.on('error', () => this.#ended(child))
    child.on('exit', () => this.#ended(child))
    return child
  }

  #settle({ id, result, error }: Reply): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(new Error(error))
    if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.#child?.disconnect(), idleMs).unref()
  }

  #tooLate(child: ChildProcess, task: string): void {
    console.error(`the studio took more than ${deadlineMs / 1000} s for ${task}: it is started anew`)
    child.kill('SIGKILL')
  }

  #ended(child: ChildProcess): void {
    if (this.#child !== child) return
    this.#child = undefined
    for (const id of this.#waiting.keys()) this.#settle({ id, error: 'the picture process ended' })
    clearTimeout(this.#idle)
  }
}

/** The one of this process. */
export const studio = new Studio()
