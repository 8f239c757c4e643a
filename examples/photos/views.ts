import { shutter } from './blueprint.ts'
import type { View } from './model.ts'

const maxUnderWay = 200
let underWay = 0

/**
 * Appends a view to the stream without keeping the visitor waiting. When the stream cannot follow, views are let go
 * instead of being heaped up in memory: a page matters more than a count.
 */
export function noteView(view: View): void {
  if (underWay >= maxUnderWay) return
  underWay++
  shutter.blocks.views
    .append(view)
    .catch(() => undefined)
    .finally(() => underWay--)
}
