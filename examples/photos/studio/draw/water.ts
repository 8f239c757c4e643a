import { band, below, clouds, glints, glow, shaded, sky, sun, type Canvas, type Draw } from './kit.ts'
import { between, fractal, lerp, ridged } from './random.ts'

/** The sun just above the sea, and its path to us. */
export const sunPath: Draw = (canvas) => {
  const { width, height } = canvas
  const horizon = height * 0.56
  const x = width * 0.42
  return [
    sky(canvas, [
      [0, '#2a2f66'],
      [0.2, '#7a4a86'],
      [0.4, '#e8735f'],
      [0.56, '#ffc27a'],
    ]),
    clouds(canvas, { y: height * 0.2, spread: height * 0.14, count: 22, colour: '#ff9a7a', opacity: 0.5 }),
    clouds(canvas, { y: height * 0.4, spread: height * 0.1, count: 18, colour: '#ffd39a', opacity: 0.6 }),
    sun(x, horizon - height * 0.055, width * 0.03, '#fff6d8', '#ffb35c', 10),
    band(canvas, horizon, height, [
      [0, '#f0a06a'],
      [0.12, '#c06a6a'],
      [0.5, '#4a3a70'],
      [1, '#161a40'],
    ]),
    swell(canvas, horizon, '#14183c'),
    glints(canvas, {
      x,
      top: horizon + 2,
      bottom: height,
      spread: width * 0.17,
      colour: '#ffdf9e',
      count: 620,
      opacity: 0.95,
    }),
    glints(canvas, { x, top: horizon + 2, bottom: height, spread: width * 0.05, colour: '#fff7e0', count: 240 }),
    islands(canvas, horizon, '#5a3550'),
  ].join('')
}

function swell({ width, height, random }: Canvas, horizon: number, colour: string): string {
  let all = ''
  for (let index = 0; index < 260; index++) {
    const near = random() ** 1.5
    const y = lerp(horizon + 2, height, near)
    all += `<ellipse cx="${Math.round(random() * width)}" cy="${Math.round(y)}" rx="${Math.round(lerp(14, 130, near) * between(random, 0.5, 1.2))}" ry="${lerp(0.8, 5, near).toFixed(1)}" fill="${colour}" fill-opacity="${between(random, 0.08, 0.3).toFixed(2)}"/>`
  }
  return all
}

function islands(canvas: Canvas, horizon: number, colour: string): string {
  const { width, height, random } = canvas
  const shape = ridged(random, 5)
  const line = (x: number) => horizon + 1 - height * 0.075 * Math.max(0, (x / width - 0.66) * 3) ** 0.7 * shape(x / 150)
  return `<path d="${below(canvas, line, horizon + 1.5)}" fill="${colour}"/>`
}

/** A lighthouse before weather. */
export const lighthouse: Draw = (canvas) => {
  const { width, height, random } = canvas
  const horizon = height * 0.7
  const x = width * 0.63
  const rock = fractal(random, 6)
  const cliff = (at: number) => {
    const off = Math.abs(at - x) / width
    return horizon + height * 0.07 - height * 0.19 * Math.max(0, 1 - off * 2.6) ** 0.8 + rock(at / 60) * 14
  }
  const top = height * 0.27
  const foot = cliff(x) + 14
  const beam = (end: number, y: number) =>
    shadedAcross(`<path d="M${x} ${top + 15}L${end} ${y - height * 0.09}V${y + height * 0.09}Z"`, '#fff0c0', end < x)
  return [
    sky(canvas, [
      [0, '#101a30'],
      [0.35, '#2c4660'],
      [0.62, '#7a90a0'],
      [0.72, '#c0b8a8'],
    ]),
    clouds(canvas, { y: height * 0.2, spread: height * 0.22, count: 34, colour: '#0c1424', opacity: 0.75, size: 1.3 }),
    clouds(canvas, { y: height * 0.5, spread: height * 0.16, count: 20, colour: '#a8b4bc', opacity: 0.4 }),
    beam(-20, top - height * 0.03),
    beam(width + 20, top + height * 0.06),
    band(canvas, horizon, height, [
      [0, '#74848c'],
      [0.2, '#3a5262'],
      [1, '#0c1a28'],
    ]),
    swell(canvas, horizon, '#0a1624'),
    waves(canvas, horizon),
    shaded(`<path d="${below(canvas, cliff, height + 2)}"`, [
      [0, '#2a2e34'],
      [0.5, '#14181e'],
      [1, '#080a0e'],
    ]),
    tower(x, top, foot, width * 0.026),
    glow(x, top + 15, width * 0.12, width * 0.12, '#ffe6a0', 1),
    waves(canvas, height * 0.87),
  ].join('')
}

function shadedAcross(shape: string, colour: string, leftwards: boolean): string {
  const id = `b${leftwards ? 'l' : 'r'}`
  const ends = leftwards ? 'x1="1" x2="0"' : 'x2="1"'
  return `<linearGradient id="${id}" ${ends} y2="0"><stop stop-color="${colour}" stop-opacity=".6"/><stop offset=".5" stop-color="${colour}" stop-opacity=".16"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></linearGradient>${shape} fill="url(#${id})"/>`
}

function tower(x: number, top: number, foot: number, half: number): string {
  const stripe = (from: number, to: number, colour: string) => {
    const wide = (part: number) => half * lerp(0.75, 1.25, part)
    const y = (part: number) => lerp(top + 34, foot, part)
    return `<path d="M${x - wide(from)} ${y(from)}H${x + wide(from)}L${x + wide(to)} ${y(to)}H${x - wide(to)}Z" fill="${colour}"/>`
  }
  const stripes = [0, 1, 2, 3, 4].map((n) => stripe(n / 5, (n + 1) / 5, n % 2 ? '#e4e0d8' : '#a8382e')).join('')
  return `${stripes}<rect x="${x}" y="${top + 34}" width="${half * 1.2}" height="${foot - top - 34}" fill="#0a1020" fill-opacity=".32"/>
    <rect x="${x - half * 0.95}" y="${top + 28}" width="${half * 1.9}" height="7" fill="#1c2028"/>
    <rect x="${x - half * 0.5}" y="${top + 4}" width="${half}" height="24" fill="#fff6d0"/>
    <path d="M${x - half * 0.7} ${top + 5}L${x} ${top - 13}L${x + half * 0.7} ${top + 5}Z" fill="#7a241e"/>`
}

function waves({ width, random }: Canvas, y: number): string {
  let all = ''
  for (let index = 0; index < 70; index++)
    all += glow(
      random() * width,
      y + between(random, 0, 70),
      between(random, 20, 90),
      between(random, 1.5, 5),
      '#e8f0f2',
      between(random, 0.15, 0.5),
    )
  return all
}
