import { count } from '../telemetry.ts'
import { Attempt, Failed } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import { hasBody, isSafe, refuse } from './respond.ts'
import type { Endpoint } from './upstream.ts'

const mostTries = 4

/**
 * Sends a request to an instance and its answer to the client. A safe request, and any that had not been sent yet, goes
 * to another instance when one fails. The client leaving ends everything.
 */
export async function forward(exchange: Exchange): Promise<void> {
  const { response, upstream } = exchange
  const tried = new Set<string>()
  for (let tries = 0; tries < mostTries; tries++) {
    const endpoint = upstream.pick(tried)
    if (!endpoint) return refuse(response, tries === 0 ? 503 : 502, { 'retry-after': '1' })
    tried.add(endpoint.id)
    const failure = await tryOut(exchange, endpoint)
    if (!failure || response.destroyed) return
    if (!mayRepeat(exchange, failure)) return refuse(response, failure.status)
    count('ashlar_edge_retries_total', 'Requests sent again to another instance', { upstream: upstream.name })
  }
  refuse(response, 502)
}

function mayRepeat({ incoming, response }: Exchange, failure: Failed): boolean {
  if (failure.status !== 502 || response.headersSent) return false
  return failure.unsent || (isSafe(incoming.method) && !hasBody(incoming))
}

/** A kept connection that turns out to be dead says nothing about its instance: that is dialled anew, once. */
async function tryOut(exchange: Exchange, endpoint: Endpoint): Promise<Failed | undefined> {
  const { upstream, response } = exchange
  endpoint.active++
  endpoint.requests++
  try {
    let failure = await attempt(exchange, endpoint, false)
    if (failure?.stale && !response.destroyed && mayRepeat(exchange, failure))
      failure = await attempt(exchange, endpoint, true)
    if (response.destroyed && failure) return failure
    if (failure?.status === 504) upstream.suspect(endpoint)
    else if (failure?.status === 502 && !failure.stale) upstream.failed(endpoint)
    else if (!failure) upstream.succeeded(endpoint)
    return failure
  } finally {
    endpoint.active--
  }
}

async function attempt(exchange: Exchange, endpoint: Endpoint, fresh: boolean): Promise<Failed | undefined> {
  if (exchange.response.destroyed) return new Failed(502, { unsent: true })
  try {
    await new Attempt(exchange, endpoint, fresh).done
    return undefined
  } catch (error) {
    return error instanceof Failed ? error : new Failed(502, { cause: error })
  }
}
