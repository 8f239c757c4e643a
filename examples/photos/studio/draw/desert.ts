import { below, clouds, mix, shaded, sky, sun, type Canvas, type Draw } from './kit.ts'
import { between, fractal, lerp, wave } from './random.ts'

/** Dunes: each crest with a lit side and a dark one. */
export const dunes: Draw = (canvas) => {
  const { width, height, random } = canvas
  const layers = 6
  const crests = Array.from({ length: layers }, (_, layer) => {
    const part = layer / (layers - 1)
    const base = height * lerp(0.46, 0.9, part ** 1.2)
    const swing = wave(random)
    const from = random() * 40
    const line = (x: number) =>
      base - height * lerp(0.035, 0.17, part) * swing(from + (x / width) * lerp(3.4, 1.5, part))
    const lit = mix('#f2c088', '#d98a48', part)
    const dark = mix('#c08a78', '#5a2c22', part)
    return (
      shaded(`<path d="${below(canvas, line, height + 2)}"`, [
        [0, lit],
        [0.5, mix(lit, dark, 0.45)],
        [1, mix(lit, dark, 0.8)],
      ]) + slipFaces(canvas, line, dark, part)
    )
  })
  return [
    sky(canvas, [
      [0, '#3a6a9c'],
      [0.25, '#8fb0c0'],
      [0.45, '#f5d8b0'],
      [0.5, '#ffe6c4'],
    ]),
    sun(width * 0.76, height * 0.27, width * 0.022, '#fffbe8', '#ffe0a0', 11),
    ...crests,
  ].join('')
}

/** Below each crest that falls away from the sun hangs the side in the shade, its foot curving forward. */
function slipFaces({ width, height }: Canvas, line: (x: number) => number, dark: string, part: number): string {
  const step = 4
  let all = ''
  for (let x = 0; x < width; x += step) {
    if (line(x + step) <= line(x)) continue
    const start = x
    while (line(x + step) > line(x) && x < width * 1.2) x += step
    all += face(line, start, x, height * lerp(0.04, 0.2, part), dark)
  }
  return all
}

function face(line: (x: number) => number, from: number, to: number, deep: number, dark: string): string {
  const at = (x: number, down: number) => `${x.toFixed(0)} ${(line(x) + down).toFixed(1)}`
  let crest = ''
  for (let x = from; x <= to; x += 4) crest += `${crest ? 'L' : 'M'}${at(x, 0)}`
  const wide = to - from
  const foot = `C${at(to - wide * 0.2, deep * 0.25)} ${at(from + wide * 0.55, deep * 0.9)} ${(from + wide * 0.12).toFixed(0)} ${(line(from) + deep * 1.5).toFixed(1)}`
  const back = `Q${at(from + wide * 0.1, deep * 0.6)} ${at(from, 0)}Z`
  return shaded(`<path d="${crest}${foot}${back}"`, [
    [0, dark, 0.9],
    [0.6, dark, 0.7],
    [1, dark, 0.35],
  ])
}

/** Red towers of rock on a plain. */
export const mesas: Draw = (canvas) => {
  const { width, height, random } = canvas
  const ground = height * 0.72
  const plain = fractal(random, 5)
  return [
    sky(canvas, [
      [0, '#1f4a8c'],
      [0.35, '#6a9cc8'],
      [0.6, '#f2d0a4'],
      [0.72, '#f7b27a'],
    ]),
    clouds(canvas, { y: height * 0.24, spread: height * 0.12, count: 20, colour: '#fff2e4', opacity: 0.6 }),
    ...[0.05, 0.32, 0.83].map((x) =>
      mesa(canvas, x * width, ground, between(random, 0.05, 0.09) * width, height * 0.12, '#c08a80', '#d8a48c'),
    ),
    ...[
      [0.2, 0.075, 0.34],
      [0.5, 0.045, 0.3],
      [0.76, 0.1, 0.4],
    ].map(([x, half, tall]) =>
      mesa(canvas, x! * width, ground + 12, half! * width, tall! * height, '#8a3420', '#d0683a'),
    ),
    shaded(`<path d="${below(canvas, (x) => ground + plain(x / 140) * 6, height + 2)}"`, [
      [0, '#c8703c'],
      [0.4, '#a04c28'],
      [1, '#4a1e14'],
    ]),
    scrub(canvas, ground),
  ].join('')
}

function mesa(canvas: Canvas, x: number, foot: number, half: number, tall: number, dark: string, lit: string): string {
  const { random } = canvas
  const rough = fractal(random, 5)
  const from = random() * 50
  const line = (at: number) => {
    const off = Math.abs(at - x) / half
    const cliff = off < 1 ? tall * (1 - 0.04 * off) : Math.max(0, tall * 0.42 * (1 - (off - 1) / 1.3)) ** 1.0
    return foot - cliff - rough(from + at / 26) * (off < 1 ? 7 : 4)
  }
  const body = below(canvas, line, foot + 4, 3)
  const id = `m${Math.round(x)}`
  const strata = Array.from({ length: 9 }, (_, index) => {
    const y = foot - tall * (0.42 + 0.56 * (index / 9))
    return `<rect x="${x - half * 1.2}" y="${y.toFixed(1)}" width="${half * 2.4}" height="${between(random, 1.5, 6).toFixed(1)}" fill="${dark}" fill-opacity="${between(random, 0.1, 0.4).toFixed(2)}"/>`
  }).join('')
  const flutes = Array.from({ length: 16 }, () => {
    const at = x + between(random, -1, 1) * half
    return `<rect x="${at.toFixed(1)}" y="${(foot - tall * 0.97).toFixed(1)}" width="${between(random, 1.5, 7).toFixed(1)}" height="${(tall * 0.58).toFixed(1)}" fill="#2a0e0c" fill-opacity="${between(random, 0.05, 0.22).toFixed(2)}"/>`
  }).join('')
  const shade = `<rect x="${x + half * 0.15}" y="${foot - tall - 10}" width="${half * 3}" height="${tall + 14}" fill="#2a0a18" fill-opacity=".34"/>`
  return `<clipPath id="${id}"><path d="${body}"/></clipPath><g clip-path="url(#${id})">${shaded(`<path d="${body}"`, [
    [0, lit],
    [0.55, mix(lit, dark, 0.5)],
    [1, mix(lit, dark, 0.2)],
  ])}${strata}${flutes}${shade}</g>`
}

function scrub({ width, height, random }: Canvas, ground: number): string {
  let all = ''
  for (let index = 0; index < 170; index++) {
    const near = random() ** 1.6
    const y = lerp(ground + 10, height, near)
    const size = lerp(2, 15, near) * between(random, 0.6, 1.3)
    all += `<ellipse cx="${(random() * width).toFixed(0)}" cy="${y.toFixed(0)}" rx="${(size * 1.5).toFixed(1)}" ry="${(size * 0.6).toFixed(1)}" fill="${mix('#6a5a34', '#241c18', near)}" fill-opacity=".75"/>`
  }
  return all
}
