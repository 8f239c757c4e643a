/**
 * The little XML that S3 speaks: elements and text. Reading refuses what S3 never sends (document types, processing
 * instructions, CDATA), so there are no entities to expand.
 */
export interface Node {
  name: string
  text: string
  children: Node[]
}

const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const deepest = 8

/** @returns undefined for anything that is not well-formed or not this subset */
export function parseXml(source: string): Node | undefined {
  const root: Node = { name: '', text: '', children: [] }
  const open = [root]
  const tokens =
    /<\?xml[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y
  while (tokens.lastIndex < source.length) {
    const token = tokens.exec(source)
    if (!token) return undefined
    const [, closes, name, , empty, text] = token
    const top = open.at(-1)!
    if (text !== undefined) {
      const plain = unescape(text)
      if (plain === undefined) return undefined
      top.text += plain
    } else if (name !== undefined && closes) {
      if (top.name !== name || open.length === 1) return undefined
      open.pop()
    } else if (name !== undefined) {
      const node = { name, text: '', children: [] }
      top.children.push(node)
      if (!empty) open.push(node)
      if (open.length > deepest) return undefined
    }
  }
  return open.length === 1 && root.children.length === 1 && root.text.trim() === '' ? root.children[0] : undefined
}

function unescape(text: string): string | undefined {
  let broken = false
  const plain = text.replace(/&([^;&]{0,10})(;?)/g, (_, name: string, end: string) => {
    const char = end === ';' ? (named[name] ?? numeric(name)) : undefined
    broken ||= char === undefined
    return char ?? ''
  })
  return broken ? undefined : plain
}

function numeric(name: string): string | undefined {
  const match = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name)
  const point = match ? (match[1] ? parseInt(match[1], 16) : Number(match[2])) : -1
  const surrogate = point >= 0xd800 && point <= 0xdfff
  return point < 0 || point > 0x10ffff || surrogate ? undefined : String.fromCodePoint(point)
}

export function child(node: Node, name: string): string | undefined {
  return node.children.find((each) => each.name === name)?.text
}

/** An element around text (escaped) or around elements. */
export function element(name: string, content: string | number | boolean | readonly string[]): string {
  return `<${name}>${Array.isArray(content) ? content.join('') : escape(String(content))}</${name}>`
}

export function xml(root: string): string {
  const withNamespace = root.startsWith('<Error>')
    ? root
    : root.replace(/^<(\w+)>/, '<$1 xmlns="http://s3.amazonaws.com/doc/2006-03-01/">')
  return `<?xml version="1.0" encoding="UTF-8"?>\n${withNamespace}`
}

function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[&<>"\x00-\x1f\x7f\ufffe\uffff]/g, (char) => `&#${char.charCodeAt(0)};`)
}
