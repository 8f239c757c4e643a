import { below, clouds, glow, mix, shaded, sky, sun, type Canvas, type Draw } from './kit.ts'
import { hazeAt } from './land.ts'
import { between, fractal, lerp, ridged } from './random.ts'

/** Rows that run together at the horizon: lavender, with a lone tree. */
export const lavender: Draw = (canvas) => {
  const { width, height, random } = canvas
  const horizon = height * 0.5
  const vanish = width * 0.4
  const rows = 17
  const strips = Array.from({ length: rows }, (_, index) => {
    const left = lerp(-2.2, 3.0, index / rows) * width
    const right = lerp(-2.2, 3.0, (index + 0.62) / rows) * width
    const path = `M${vanish - 1} ${horizon}L${left.toFixed(0)} ${height + 5}H${right.toFixed(0)}L${vanish + 1} ${horizon}Z`
    return shaded(`<path d="${path}"`, [
      [0, '#b69ad6'],
      [0.3, '#8a62b8'],
      [1, '#4a2a80'],
    ])
  })
  const hills = ridged(random, 4)
  return [
    sky(canvas, [
      [0, '#5a78b8'],
      [0.25, '#c898b0'],
      [0.42, '#ffc490'],
      [0.5, '#ffe6b8'],
    ]),
    clouds(canvas, { y: height * 0.2, spread: height * 0.12, count: 18, colour: '#ffd0c0', opacity: 0.55 }),
    sun(width * 0.72, horizon - height * 0.06, width * 0.024, '#fffbe0', '#ffd080', 10),
    shaded(`<path d="${below(canvas, (x) => horizon - height * 0.09 * hills(4 + x / 380), horizon + 4)}"`, [
      [0, '#8a7aa8'],
      [1, '#c8a8b0'],
    ]),
    shaded(`<rect y="${horizon}" width="${width}" height="${height - horizon}"`, [
      [0, '#c8a890'],
      [0.3, '#6a5648'],
      [1, '#2a2430'],
    ]),
    ...strips,
    blossoms(canvas, horizon, ['#c9a6f0', '#a47ad8', '#e2c8ff', '#6a48a8']),
    tree(canvas, width * 0.2, horizon + height * 0.03, height * 0.19, '#2e3a30'),
    hazeAt(canvas, horizon, height * 0.05, '#ffe2c0', 0.5),
  ].join('')
}

/** Poppies in the grass, close by and far off. */
export const poppies: Draw = (canvas) => {
  const { width, height, random } = canvas
  const horizon = height * 0.46
  const hills = fractal(random, 4)
  const far = [0, 1].map((index) =>
    shaded(
      `<path d="${below(canvas, (x) => horizon - height * (0.05 - index * 0.03) - height * 0.06 * hills(index * 8 + x / 330), height)}"`,
      [
        [0, mix('#88a4b0', '#7a9c68', index)],
        [0.3, mix('#a8bcb8', '#9ab47a', index)],
        [1, '#8aa060'],
      ],
    ),
  )
  return [
    sky(canvas, [
      [0, '#4a88c8'],
      [0.3, '#a4cbe6'],
      [0.48, '#f4efdc'],
    ]),
    clouds(canvas, { y: height * 0.18, spread: height * 0.13, count: 26, colour: '#ffffff', opacity: 0.75 }),
    ...far,
    shaded(`<rect y="${horizon}" width="${width}" height="${height - horizon}"`, [
      [0, '#a8b868'],
      [0.3, '#6a8c3c'],
      [1, '#243a18'],
    ]),
    grass(canvas, horizon),
    blossoms(canvas, horizon, ['#e23a2a', '#c8261e', '#f25c3a', '#ff8a5a']),
    large(canvas, height),
  ].join('')
}

function blossoms({ width, height, random }: Canvas, horizon: number, colours: string[]): string {
  const all: string[] = []
  for (let index = 0; index < 1500; index++) {
    const near = (index / 1500) ** 1.5
    const y = lerp(horizon + 3, height * 0.99, near) + between(random, -6, 6) * near
    const size = lerp(0.9, 6.5, near) * between(random, 0.6, 1.3)
    const colour = colours[Math.floor(random() * colours.length)]!
    all.push(
      `<ellipse cx="${(random() * width).toFixed(0)}" cy="${y.toFixed(1)}" rx="${size.toFixed(1)}" ry="${(size * 0.75).toFixed(1)}" fill="${colour}" fill-opacity="${lerp(0.5, 0.9, near).toFixed(2)}"/>`,
    )
  }
  return all.join('')
}

function grass({ width, height, random }: Canvas, horizon: number): string {
  let all = ''
  for (let index = 0; index < 900; index++) {
    const near = (index / 900) ** 1.4
    const x = random() * width
    const y = lerp(horizon, height + 20, near)
    const tall = lerp(4, 58, near) * between(random, 0.6, 1.2)
    const lean = between(random, -0.3, 0.3) * tall
    all += `<path d="M${x.toFixed(0)} ${y.toFixed(0)}q${(lean * 0.3).toFixed(1)} ${(-tall * 0.6).toFixed(1)} ${lean.toFixed(1)} ${(-tall).toFixed(1)}" stroke="${mix('#b4c070', ['#1c3012', '#4c7228', '#86a440'][index % 3]!, near)}" stroke-width="${lerp(0.6, 2.4, near).toFixed(1)}" fill="none" stroke-opacity=".8"/>`
  }
  return all
}

/** The nearest flowers, out of focus at the lower edge. */
function large({ width, random }: Canvas, height: number): string {
  let all = ''
  for (let index = 0; index < 11; index++) {
    const x = between(random, -0.02, 1.02) * width
    const y = height * between(random, 0.84, 1.02)
    const size = between(random, 0.028, 0.05) * width
    for (let petal = 0; petal < 4; petal++) {
      const turn = petal * 90 + between(random, -20, 20)
      all += `<g transform="rotate(${turn.toFixed(0)} ${x.toFixed(0)} ${y.toFixed(0)})">${shaded(
        `<ellipse cx="${(x + size * 0.42).toFixed(0)}" cy="${y.toFixed(0)}" rx="${(size * 0.72).toFixed(0)}" ry="${(size * 0.62).toFixed(0)}"`,
        [
          [0, '#ff6a48', 0.92],
          [1, '#b81a14', 0.95],
        ],
      )}</g>`
    }
    all += `<circle cx="${x.toFixed(0)}" cy="${y.toFixed(0)}" r="${(size * 0.22).toFixed(0)}" fill="#1c0c14"/>`
  }
  return all
}

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
