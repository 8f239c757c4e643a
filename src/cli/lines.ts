import { hideSecrets } from '../errors.ts'

const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
const unseen = new Set(['level', 'time', 'msg', 'role', 'block', 'pid', 'hostname'])

/** A log line of a child, read: what pino wrote, or plain text. */
export interface Line {
  level: string
  text: string
}

/** Makes one line of a child's output readable; structured fields follow as name=value. */
export function readLine(raw: string): Line {
  const fields = raw.startsWith('{') ? parse(raw) : undefined
  if (!fields) return { level: 'info', text: hideSecrets(raw) }
  const rest = Object.entries(fields).filter(([name]) => !unseen.has(name))
  const tail = rest.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return {
    level: levels[Number(fields.level)] ?? 'info',
    text: hideSecrets([typeof fields.msg === 'string' ? fields.msg : '', ...tail].join(' ').slice(0, 4000)),
  }
}

function parse(raw: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(raw) as Record<string, unknown>
  } catch {
    return undefined
  }
}

const colours = {
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[31m',
  dim: '\u001b[2m',
  reset: '\u001b[0m',
} as const

/** One line for a person: who said it, then what. Colours only on a terminal. */
export function forPeople(process: string, { level, text }: Line, colour: boolean): string {
  const name = process.padEnd(10)
  if (!colour) return `${name} │ ${level === 'info' ? '' : `${level}: `}${text}`
  const tint = level in colours ? colours[level as 'warn'] : ''
  return `${colours.dim}${name} │${colours.reset} ${tint}${text}${colours.reset}`
}
