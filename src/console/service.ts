import type { Block } from '../block.ts'
import type { Blueprint } from '../blueprint/blueprint.ts'
import type { Engine } from '../blueprint/resolve.ts'
import type { ProcessState } from '../blueprint/supervisor.ts'

/** A member of the database cluster, as the console shows it. */
export interface Member {
  name: string
  role: 'primary' | 'replica'
  pid: number | undefined
  port: number
  healthy: boolean
  /** Injected delay of replay. */
  lagSeconds?: number
}

/** The running service, as the console sees and steers it. The command that runs the service implements it. */
export interface Service {
  readonly blueprint: Blueprint
  readonly engines: ReadonlyMap<string, Engine>
  /** Where people reach it: edge, console, mailbox. */
  readonly addresses: Readonly<Record<string, string>>
  processes(): ProcessState[]
  members(): readonly Member[]
  /** The last log lines with level warn or worse, newest first, at most 100. */
  troubles(): readonly { at: string; process: string; level: string; text: string }[]
  /** SIGKILL: as an accident would. It is restarted by the supervisor. */
  kill(process: string): void
  /** SIGSTOP and SIGCONT: a process that is there and does nothing. */
  pause(process: string): void
  resume(process: string): void
  /** One more process of an app or worker block. Answers its id. */
  add(block: string): string
  /** Ends one in an orderly way. */
  remove(process: string): Promise<void>
  lag(member: string, seconds: number): Promise<void>
  promote(member: string): Promise<void>
}

/** A block's handle, where this process has it open. */
export type Handles = ReadonlyMap<string, Block>
