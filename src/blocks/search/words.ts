/** A word as it is indexed and looked for, and where it stands in the text (UTF-16 units). */
export interface Token {
  word: string
  start: number
  end: number
}

/** Raised when the same text gives other words than before: an index made by an older number is stale. */
export const wordsVersion = 1

/** Longer words are indexed and looked for by their beginning. In UTF-16 units. */
export const longestWord = 64

// Scripts written without spaces: their words are found by pairs of characters.
const spaceless = '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]'
// Soft hyphen, zero-width joiners and the like stand inside words without being part of them.
const letters = '[\\p{L}\\p{N}\\p{M}\\u00ad\\u200c\\u200d\\u2060\\ufeff]'
const pieces = new RegExp(
  `(?<packed>[${letters}&&${spaceless}]+)|(?<spaced>[${letters}--${spaceless}]+)|\\p{Emoji_Presentation}`,
  'gv',
)

// Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic. Vowel signs of Indic scripts are no accents.
const accents = new RegExp(
  '[\\u0300-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7' +
    '\\u0610-\\u061a\\u0640\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}\\p{Me}]',
  'gu',
)
const noLetter = /[^\p{L}\p{N}\p{M}]/gu
const specials: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ŧ: 't',
  ŋ: 'n',
  ı: 'i',
  ĸ: 'k',
  ς: 'σ',
}
const special = new RegExp(`[${Object.keys(specials).join('')}]`, 'gu')

/** A word without case and accents: 'Ærø' and 'aero' are the same. */
function fold(word: string): string {
  if (/^[a-z0-9]*$/.test(word)) return word
  const plain = word.normalize('NFKD').replace(accents, '').toLowerCase()
  const mapped = plain.replace(special, (letter) => specials[letter]!).replace(accents, '')
  return mapped.normalize('NFC').replace(noLetter, '')
}

/** Every word of a text, in the order in which they begin; of scripts without spaces each character and each pair of neighbours. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(pieces)) {
    const [piece] = match
    if (match.groups?.packed) for (const token of packedTokens(piece, match.index)) tokens.push(token)
    else push(tokens, match.groups?.spaced ? fold(piece) : piece, match.index, match.index + piece.length)
  }
  return tokens
}

function push(tokens: Token[], word: string, start: number, end: number): void {
  if (word) tokens.push({ word: cut(word), start, end })
}

/** At most so many units, never half a character. */
function cut(word: string): string {
  if (word.length <= longestWord) return word
  return word.slice(
    0,
    word.isWellFormed() && !word.slice(0, longestWord).isWellFormed() ? longestWord - 1 : longestWord,
  )
}

function packedTokens(piece: string, offset: number): Token[] {
  const tokens: Token[] = []
  let before: Token | undefined
  for (const single of characters(piece, offset)) {
    if (before) tokens.push({ word: before.word + single.word, start: before.start, end: single.end })
    tokens.push(single)
    before = single
  }
  return tokens
}

function characters(piece: string, offset: number): Token[] {
  const found: Token[] = []
  let start = offset
  for (const character of piece.match(/\P{M}\p{M}*|\p{M}+/gu) ?? []) {
    push(found, fold(character), start, start + character.length)
    start += character.length
  }
  return found
}

/** The different words to look for, in order: of scripts without spaces pairs, a single character only when it stands alone. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>()
  for (const match of text.matchAll(pieces)) {
    const piece = match[0]
    if (match.groups?.packed) for (const word of packedWords(piece)) words.add(word)
    else words.add(cut(match.groups?.spaced ? fold(piece) : piece))
  }
  words.delete('')
  return [...words]
}

function packedWords(piece: string): string[] {
  const singles = characters(piece, 0)
  if (singles.length < 2) return singles.map(({ word }) => word)
  return singles.slice(1).map(({ word }, index) => singles[index]!.word + word)
}

/** A text as completion compares it: folded words with one space between, at most 200 units. */
export function foldText(text: string): string {
  const folded: string[] = []
  for (const { 0: piece, groups } of text.slice(0, 1000).matchAll(pieces))
    folded.push(groups?.packed || groups?.spaced ? fold(piece) : piece)
  return folded
    .filter((word) => word !== '')
    .join(' ')
    .slice(0, 200)
    .toWellFormed()
}

/** Misspelling is looked for in words of letters only, of scripts with spaces. */
export function mayBeMisspelt(word: string): boolean {
  return /^[\p{L}\p{M}]+$/u.test(word) && !spacelessCharacter.test(word)
}
const spacelessCharacter = new RegExp(spaceless, 'v')
