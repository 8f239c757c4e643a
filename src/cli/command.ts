/** One command of the command line: its options are strict, unknown ones are refused. */
export interface Command {
  usage: string
  about: string
  options: Record<string, { type: 'string' | 'boolean'; about: string }>
  /** Positional arguments it takes, at most. Default 0. */
  arguments?: number
  run(values: Record<string, string | boolean | undefined>, rest: string[]): Promise<void>
}
