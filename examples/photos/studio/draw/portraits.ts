import { glow, mix, shaded, type Draw } from './kit.ts'

interface Person {
  backdrop: readonly [string, string]
  skin: string
  hair: string
  style: 'bun' | 'short' | 'long' | 'curls' | 'cap'
  clothes: string
  glasses?: boolean
}

const size = 320

/** Head and shoulders before a plain wall; draw it 320 by 320. */
export const portraitOf =
  (of: Person): Draw =>
  ({ random }) => {
    const shade = mix(of.skin, '#3a1c14', 0.28)
    return [
      shaded(`<rect width="${size}" height="${size}"`, [
        [0, of.backdrop[0]],
        [1, of.backdrop[1]],
      ]),
      glow(80, 60, 220, 220, '#ffffff', 0.35),
      behind(of, random),
      shaded('<path d="M20 330C28 258 92 236 160 236S292 258 300 330Z"', [
        [0, of.clothes],
        [1, mix(of.clothes, '#000000', 0.35)],
      ]),
      `<path d="M132 196h56v42q-28 30-56 0Z" fill="${shade}"/>`,
      shaded('<path d="M104 132c0-46 24-72 56-72s56 26 56 72c0 50-26 86-56 86s-56-36-56-86Z"', [
        [0, of.skin],
        [1, mix(of.skin, '#a0442c', 0.14)],
      ]),
      `<path d="M160 60c32 0 56 26 56 72 0 50-26 86-56 86 22-20 32-50 32-86 0-36-10-58-32-72Z" fill="${shade}" fill-opacity=".35"/>`,
      features(of),
      onTop(of, random),
    ].join('')
  }

function features({ glasses, hair }: Person): string {
  const dark = '#2a1814'
  const frames = glasses
    ? `<g fill="#ffffff" fill-opacity=".2" stroke="#2c2420" stroke-width="4"><circle cx="138" cy="142" r="19"/><circle cx="183" cy="142" r="19"/><path d="M157 140q4-4 7 0" fill="none"/></g>`
    : ''
  return `<circle cx="138" cy="143" r="5" fill="${dark}"/><circle cx="183" cy="143" r="5" fill="${dark}"/>
    <path d="M126 127q11-8 22-2M173 125q11-6 22 2" fill="none" stroke="${mix(hair, dark, 0.5)}" stroke-width="4.5" stroke-linecap="round"/>
    <path d="M161 148q-7 18 1 21" fill="none" stroke="${dark}" stroke-opacity=".35" stroke-width="3.5" stroke-linecap="round"/>
    <path d="M144 187q17 13 34 0" fill="none" stroke="#8a3430" stroke-width="5" stroke-linecap="round"/>${frames}`
}

/** Hair that falls behind the shoulders. */
function behind({ hair, style }: Person, random: () => number): string {
  if (style === 'long')
    return `<path d="M94 140c-4-70 24-96 66-96s70 26 66 96c-2 50 10 90 16 116H78c6-26 18-66 16-116Z" fill="${mix(hair, '#000000', 0.2)}"/>`
  if (style === 'bun') return `<circle cx="160" cy="38" r="28" fill="${mix(hair, '#000000', 0.15)}"/>`
  return style === 'curls' ? curls(mix(hair, '#000000', 0.2), random, 84, 40) : ''
}

function onTop({ hair, style, clothes }: Person, random: () => number): string {
  const parted = `<path d="M102 140c-6-60 22-90 60-90s62 30 56 90c-6-28-20-46-34-54-30 22-62 20-82 54Z" fill="${hair}"/>`
  const cropped = `<path d="M102 128c-8-54 22-78 58-78s66 24 58 78c-6-18-8-26-16-34-26 8-60 6-84 0-8 8-10 16-16 34Z" fill="${hair}"/>`
  if (style === 'cap')
    return `${cropped}<path d="M96 106c0-44 26-66 64-66s64 22 64 66q-64-22-128 0Z" fill="${mix(clothes, '#ffffff', 0.15)}"/><path d="M96 106q64-22 128 0l-2 14q-62-20-124 0Z" fill="${clothes}"/>`
  if (style === 'short') return cropped
  if (style === 'curls') return curls(hair, random, 60, 26)
  return parted
}

function curls(colour: string, random: () => number, reach: number, count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const angle = Math.PI * (1 + index / (count - 1))
    const off = reach * (0.85 + random() * 0.25)
    return `<circle cx="${(160 + Math.cos(angle) * off).toFixed(0)}" cy="${(118 + Math.sin(angle) * off).toFixed(0)}" r="${(14 + random() * 9).toFixed(0)}" fill="${mix(colour, '#ffffff', random() * 0.12)}"/>`
  }).join('')
}
