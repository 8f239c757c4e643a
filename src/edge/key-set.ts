import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { AshlarError, describe } from '../errors.ts'

const freshMs = 600_000
const fetchLimitMs = 5_000
const mostBytes = 1024 * 1024

/** How often to look: both apply whatever key ids strangers make up. */
export interface Pace {
  /** At most one look in this time once there are keys. */
  cooldownMs: number
  /** The same while there are none. */
  retryMs: number
}

/** A key set behind a URL: fetched when needed, kept when its server is down. */
export class RemoteKeySet {
  readonly #url: string
  readonly #pace: Pace
  #keys: JWTVerifyGetKey | undefined
  #fetchedAt = -Infinity
  #triedAt = -Infinity
  #fetching: Promise<void> | undefined
  #failure: unknown

  constructor(url: string, pace: Pace = { cooldownMs: 10_000, retryMs: 1_000 }) {
    this.#url = url
    this.#pace = pace
  }

  /** The key for a token. @throws `unavailable` without any keys; a JOSEError when no key fits */
  readonly key: JWTVerifyGetKey = async (header, token) => {
    if (!this.#keys) await this.#refresh()
    else if (performance.now() - this.#fetchedAt > freshMs) void this.#refresh()
    if (!this.#keys) throw new AshlarError('unavailable', `edge jwt: no key set: ${describe(this.#failure)}`)
    const known = this.#keys
    try {
      return await known(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#refresh()
      if (this.#keys === known) throw error
      return this.#keys(header, token)
    }
  }

  #refresh(): Promise<void> {
    const pauseMs = this.#keys ? this.#pace.cooldownMs : this.#pace.retryMs
    if (!this.#fetching && performance.now() - this.#triedAt >= pauseMs) {
      this.#triedAt = performance.now()
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined))
    }
    return this.#fetching ?? Promise.resolve()
  }

  async #fetch(): Promise<void> {
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(this.#url))
      this.#fetchedAt = performance.now()
    } catch (error) {
      this.#failure = error
    }
  }
}

async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(fetchLimitMs)
  const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`)
  let text = ''
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.length > mostBytes) throw new Error(`${url} is larger than 1 MiB`)
  }
  return JSON.parse(text) as JSONWebKeySet
}
