import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Problems } from './model.ts'

/** A request that cannot be granted, with words for the person who asked. */
export class Refusal extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string
  /** What is wrong, by field of the form; '' is the form itself. */
  readonly problems: Problems

  constructor(status: ContentfulStatusCode, code: string, message: string, problems: Problems = { '': message }) {
    super(message)
    this.status = status
    this.code = code
    this.problems = problems
  }
}

export const notFound = (what: string) => new Refusal(404, 'not_found', `There is no such ${what}.`)
export const notYours = () => new Refusal(403, 'forbidden', 'This is not yours to change.')
export const logInFirst = () => new Refusal(401, 'unauthorized', 'Log in first.')

/** Fields that break their rules, all at once. */
export function invalidFields(problems: Problems): Refusal {
  return new Refusal(422, 'invalid', Object.values(problems).join(' '), problems)
}
