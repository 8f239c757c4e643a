import { invalid } from '../errors.ts'

/** A Google Pub/Sub URL taken apart. */
export interface PubSubUrl {
  project: string
  /** `host:port` of a regional endpoint, or of an emulator; the global endpoint when there is none. */
  endpoint: string | undefined
  /** An emulator: without TLS and credentials. All endpoints that are not Google's are. */
  isEmulator: boolean
  /** A service account's key. Default: what Google's client finds by itself ("application default credentials"). */
  keyFile: string | undefined
}

const allowed = ['endpoint', 'keyFile']

/** Reads `pubsub://PROJECT?endpoint=europe-west1-pubsub.googleapis.com&keyFile=/run/secrets/key.json`. @throws `invalid_argument` */
export function parsePubSubUrl(url: string): PubSubUrl {
  const match = /^pubsub:\/\/([^/?@\s]+)\/?(?:\?(.*))?$/i.exec(url)
  if (!match) throw invalid('a Pub/Sub URL looks like pubsub://PROJECT?endpoint=HOST:PORT; the one given does not')
  const options = new URLSearchParams(match[2])
  for (const name of options.keys())
    if (!allowed.includes(name))
      throw invalid(`Pub/Sub URL option '${name}' is not known; allowed are ${allowed.join(', ')}`)
  const endpoint = readEndpoint(options.get('endpoint') ?? undefined)
  const isEmulator = endpoint !== undefined && !/\.googleapis\.com(:\d+)?$/i.test(endpoint)
  const keyFile = options.get('keyFile') ?? undefined
  if (isEmulator && keyFile !== undefined)
    throw invalid(`Pub/Sub URL: keyFile is for Google's own endpoints; '${endpoint}' is asked without credentials`)
  return { project: readProject(match[1]!), endpoint, isEmulator, keyFile }
}

function readProject(text: string): string {
  if (/^[a-z][a-z0-9.:-]{2,62}$/i.test(text)) return text
  throw invalid(`Pub/Sub URL: project '${text}' is not valid; write the project's id, such as pubsub://my-project`)
}

function readEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const match = /^([a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(match?.[2] ?? 443)
  if (match && port >= 1 && port <= 65_535) return text
  throw invalid(`Pub/Sub URL: endpoint '${text}' is not valid; write host:port with a port of 1 to 65535`)
}
