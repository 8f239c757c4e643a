import { count } from './analytics.ts'
import { shutter } from './blueprint.ts'
import { refreshFeeds } from './cards.ts'
import { makeDemo } from './demo.ts'
import { deliver, thankForFirst } from './mail.ts'
import { resize } from './resize.ts'

/** Starts everything that happens behind the visitors' backs. The blocks close their own consumers. */
export default async function start(signal: AbortSignal): Promise<void> {
  const { resize: pictures, mail, published, views } = shutter.blocks
  // One picture at a time and process: decoded ones are large.
  pictures.work(resize, { concurrency: 1 })
  mail.work(deliver, { concurrency: 4 })
  await published.subscribe('mail', thankForFirst)
  await published.subscribe('feeds', ({ payload }) => refreshFeeds(payload.photo))
  await views.consume('analytics', count, { batch: 500 })
  if (process.env.ASHLAR_DEV === '1') void makeDemo(signal)
}
