import { below, clouds, glow, mix, shaded, sky, sun, type Canvas, type Draw } from './kit.ts'
import { between, fractal, lerp } from './random.ts'

/** A round tree with a dark side. */
export function tree({ random }: Canvas, x: number, foot: number, tall: number, colour: string): string {
  let all = `<path d="M${x - tall * 0.03} ${foot}L${x - tall * 0.015} ${foot - tall * 0.5}H${x + tall * 0.015}L${x + tall * 0.03} ${foot}Z" fill="${mix(colour, '#000000', 0.5)}"/>`
  for (let index = 0; index < 46; index++) {
    const angle = random() * 6.28
    const off = Math.sqrt(random()) * tall * 0.3
    const cx = x + Math.cos(angle) * off * 1.15
    const cy = foot - tall * 0.64 + Math.sin(angle) * off
    const light = 0.5 - (cy - (foot - tall * 0.64)) / (tall * 0.7)
    all += `<circle cx="${cx.toFixed(0)}" cy="${cy.toFixed(0)}" r="${(tall * between(random, 0.05, 0.11)).toFixed(0)}" fill="${mix(mix(colour, '#000000', 0.35), mix(colour, '#ffe0a0', 0.4), Math.max(0, Math.min(1, light + between(random, -0.2, 0.2))))}"/>`
  }
  return all
}

interface Hills {
  sky: readonly string[]
  far: string
  near: string
  /** Colours of the trees on them; none: bare. */
  trees?: readonly string[]
  haze: string
  balloons?: boolean
  light: { x: number; y: number; colour: string }
}

/** Rolling hills in the low sun. */
export const hills =
  (of: Hills): Draw =>
  (canvas) => {
    const { width, height } = canvas
    const last = of.sky.length - 1
    const layers = Array.from({ length: 6 }, (_, layer) => hill(canvas, of, layer / 5))
    return [
      sky(
        canvas,
        of.sky.map((colour, index) => [(index / last) * 0.56, colour] as const),
      ),
      sun(of.light.x * width, of.light.y * height, width * 0.026, '#fffbe8', of.light.colour, 11),
      clouds(canvas, { y: height * 0.22, spread: height * 0.14, count: 16, colour: '#fff0e0', opacity: 0.45 }),
      ...layers.slice(0, 3),
      of.balloons ? balloons(canvas) : '',
      ...layers.slice(3),
    ].join('')
  }

function hill(canvas: Canvas, of: Hills, part: number): string {
  const { width, height, random } = canvas
  const shape = fractal(random, 3, 0.4)
  const from = random() * 40
  const base = lerp(0.5, 0.94, part ** 1.1) * height
  const line = (x: number) => base - height * lerp(0.06, 0.1, part) * shape(from + (x / width) * lerp(3, 1.4, part))
  const colour = mix(of.far, of.near, part)
  const foot = mix(colour, of.haze, lerp(0.8, 0.15, part))
  const land = shaded(`<path d="${below(canvas, line, height + 2)}"`, [
    [0, mix(colour, '#fff0b0', 0.18)],
    [0.25, colour],
    [1, foot],
  ])
  const seams = part > 0.35 ? furrows(canvas, line, colour, part) : ''
  return growth(canvas, of, line, part) + land + seams
}

function growth(canvas: Canvas, of: Hills, line: (x: number) => number, part: number): string {
  const { width, height, random } = canvas
  const trees = of.trees
  if (!trees) return ''
  let all = ''
  for (let x = 0; x < width; x += lerp(16, 62, part) * between(random, 0.3, 1.6)) {
    const colour = mix(of.haze, trees[Math.floor(random() * trees.length)]!, lerp(0.35, 1, part))
    all += tree(canvas, x, line(x) + 6, height * lerp(0.04, 0.16, part) * between(random, 0.7, 1.15), colour)
  }
  return all
}

/** Lines of the plough, or of tea. */
function furrows({ width, height }: Canvas, line: (x: number) => number, colour: string, part: number): string {
  let all = ''
  for (let index = 1; index < 9; index++) {
    let path = ''
    for (let x = 0; x <= width; x += 12)
      path += `${x ? 'L' : 'M'}${x} ${(line(x * (1 - index * 0.012)) + index * height * lerp(0.012, 0.03, part) * (1 + index * 0.08)).toFixed(1)}`
    all += `<path d="${path}" fill="none" stroke="${mix(colour, '#101808', 0.45)}" stroke-width="${lerp(1.2, 4, part).toFixed(1)}" stroke-opacity=".28"/>`
  }
  return all
}

function balloons(canvas: Canvas): string {
  const { width, height, random } = canvas
  const spots = [
    [0.22, 0.26, 0.07],
    [0.5, 0.16, 0.045],
    [0.72, 0.33, 0.055],
    [0.38, 0.42, 0.022],
    [0.85, 0.18, 0.026],
    [0.6, 0.46, 0.016],
  ] as const
  const colours = ['#d8482e', '#e8a23a', '#2f6f9c', '#a83a5c', '#3f8f78', '#e2c24a']
  return spots
    .map(([x, y, size], index) =>
      balloon(x * width, y * height, size * width, colours[index]!, random() < 0.5 ? '#fff4dc' : '#f6d9a8'),
    )
    .join('')
}

function balloon(x: number, y: number, size: number, colour: string, other: string): string {
  const body = (half: number) =>
    `M${x} ${y - size}C${x + half * 1.25} ${y - size} ${x + half * 1.15} ${y + size * 0.25} ${x + half * 0.2} ${y + size * 0.95}H${x - half * 0.2}C${x - half * 1.15} ${y + size * 0.25} ${x - half * 1.25} ${y - size} ${x} ${y - size}Z`
  const gores = [1, 0.72, 0.42, 0.16]
    .map((part, index) => `<path d="${body(size * part)}" fill="${index % 2 ? other : colour}"/>`)
    .join('')
  const shine = glow(x - size * 0.35, y - size * 0.4, size * 0.7, size * 0.8, '#ffffff', 0.35)
  const basket = `<path d="M${x - size * 0.17} ${y + size * 0.95}L${x - size * 0.1} ${y + size * 1.2}M${x + size * 0.17} ${y + size * 0.95}L${x + size * 0.1} ${y + size * 1.2}" stroke="#3a2a20" stroke-width="1"/><rect x="${x - size * 0.12}" y="${y + size * 1.2}" width="${size * 0.24}" height="${size * 0.17}" rx="2" fill="#5a3a22"/>`
  return gores + shine + basket
}

export const teaHills = hills({
  sky: ['#7fb0d0', '#d4e6e4', '#fff3d0'],
  far: '#9fc0a0',
  near: '#1f5a2c',
  haze: '#e4f0d8',
  light: { x: 0.3, y: 0.3, colour: '#fff0b0' },
})

export const autumnHills = hills({
  sky: ['#6a8cb8', '#e0c8b8', '#ffd9a0'],
  far: '#c8a890',
  near: '#5a3a1c',
  haze: '#f7d8b0',
  trees: ['#d8702a', '#b8401e', '#e8a83a', '#8a5a24', '#5c6a2c'],
  light: { x: 0.74, y: 0.36, colour: '#ffd080' },
})

export const balloonsAtDawn = hills({
  sky: ['#4f78b8', '#c4b4d0', '#ffc8a8', '#ffe8c0'],
  far: '#b8a4b8',
  near: '#3c5a40',
  haze: '#ffd0b0',
  balloons: true,
  light: { x: 0.8, y: 0.44, colour: '#ffc890' },
})
