/** One line of the Prometheus text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Reads the text format (https://prometheus.io/docs/instrumenting/exposition_formats/); comments and what it does not know are left out. */
export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

function parseLine(line: string): Sample | undefined {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  if (!match) return undefined
  const labels: Record<string, string> = {}
  for (const [, name, value] of (match[2] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g))
    labels[name!] = unescape(value!)
  return { name: match[1]!, labels, value: Number(match[3]) }
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each))
}
