import type pg from 'pg'
import { AshlarError } from '../../errors.ts'
import { checkValues } from '../../postgres/sql.ts'

type Callback = (error: Error | undefined, result?: pg.QueryResult) => void

/** The arguments of `pg`'s `query`, in whichever of its forms: text or a configuration, values, a callback. */
export interface Call {
  /** Text, configuration or `Submittable`, then perhaps the values: what `client.query` takes. */
  args: unknown[]
  text: string
  /** Cursors and streams: they answer by events, not with a promise. */
  submittable: boolean
  callback: Callback | undefined
}

/** @throws `invalid_argument` for more values than a statement can carry */
export function callOf(given: readonly unknown[]): Call {
  const callback = given.find((each) => typeof each === 'function') as Callback | undefined
  const args = given.filter((each) => typeof each !== 'function' && each !== undefined)
  const first = args[0] as string | { text?: unknown; values?: unknown[]; submit?: unknown } | null | undefined
  const config = typeof first === 'object' && first !== null ? first : {}
  checkValues((args[1] as unknown[] | undefined) ?? config.values)
  const text = typeof first === 'string' ? first : typeof config.text === 'string' ? config.text : ''
  return { args, text, submittable: typeof config.submit === 'function', callback }
}

/** Answers in the form in which it was asked: by callback, or with the promise. */
export function answer(call: Call, result: Promise<pg.QueryResult>): Promise<pg.QueryResult> | undefined {
  const { callback } = call
  if (!callback) return result
  void result.then(
    (value) => callback(undefined, value),
    (error: Error) => callback(error),
  )
  return undefined
}

/** Runs a call on a connection, as a promise. */
export function send(client: pg.ClientBase, { args }: Call): Promise<pg.QueryResult> {
  return (client.query as (...args: unknown[]) => Promise<pg.QueryResult>).apply(client, args)
}

export interface LendOptions {
  /** Runs each call instead of the connection itself. */
  run(call: Call): Promise<pg.QueryResult>
  /** Once, when it is given back; with an error (or true) it must not be used again. */
  release(error?: Error | boolean): void
}

/** A connection in the hands of an application: calls go through `run`, and once it is given back it is of no more use. */
export function lend(client: pg.PoolClient, { run, release }: LendOptions): pg.PoolClient {
  let released = false
  const query = (...given: unknown[]) => {
    const call = callOf(given)
    if (released) throw new AshlarError('closed', 'this connection was given back; connect() again')
    if (call.submittable) return (client.query as (...args: unknown[]) => unknown).apply(client, given)
    return answer(call, run(call))
  }
  const giveBack = (error?: Error | boolean) => {
    if (released) throw new AshlarError('closed', 'this connection was given back already')
    released = true
    release(error)
  }
  return new Proxy(client, {
    get(target, name) {
      if (name === 'query') return query
      if (name === 'release') return giveBack
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Turns "lend it while this runs" into "lend it until it is given back". */
export function checkOut(
  withClient: (work: (client: pg.PoolClient) => Promise<void>) => Promise<void>,
  run: (client: pg.PoolClient, call: Call) => Promise<pg.QueryResult>,
): Promise<pg.PoolClient> {
  return new Promise((resolve, reject) => {
    withClient(
      (client) =>
        new Promise<void>((done, broken) => {
          const release = (error?: Error | boolean) =>
            error ? broken(new Error('Connection terminated: given back as broken', { cause: error })) : done()
          resolve(lend(client, { run: (call) => run(client, call), release }))
        }),
    ).catch(reject) // after it was lent this says only how it came back, which nobody needs to know
  })
}
