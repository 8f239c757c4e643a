import type { Route } from '../edge/config.ts'
import { describe } from '../errors.ts'
import type { Blueprint } from './blueprint.ts'
import { openOrder, type Role } from './order.ts'

const upstreamKinds = ['app', 'bucket']

/** Mistakes in a blueprint's structure, each a sentence that names the block, the value and the fix. Needs no engine. */
export function checkBlueprint(of: Blueprint): string[] {
  const edges = Object.entries(of.declarations).filter(([, { kind }]) => kind === 'edge')
  const problems = edges.flatMap(([name, { options }]) =>
    routesOf(options).flatMap((route) => checkRoute(of, name, route)),
  )
  return [
    ...problems,
    ...sameListen(edges.map(([name, { options }]) => [name, String((options as { listen?: unknown }).listen)])),
    ...orderProblems(of),
  ]
}

function routesOf(options: object): readonly Route[] {
  return (options as { routes?: readonly Route[] }).routes ?? []
}

function checkRoute(of: Blueprint, edge: string, route: Route): string[] {
  const at = `edge '${edge}', route '${route.path}'`
  const problems = [reference(of, `${at}: to`, route.to, upstreamKinds)]
  if (route.limit !== undefined) problems.push(reference(of, `${at}: limit`, route.limit, ['limiter']))
  if (route.auth?.kind === 'session') problems.push(reference(of, `${at}: auth`, route.auth.sessions, ['sessions']))
  return problems.filter((problem) => problem !== undefined)
}

function reference(of: Blueprint, what: string, name: string, kinds: readonly string[]): string | undefined {
  const found = of.declarations[name]
  if (found && kinds.includes(found.kind)) return undefined
  const fitting = Object.keys(of.declarations).filter((each) => kinds.includes(of.declarations[each]!.kind))
  const have =
    fitting.length > 0 ? `there ${fitting.length === 1 ? 'is' : 'are'} ${fitting.join(', ')}` : 'none is declared'
  return `${what} names '${name}', which is ${found ? `a ${found.kind}` : 'no block'}; it must be the name of one of kind ${kinds.join(' or ')}: ${have}`
}

function sameListen(edges: [string, string][]): string[] {
  return edges
    .filter(([name, listen], index) => edges.findIndex(([, other]) => other === listen) !== index && name)
    .map(([name, listen]) => `edge '${name}' listens on ${listen}, as another edge does; give it another port`)
}

function orderProblems(of: Blueprint): string[] {
  const kinds = new Set(Object.values(of.declarations).map(({ kind }) => kind))
  const present = (['edge', 'app', 'worker'] as Role[]).filter((role) => kinds.has(role))
  const problems = present.flatMap((role) => {
    try {
      openOrder(of, { role })
      return []
    } catch (error) {
      return [describe(error)]
    }
  })
  return [...new Set(problems)]
}
