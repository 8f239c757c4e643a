/**
 * Reads who made which pictures from a table `| file | by | licence |` in a README. The first column may list several
 * names without their endings. @returns `by · licence` by name without ending
 */
export function readAttribution(markdown: string): Map<string, string> {
  const found = new Map<string, string>()
  const rows = markdown.split('\n').filter((line) => line.trim().startsWith('|'))
  const head = rows.findIndex((row) => /^\|\s*file\s*\|\s*by\s*\|\s*licen[cs]e\s*\|/i.test(row.trim()))
  if (head === -1) return found
  for (const row of rows.slice(head + 1)) {
    const [files = '', by = '', licence = ''] = cellsOf(row)
    if (/^[-:\s]*$/.test(files)) continue
    for (const file of files.split(',')) found.set(stem(file.trim()), [by, licence].filter(Boolean).join(' · '))
  }
  return found
}

const cellsOf = (row: string) =>
  row
    .trim()
    .slice(1)
    .split('|')
    .map((cell) => cell.trim())

/** `a/picture-0b.JPG` is `picture-0b`. */
export const stem = (file: string) => file.replace(/^.*[\\/]/, '').replace(/\.[a-z0-9]+$/i, '')

/** A title for a file nobody has named: `picos_de-europa` becomes `Picos de europa`. */
export function titleOf(file: string): string {
  const words = stem(file).replace(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
