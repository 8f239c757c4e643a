/** Ways from a file back to itself, each in import order: at least one of every group of files that reach one another. */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>()
  const cycles: string[][] = []
  const path: string[] = []

  const walk = (file: string) => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push(path.slice(start))
    if (start >= 0 || done.has(file)) return
    path.push(file)
    for (const next of edges.get(file) ?? []) walk(next)
    path.pop()
    done.add(file)
  }

  for (const file of edges.keys()) walk(file)
  return cycles
}
