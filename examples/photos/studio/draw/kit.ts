import { between, lerp, type Random } from './random.ts'

// Pieces of SVG of which the scenes are put together. Colours are `#rrggbb`.

export interface Canvas {
  width: number
  height: number
  random: Random
}

export type Draw = (canvas: Canvas) => string

const r = (value: number) => Math.round(value * 10) / 10

/** A colour between two. */
export function mix(from: string, to: string, part: number): string {
  const channel = (at: number) =>
    Math.round(lerp(parseInt(from.slice(at, at + 2), 16), parseInt(to.slice(at, at + 2), 16), part))
  return '#' + [1, 3, 5].map((at) => channel(at).toString(16).padStart(2, '0')).join('')
}

type Stop = readonly [at: number, colour: string, opacity?: number]

const stopsOf = (stops: readonly Stop[]) =>
  stops
    .map(([at, colour, opacity = 1]) => `<stop offset="${at}" stop-color="${colour}" stop-opacity="${opacity}"/>`)
    .join('')

/** Fills a shape from top to bottom of itself. `shape` is an element without its end: `<rect …`. */
export function shaded(shape: string, stops: readonly Stop[]): string {
  const parts = stopsOf(stops)
  const id = idOf(`linear${parts}`)
  return `<linearGradient id="${id}" x2="0" y2="1">${parts}</linearGradient>${shape} fill="url(#${id})"/>`
}

/** A name that follows from what is named (FNV-1a): the same picture is the same text. */
function idOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return `g${hash.toString(36)}`
}

export function sky({ width, height }: Canvas, stops: readonly Stop[]): string {
  return shaded(`<rect width="${width}" height="${height}"`, stops)
}

/** A band of haze or water over the whole width. */
export function band({ width }: Canvas, top: number, bottom: number, stops: readonly Stop[]): string {
  return shaded(`<rect y="${r(top)}" width="${width}" height="${r(bottom - top)}"`, stops)
}

/** A soft spot of light. */
export function glow(x: number, y: number, rx: number, ry: number, colour: string, opacity = 1): string {
  const stops: Stop[] = [
    [0, colour, opacity],
    [0.25, colour, opacity * 0.55],
    [0.55, colour, opacity * 0.18],
    [1, colour, 0],
  ]
  const parts = stopsOf(stops)
  const id = idOf(`radial${parts}`)
  return `<radialGradient id="${id}">${parts}</radialGradient><ellipse cx="${r(x)}" cy="${r(y)}" rx="${r(rx)}" ry="${r(ry)}" fill="url(#${id})"/>`
}

/** Sun or moon with its light around it. */
export function sun(x: number, y: number, radius: number, colour: string, light: string, reach = 9): string {
  return (
    glow(x, y, radius * reach, radius * reach, light, 0.75) +
    glow(x, y, radius * 3, radius * 3, colour, 0.7) +
    `<circle cx="${r(x)}" cy="${r(y)}" r="${r(radius)}" fill="${colour}"/>`
  )
}

/** The land below a line `f(x)`, down to `bottom`. */
export function below({ width }: Canvas, f: (x: number) => number, bottom: number, step = 4): string {
  let path = `M0 ${r(f(0))}`
  for (let x = step; x < width + step; x += step) path += `L${x} ${r(f(x))}`
  return `${path}V${r(bottom)}H0Z`
}

export function stars({ width, random }: Canvas, count: number, bottom: number, brightness = 1): string {
  let all = ''
  for (let index = 0; index < count; index++) {
    const size = 0.4 + random() ** 6 * 1.7
    const y = random() ** 1.3 * bottom
    const opacity = brightness * between(random, 0.25, 0.95) * (1 - (y / bottom) ** 3)
    const colour = ['#ffffff', '#dfe8ff', '#fff0d8'][Math.floor(random() * 3)]!
    all += `<circle cx="${r(random() * width)}" cy="${r(y)}" r="${r(size + 0.1)}" fill="${colour}" fill-opacity="${r(opacity * 10) / 10}"/>`
  }
  return all
}

/** Layers of soft ellipses, stretched along the horizon. */
export function clouds(
  canvas: Canvas,
  of: { y: number; spread: number; count: number; colour: string; opacity: number; size?: number },
): string {
  const { width, random } = canvas
  let all = ''
  for (let index = 0; index < of.count; index++) {
    const x = between(random, -0.1, 1.1) * width
    const y = of.y + (random() + random() - 1) * of.spread
    const rx = between(random, 0.08, 0.28) * width * (of.size ?? 1)
    all += glow(x, y, rx, rx * between(random, 0.05, 0.13), of.colour, of.opacity * between(random, 0.4, 1))
  }
  return all
}

/** A spruce with its foot at (x, y). */
export function spruce(random: Random, x: number, y: number, height: number): string {
  const tiers = 7
  const left: string[] = []
  const right: string[] = []
  for (let tier = 1; tier <= tiers; tier++) {
    const down = y - height + (height * 0.94 * tier) / tiers
    const reach = height * 0.2 * (tier / tiers) ** 0.85
    const side = () => reach * between(random, 0.75, 1.15)
    left.unshift(`${r(x - reach * 0.45)} ${r(down - height * 0.03)}`, `${r(x - side())} ${r(down)}`)
    right.push(`${r(x + side())} ${r(down)}`, `${r(x + reach * 0.45)} ${r(down - height * 0.03)}`)
  }
  return `M${r(x)} ${r(y - height)}L${right.join('L')}L${r(x)} ${r(y)}L${left.join('L')}Z`
}

/** Spruces along a line, as one path. */
export function forest(canvas: Canvas, f: (x: number) => number, of: { gap: number; height: number }): string {
  const { width, random } = canvas
  let path = ''
  for (let x = -of.gap; x < width + of.gap; x += of.gap * between(random, 0.4, 1.4))
    path += spruce(random, x, f(x) + of.height * 0.08, of.height * between(random, 0.45, 1.1))
  return path
}

/** Glints on water: more and wider the nearer they are. */
export function glints(
  { random }: Canvas,
  of: { x: number; top: number; bottom: number; spread: number; colour: string; count: number; opacity?: number },
): string {
  let all = ''
  for (let index = 0; index < of.count; index++) {
    const near = random() ** 1.4
    const y = lerp(of.top, of.bottom, near)
    const off = (random() + random() + random() - 1.5) * of.spread * lerp(0.25, 1, near)
    const length = lerp(6, 46, near) * between(random, 0.5, 1.5)
    const opacity = (of.opacity ?? 0.8) * between(random, 0.25, 1) * (1 - Math.min(1, Math.abs(off) / of.spread) * 0.8)
    all += `<ellipse cx="${r(of.x + off)}" cy="${r(y)}" rx="${r(length)}" ry="${r(lerp(0.7, 2.6, near))}" fill="${of.colour}" fill-opacity="${r(opacity * 10) / 10}"/>`
  }
  return all
}

/** A still band of haze, to lay over a horizon. */
export const hazeAt = (canvas: Canvas, y: number, half: number, colour: string, opacity: number) =>
  band(canvas, y - half, y + half, [
    [0, colour, 0],
    [0.5, colour, opacity],
    [1, colour, 0],
  ])
