import type { SQS } from '@aws-sdk/client-sqs'

/** The engine's clock, as its answers tell it: never ahead of it, and behind by little more than a second. */
export class EngineClock {
  #aheadMs = 0
  #isKnown = false

  /** Notes the `Date` of each answer. */
  listenTo(sqs: SQS): void {
    sqs.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args)
        this.#note((answer.response as { headers?: Record<string, string> } | undefined)?.headers?.['date'])
        return answer
      },
      { step: 'deserialize', name: 'ashlarClock', priority: 'low' },
    )
  }

  get nowMs(): number {
    return Date.now() + (this.#isKnown ? this.#aheadMs : -Infinity)
  }

  #note(date: string | undefined): void {
    const ms = Date.parse(date ?? '')
    if (Number.isNaN(ms)) return
    this.#aheadMs = ms - Date.now()
    this.#isKnown = true
  }
}
