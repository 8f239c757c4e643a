import type { OpenContext } from '../block.ts'
import type { Instance } from '../blocks/discovery/driver.ts'
import { gauge } from '../telemetry.ts'
import { sessionGuard, type Guard, type SessionStore } from './auth.ts'
import { ResponseCache } from './cache.ts'
import type { Route } from './config.ts'
import { Strangers, type RateLimit } from './limit.ts'
import type { ObjectStore } from './objects.ts'
import type { ReadyRoute } from './routes.ts'
import type { LiveRoute } from './server.ts'
import { Upstream } from './upstream.ts'

/** What the edge needs of discovery. */
interface Registry {
  watch(service: string): Promise<{
    instances: readonly Instance[]
    onChange(changed: (instances: readonly Instance[]) => void): () => void
    end(): Promise<void>
  }>
}

/** Opens what a route leads to. Routes to the same app share its upstream. */
export async function openRoute(
  context: OpenContext,
  ready: ReadyRoute,
  upstreams: Map<string, Upstream>,
  undo: AsyncDisposableStack,
): Promise<LiveRoute> {
  const { route } = ready
  const limit = route.limit === undefined ? undefined : (context.block(route.limit) as unknown as RateLimit)
  return {
    ...ready,
    guard: await guardOf(context, route),
    limit,
    strangers: limit && new Strangers(limit),
    cache: route.cache ? new ResponseCache(ready.cacheBytes) : undefined,
    target: await targetOf(context, route, upstreams, undo),
  }
}

async function guardOf(context: OpenContext, { auth }: Route): Promise<Guard | undefined> {
  if (!auth) return undefined
  // Loaded on first use: most services have no JWT route, and every process imports the edge with its blueprint.
  if (auth.kind === 'jwt') return (await import('./jwt.ts')).jwtGuard(auth)
  return sessionGuard(auth, context.block(auth.sessions) as unknown as SessionStore)
}

/** A bucket is open in this process; anything else is an app, found through discovery. */
async function targetOf(
  context: OpenContext,
  route: Route,
  upstreams: Map<string, Upstream>,
  undo: AsyncDisposableStack,
): Promise<LiveRoute['target']> {
  const bucket = openBucket(context, route.to)
  if (bucket) return { bucket }
  const key = `${route.to} ${route.balance ?? 'round-robin'}`
  const known = upstreams.get(key)
  if (known) return { upstream: known }
  const watch = await (context.block('discovery') as unknown as Registry).watch(route.to)
  undo.defer(() => watch.end())
  const upstream = undo.adopt(new Upstream(route.to, watch, route.balance ?? 'round-robin'), (each) => each.close())
  undo.defer(
    gauge(
      'ashlar_edge_instances',
      'Instances known to the edge',
      { edge: context.name, upstream: route.to },
      () => upstream.endpoints.length,
    ),
  )
  upstreams.set(key, upstream)
  return { upstream }
}

function openBucket(context: OpenContext, name: string): ObjectStore | undefined {
  try {
    const block = context.block(name)
    return block.kind === 'bucket' ? (block as unknown as ObjectStore) : undefined
  } catch {
    return undefined
  }
}
