import type { Suite } from '../../conformance.ts'
import { findingCases } from './conformance/finding.ts'
import type { SearchHarness } from './conformance/harness.ts'
import { narrowingCases } from './conformance/narrowing.ts'
import { rebuildingCases } from './conformance/rebuilding.ts'
import { safetyCases } from './conformance/safety.ts'
import { writingCases } from './conformance/writing.ts'

export type { SearchHarness } from './conformance/harness.ts'

/** Every promise of the search block, for any driver. Capability `outage`: the harness can take the engine away. */
export const searchSuite: Suite<SearchHarness> = {
  block: 'search',
  cases: [...findingCases, ...narrowingCases, ...safetyCases, ...writingCases, ...rebuildingCases],
}
