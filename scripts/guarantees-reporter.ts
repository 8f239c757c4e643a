import type { TestEvent } from 'node:test/reporters'

/** Guarantee → driver → what was seen. */
type Table = Map<string, Map<string, '✓' | '–' | '✗'>>

/** A reporter for `node --test` that turns tests named `<block> on <driver>: <guarantee>` into one table a block. */
export default async function* guarantees(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const blocks = new Map<string, Table>()
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const match = /^([\w-]+) on ([\w-]+): (.*)$/s.exec(event.data.name)
    if (!match) continue
    const [, block = '', driver = '', guarantee = ''] = match
    const skipped = event.data.skip !== undefined && event.data.skip !== false
    note(blocks, block, driver, guarantee, event.type === 'test:fail' ? '✗' : skipped ? '–' : '✓')
  }
  for (const block of [...blocks.keys()].toSorted()) yield section(block, blocks.get(block)!)
}

function note(
  blocks: Map<string, Table>,
  block: string,
  driver: string,
  guarantee: string,
  seen: '✓' | '–' | '✗',
): void {
  const table: Table = blocks.get(block) ?? new Map()
  const row = table.get(guarantee) ?? new Map<string, '✓' | '–' | '✗'>()
  blocks.set(block, table.set(guarantee, row.set(driver, seen)))
}

function section(block: string, table: Table): string {
  const drivers = [...new Set([...table.values()].flatMap((row) => [...row.keys()]))].toSorted()
  const rows = [...table].map(([guarantee, row]) => {
    const cells = drivers.map((driver) => row.get(driver) ?? '✗ not run')
    return `| ${guarantee.replaceAll('|', '\\|')} | ${cells.join(' | ')} |`
  })
  return `\n## ${block}\n| it | ${drivers.join(' | ')} |\n| --- |${' --- |'.repeat(drivers.length)}\n${rows.join('\n')}\n`
}
