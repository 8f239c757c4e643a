import { invalidFields, Refusal } from './refusal.ts'
import type { Problems } from './model.ts'

// What people may send, checked before anything is done with it. A message says what to write instead.

const mail = /^[^\s@,;:<>()[\]"\\]{1,64}@[^\s@.,;:<>()[\]"\\]+(\.[^\s@.,;:<>()[\]"\\]+)+$/
const handle = /^[a-z][a-z0-9-]{1,29}$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
// Line breaks and tabs are fine in a caption; other control characters, and what reorders text, are nowhere.
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/

export const maxUploadBytes = 25 * 1024 * 1024
export const imageTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/avif'] as const

export const isId = (text: string | undefined): text is string => text !== undefined && uuid.test(text)

/** Reads a body field by field and tells of all mistakes together. */
export class Fields {
  readonly #body: Record<string, unknown>
  readonly #problems: Problems = {}

  constructor(body: unknown, known: readonly string[]) {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new Refusal(400, 'invalid', 'Send an object with the fields ' + known.join(', ') + '.')
    this.#body = body as Record<string, unknown>
    for (const name of Object.keys(body))
      if (!known.includes(name)) this.#problems[name] = `‘${name}’ is no field here.`
  }

  /** One text without space around it; on one line unless it may have several. */
  text(
    name: string,
    label: string,
    { min = 0, max, lines = false }: { min?: number; max: number; lines?: boolean },
  ): string {
    const value = this.#body[name] ?? ''
    if (typeof value !== 'string') return this.#wrong(name, `${label} must be text.`)
    const whole = value.normalize('NFC').trim()
    const text = lines ? whole : whole.replace(/\s+/g, ' ')
    if (text.length < min)
      return this.#wrong(name, min === 1 ? `${label} is missing.` : `${label} needs at least ${min} characters.`)
    if (text.length > max) return this.#wrong(name, `${label} has ${text.length} characters; at most ${max} fit.`)
    if (unprintable.test(text)) return this.#wrong(name, `${label} holds characters that cannot be shown.`)
    return text
  }

  email(name: string): string {
    const text = this.text(name, 'The e-mail address', { min: 1, max: 254 }).toLowerCase()
    if (text && !mail.test(text)) return this.#wrong(name, 'Write an e-mail address such as ada@example.org.')
    return text
  }

  /** Never trimmed or changed: a password is what was typed. */
  password(name: string, { min }: { min: number }): string {
    const value = this.#body[name]
    if (typeof value !== 'string' || value.length === 0) return this.#wrong(name, 'The password is missing.')
    if (value.length < min) return this.#wrong(name, `The password needs at least ${min} characters.`)
    if (value.length > 200) return this.#wrong(name, 'The password has more than 200 characters.')
    return value
  }

  handle(name: string): string {
    const text = this.text(name, 'The handle', { min: 1, max: 30 }).toLowerCase()
    if (text && !handle.test(text))
      return this.#wrong(name, 'A handle has 2 to 30 letters a to z, digits and -, a letter first.')
    return text
  }

  id(name: string): string {
    const value = this.#body[name]
    return typeof value === 'string' && isId(value) ? value : this.#wrong(name, `‘${name}’ is not an id.`)
  }

  choice<T extends string>(name: string, label: string, allowed: readonly T[]): T {
    const value = this.#body[name]
    const found = allowed.find((each) => each === value)
    return found ?? (this.#wrong(name, `${label} must be one of ${allowed.join(', ')}.`) as T)
  }

  count(name: string, label: string, max: number): number {
    const value = this.#body[name]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= max) return value
    this.#wrong(name, `${label} must be a whole number from 1 to ${max}.`)
    return 0
  }

  /** Up to ten tags, as a list or as one text with commas; written small, each once. */
  tags(name: string): string[] {
    const value = this.#body[name] ?? []
    const given = typeof value === 'string' ? value.split(',') : value
    if (!Array.isArray(given) || given.some((each) => typeof each !== 'string'))
      return this.#wrong(name, 'Tags are words with commas between.') ? [] : []
    const tags = [...new Set((given as string[]).map(tagOf).filter(Boolean))]
    if (tags.length > 10) this.#wrong(name, 'At most ten tags fit.')
    if (tags.some((tag) => tag.length > 30)) this.#wrong(name, 'A tag has at most 30 characters.')
    return tags
  }

  /** @throws Refusal when any field was wrong */
  check(): void {
    if (Object.keys(this.#problems).length > 0) throw invalidFields(this.#problems)
  }

  #wrong(name: string, problem: string): string {
    this.#problems[name] ??= problem
    return ''
  }
}

/** `#Blue Hour!` becomes `blue-hour`. */
export function tagOf(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
}
