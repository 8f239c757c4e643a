import { invalid } from '../../errors.ts'

/** A `Content-Disposition` that saves under a name: an ASCII form for old clients (RFC 6266), the exact one by RFC 8187. @throws `invalid_argument` */
export function attachment(name: string): string {
  checkName(name)
  const ascii = name.replace(/[^\x20-\x7e]|[%"\\]/gu, '_')
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => '%' + char.charCodeAt(0).toString(16).toUpperCase(),
  )
  return ascii === name
    ? `attachment; filename="${name}"`
    : `attachment; filename="${ascii}"; filename*=UTF-8''${exact}`
}

function checkName(name: string): void {
  const shown = JSON.stringify(name)
  if (typeof name !== 'string' || name.length < 1 || name.length > 255)
    throw invalid(`downloadAs: ${shown} is not a file name; write 1 to 255 characters`)
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f/\\]/.test(name) || !name.isWellFormed())
    throw invalid(
      `downloadAs: ${shown} holds a line break, another control character, a slash or half a character; remove it`,
    )
}

const passive =
  /^(?:image\/(?!svg)[a-z0-9.+-]+|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|font\/[a-z0-9.+-]+|text\/(?:plain|csv|markdown)|application\/(?:json|pdf|zip|gzip|octet-stream))$/

/** True for a type that a browser only shows. HTML, SVG, XML, scripts and every type that is not known here may run. */
export function isPassive(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1)
  const bare = type.trim().toLowerCase()
  return passive.test(bare) && !bare.endsWith('+xml')
}

/**
 * The headers under which bytes from strangers are safe on the site's own origin: never sniffed; what could run there is
 * saved instead of shown, and sandboxed should a browser show it all the same.
 */
export function safeHeaders(contentType: string, disposition?: string): Record<string, string> {
  const active = !isPassive(contentType)
  const kept = active && !/^attachment\b/i.test(disposition ?? '') ? 'attachment' : disposition
  return {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    ...(kept === undefined ? {} : { 'content-disposition': kept }),
    ...(active ? { 'content-security-policy': "default-src 'none'; sandbox" } : {}),
  }
}
