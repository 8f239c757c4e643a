import type { Draw } from './draw/kit.ts'
import { portraitOf } from './draw/portraits.ts'

export interface DemoMember {
  handle: string
  name: string
  bio: string
  portrait: Draw
}

/** Who has drawn the demo photos. The first one is the administrator. */
export const demoMembers: readonly DemoMember[] = [
  {
    handle: 'ada',
    name: 'Ada Brandt',
    bio: 'Up before the sun, mostly. Ridges, fog and the ten minutes when everything is blue.',
    portrait: portraitOf({
      backdrop: ['#f2b8a0', '#c8607a'],
      skin: '#f0c4a4',
      hair: '#4a2c22',
      style: 'bun',
      clothes: '#2f4a6c',
      glasses: true,
    }),
  },
  {
    handle: 'tomasz',
    name: 'Tomasz Wilk',
    bio: 'Carries too many lenses up too many hills.',
    portrait: portraitOf({
      backdrop: ['#a8c8d8', '#4a7896'],
      skin: '#e8b490',
      hair: '#2a2422',
      style: 'cap',
      clothes: '#b8562e',
    }),
  },
  {
    handle: 'nneka',
    name: 'Nneka Obi',
    bio: 'Cities at night, deserts by day. Film when I can afford it.',
    portrait: portraitOf({
      backdrop: ['#f4d890', '#d8903c'],
      skin: '#7a4a32',
      hair: '#1c1412',
      style: 'curls',
      clothes: '#1f6f6a',
    }),
  },
  {
    handle: 'yuki',
    name: 'Yuki Mori',
    bio: 'Snow, water, silence.',
    portrait: portraitOf({
      backdrop: ['#d4c8e8', '#7a68a8'],
      skin: '#f4d0b0',
      hair: '#16141c',
      style: 'long',
      clothes: '#e8e2d8',
    }),
  },
  {
    handle: 'leo',
    name: 'Leo Santos',
    bio: 'Fields, fairs and whatever flies over them.',
    portrait: portraitOf({
      backdrop: ['#b8dcb0', '#4c8a6a'],
      skin: '#c88a60',
      hair: '#3a2418',
      style: 'short',
      clothes: '#7a2c3c',
      glasses: true,
    }),
  },
]
