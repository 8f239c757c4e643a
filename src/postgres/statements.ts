/** One statement of an SQL text: where it begins, and its words without comments and quoted parts. */
export interface Statement {
  /** 1 for the first line of the text. */
  line: number
  /** Lower case; quoted text, quoted names and comments are replaced by a space. */
  words: string
}

/** What a semicolon or a word inside of does not count: strings, quoted names, dollar quotes, comments. */
const quoted =
  /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|;/g

/**
 * Splits an SQL text at its semicolons, for messages and checks only: what is sent to the server is always the whole
 * text. (Inside of `begin atomic … end` bodies it splits too often.)
 */
export function statementsOf(text: string): Statement[] {
  const ends = [...text.matchAll(quoted)].filter(([found]) => found === ';').map(({ index }) => index)
  const found: Statement[] = []
  let start = 0
  for (const end of [...ends, text.length]) {
    const part = text.slice(start, end)
    const words = wordsOf(part)
    if (words !== '') found.push({ line: lineAt(text, start + firstWordAt(part)), words })
    start = end + 1
  }
  return found
}

/** A statement without what is quoted or commented out, in lower case: to look for words in. */
export function wordsOf(statement: string): string {
  return statement
    .replace(quoted, (found) => (found === ';' ? ';' : ' '))
    .trim()
    .toLowerCase()
}

/** The line of a character position, both counted from 1 as PostgreSQL counts (in characters, not UTF-16 units). */
export function lineOfPosition(text: string, position: number): number {
  return Array.from(text)
    .slice(0, position - 1)
    .join('')
    .split('\n').length
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** Skips white space and comments. */
function firstWordAt(part: string): number {
  return /^(?:\s|--[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(part)![0].length
}
