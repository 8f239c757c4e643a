import { silent, type OpenContext } from '../src/block.ts'

/** What a block gets when it is opened by itself, in a test. */
export function contextOf(url: string, name: string, of: Partial<OpenContext> = {}): OpenContext {
  return {
    name,
    service: 'tested',
    url,
    folder: '.ashlar',
    secret: '',
    relays: false,
    log: silent,
    block: () => {
      throw new Error('no other block')
    },
    ...of,
  }
}
