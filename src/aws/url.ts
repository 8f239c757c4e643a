import { invalid } from '../errors.ts'
import { decodePart } from '../url.ts'

/** An AWS URL taken apart. */
export interface AwsUrl {
  region: string
  /** Without: the SDK's own chain (environment, profile, container, instance). */
  credentials?: { accessKeyId: string; secretAccessKey: string }
  /** `http://127.0.0.1:9324` for an emulator or a private endpoint. Default: AWS's own for the region. */
  endpoint?: string
  /** The other options, by name. */
  options: Record<string, string>
}

/**
 * Reads `scheme://KEY:SECRET@REGION?endpoint=http://HOST:PORT&…`; key and secret are percent-encoded.
 * @param known names of options besides `endpoint`
 * @throws `invalid_argument`
 */
export function parseAwsUrl(url: string, scheme: string, known: readonly string[] = []): AwsUrl {
  const match = /^[a-z]+:\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^:@/?]*)\/?(?:\?(.*))?$/i.exec(url)
  const example = `${scheme}://KEY:SECRET@eu-central-1?endpoint=http://127.0.0.1:9324 (key, secret and endpoint may be left out)`
  if (!match) throw invalid(`${scheme}: this is no valid URL; it looks like ${example}`)
  const [, key = '', secret = '', region = '', query = ''] = match
  if ((key === '') !== (secret === ''))
    throw invalid(
      `${scheme}: a URL with a key needs its secret too; write ${example}, or neither for the default chain`,
    )
  const { endpoint, ...options } = readOptions(query, scheme, ['endpoint', ...known])
  // What stands in for AWS takes any region, such as `local`.
  const regions = endpoint === undefined ? /^[a-z]{2}(-[a-z]+)+-\d$/ : /^[a-z][a-z0-9-]*$/
  if (!regions.test(region))
    throw invalid(`${scheme}: '${region}' is no AWS region such as eu-central-1; write ${example}`)
  return {
    region,
    ...(key === ''
      ? {}
      : { credentials: { accessKeyId: decode(key, scheme), secretAccessKey: decode(secret, scheme) } }),
    ...(endpoint === undefined ? {} : { endpoint: checkEndpoint(endpoint, scheme) }),
    options,
  }
}

function readOptions(query: string, scheme: string, known: readonly string[]): Record<string, string> {
  const options: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name))
      throw invalid(`${scheme}: URL option '${name}' is not known; known are ${known.join(', ')}`)
    if (name in options) throw invalid(`${scheme}: URL option '${name}' is there twice; write it once`)
    options[name] = value
  }
  return options
}

function checkEndpoint(endpoint: string, scheme: string): string {
  if (/^https?:\/\/[^/@\s]+\/?$/.test(endpoint) && URL.canParse(endpoint)) return endpoint.replace(/\/$/, '')
  throw invalid(`${scheme}: the endpoint is not valid; write http://HOST:PORT or https://HOST:PORT`)
}

/** An option that is on or off. @throws `invalid_argument` */
export function readSwitch(options: Record<string, string>, name: string, scheme: string): boolean {
  const value = options[name] ?? 'false'
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalid(`${scheme}: URL option ${name}='${value}' is not valid; write true or false`)
}

function decode(text: string, scheme: string): string {
  return decodePart(text, { url: scheme, parts: 'key or secret' })
}
