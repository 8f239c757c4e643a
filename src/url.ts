import { invalid } from './errors.ts'

/**
 * A part of an engine's URL, percent-decoded (RFC 3986).
 * @param of for the message: `Redis URL: a % in user or password must be written %25`, never the part itself
 */
export function decodePart(text: string, of: { url: string; parts: string }): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw invalid(`${of.url}: a % in ${of.parts} must be written %25`, { cause })
  }
}
