/** What the site refused, in its words; `problems` by field of the form. */
export class Refused extends Error {
  constructor(status, message, problems = {}) {
    super(message)
    this.status = status
    this.problems = problems
  }
}

/** Asks the site's JSON API. Throws Refused. */
export async function ask(method, path, body) {
  const options = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, { method, ...options }).catch(() => {
    throw new Refused(0, 'The site cannot be reached. Is there a connection?')
  })
  if (response.status === 204) return undefined
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  const { message = `The site answered with error ${response.status}.`, problems } = answer.error ?? {}
  throw new Refused(response.status, message, problems)
}
