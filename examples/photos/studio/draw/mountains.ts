import {
  band,
  below,
  clouds,
  forest,
  glints,
  glow,
  mix,
  shaded,
  sky,
  stars,
  sun,
  type Canvas,
  type Draw,
} from './kit.ts'
import { between, lerp, ridged } from './random.ts'

interface Range {
  /** From the top of the sky to the horizon. */
  sky: readonly string[]
  far: string
  near: string
  /** What lies in the valleys. */
  haze: string
  layers: number
  /** Where the farthest ridge stands, as a share of the height. */
  horizon: number
  light?: { x: number; y: number; radius: number; colour: string; light: string }
  stars?: number
  milkyWay?: string
  clouds?: string
  /** Spruces stand on the nearest ridges. */
  trees?: boolean
  height?: number
}

/** Ridge behind ridge, each paler than the one before it. */
export const mountains =
  (of: Range): Draw =>
  (canvas) => {
    const { width, height } = canvas
    const last = of.sky.length - 1
    const light = of.light
    return [
      sky(
        canvas,
        of.sky.map((colour, index) => [(index / last) * of.horizon * 1.1, colour] as const),
      ),
      of.stars ? stars(canvas, of.stars, height * of.horizon * 1.1) : '',
      of.milkyWay ? milkyWay(canvas, of.milkyWay) : '',
      light ? sun(light.x * width, light.y * height, light.radius * width, light.colour, light.light) : '',
      of.clouds
        ? clouds(canvas, {
            y: height * of.horizon * 0.55,
            spread: height * 0.16,
            count: 16,
            colour: of.clouds,
            opacity: 0.5,
          })
        : '',
      ...Array.from({ length: of.layers }, (_, layer) => ridge(canvas, of, layer)),
    ].join('')
  }

function ridge(canvas: Canvas, of: Range, layer: number): string {
  const { width, height, random } = canvas
  const part = of.layers === 1 ? 1 : layer / (of.layers - 1)
  const base = lerp(of.horizon + 0.08, 1.02, part ** 1.15) * height
  const rise = height * (of.height ?? 0.3) * lerp(1, 0.62, part)
  const shape = ridged(random, 6, 0.48)
  const from = random() * 90
  const zoom = lerp(2.6, 1.5, part) / width
  const line = (x: number) => base - rise * shape(from + x * zoom) ** 1.5
  const colour = mix(of.far, of.near, part)
  const foot = mix(colour, of.haze, lerp(0.85, 0.25, part))
  const land = shaded(`<path d="${below(canvas, line, height + 2)}"`, [
    [0, colour],
    [0.3, mix(colour, foot, 0.4)],
    [0.75, foot],
  ])
  if (!of.trees || part < 0.7) return land
  const trees = forest(canvas, line, { gap: lerp(7, 16, part), height: height * lerp(0.035, 0.1, part) })
  return (
    shaded(`<path d="${trees}"`, [
      [0, colour],
      [1, mix(colour, foot, 0.3)],
    ]) + land
  )
}

function milkyWay({ width, height, random }: Canvas, colour: string): string {
  let all = ''
  for (let index = 0; index < 90; index++) {
    const along = between(random, -0.1, 1.1)
    const x = lerp(0.2, 0.85, along) * width + between(random, -1, 1) * width * 0.04
    const y = lerp(0.85, -0.05, along) * height + between(random, -1, 1) * height * 0.04
    all += glow(
      x,
      y,
      between(random, 20, 110),
      between(random, 20, 70),
      random() < 0.3 ? '#ffd9c0' : colour,
      between(random, 0.04, 0.17),
    )
  }
  return `${all}`
}

/** One great cone over still water. */
export const volcano: Draw = (canvas) => {
  const { width, height, random } = canvas
  const horizon = height * 0.64
  const cone = (x: number) =>
    horizon - height * 0.4 * Math.max(0, 1 - Math.abs(x / width - 0.54) * 2.1) ** 1.75 - noise(x)
  const bumps = ridged(random, 5)
  const noise = (x: number) => bumps(x / 90) * height * 0.012
  const top = (x: number) => Math.max(cone(x), horizon - height * 0.345 - bumps(x / 18) * 7)
  const mountain = shaded(`<path d="${below(canvas, top, horizon, 3)}"`, [
    [0, '#e9dff2'],
    [0.16, '#cfc1e2'],
    [0.3, '#5f5a92'],
    [1, '#8a7fb0'],
  ])
  const hills = (x: number) => horizon - height * 0.05 * ridgeLine(3 + x / 300)
  const ridgeLine = ridged(random, 5)
  const shore = shaded(`<path d="${below(canvas, hills, horizon + 1)}"`, [
    [0, '#3d3a68'],
    [1, '#565288'],
  ])
  const scene = mountain + shore
  return [
    sky(canvas, [
      [0, '#2f3a78'],
      [0.3, '#8a6fa8'],
      [0.5, '#f0a08c'],
      [0.64, '#ffd9a8'],
    ]),
    clouds(canvas, { y: height * 0.3, spread: height * 0.14, count: 18, colour: '#ffb9a0', opacity: 0.55 }),
    scene,
    band(canvas, horizon, height, [
      [0, '#f2b49a'],
      [0.35, '#9a78ac'],
      [1, '#2a3268'],
    ]),
    `<g transform="translate(0 ${horizon * 2}) scale(1 -1)" opacity="0.62">${scene}</g>`,
    band(canvas, horizon - 8, horizon + 16, [
      [0, '#ffe2c4', 0],
      [0.5, '#ffe2c4', 0.7],
      [1, '#ffe2c4', 0],
    ]),
    glints(canvas, {
      x: width * 0.5,
      top: horizon + 14,
      bottom: height,
      spread: width * 0.6,
      colour: '#ffd9b8',
      count: 130,
      opacity: 0.22,
    }),
  ].join('')
}

/** Curtains of light over a lake. */
export const aurora: Draw = (canvas) => {
  const { width, height, random } = canvas
  const horizon = height * 0.7
  const shape = ridged(random, 6)
  const line = (x: number) => horizon - 8 - height * 0.19 * shape(2 + x / 420) ** 1.6
  const mountainsPath = `<path d="${below(canvas, line, horizon)}"`
  const trees = forest(canvas, () => horizon, { gap: 9, height: height * 0.06 })
  const scene =
    curtains(canvas, horizon) +
    shaded(mountainsPath, [
      [0, '#16283a'],
      [1, '#0a1622'],
    ]) +
    `<path d="${trees}" fill="#050c14"/>`
  return [
    sky(canvas, [
      [0, '#050a1e'],
      [0.4, '#0a2038'],
      [0.7, '#123f4a'],
    ]),
    stars(canvas, 420, horizon),
    scene,
    band(canvas, horizon, height, [
      [0, '#0e3a40'],
      [1, '#040a18'],
    ]),
    `<g transform="translate(0 ${horizon * 2}) scale(1 -1)" opacity="0.5">${scene}</g>`,
    band(canvas, horizon - 3, horizon + 10, [
      [0, '#8dffd0', 0],
      [0.4, '#8dffd0', 0.25],
      [1, '#8dffd0', 0],
    ]),
    glints(canvas, {
      x: width / 2,
      top: horizon + 8,
      bottom: height,
      spread: width * 0.6,
      colour: '#031018',
      count: 160,
      opacity: 0.4,
    }),
  ].join('')
}

function curtains({ width, height, random }: Canvas, horizon: number): string {
  let all = ''
  for (const [colour, upper, y, count] of [
    ['#3dffb0', '#8f6bff', 0.55, 150],
    ['#66ff9e', '#ff6bb8', 0.42, 110],
  ] as const) {
    const sway = ridged(random, 3)
    const from = random() * 50
    for (let index = 0; index < count; index++) {
      const x = lerp(-0.05, 1.05, index / count) * width
      const foot = horizon * (y + 0.5 * (sway(from + index / 34) - 0.5))
      const tall = height * between(random, 0.14, 0.42)
      const wide = (width / count) * between(random, 1.6, 4)
      const opacity = between(random, 0.08, 0.36) * (0.4 + 0.6 * sway(from + index / 12))
      all += shaded(
        `<rect x="${Math.round(x)}" y="${Math.round(foot - tall)}" width="${Math.round(wide)}" height="${Math.round(tall)}"`,
        [
          [0, upper, 0],
          [0.45, upper, opacity * 0.35],
          [0.82, colour, opacity],
          [0.93, '#d8ffe8', opacity],
          [1, colour, 0],
        ],
      )
    }
  }
  return all
}

export const dawn = mountains({
  sky: ['#2b3f78', '#8f7fb0', '#f3b4a0', '#ffe0b8'],
  far: '#b49cc0',
  near: '#141c3a',
  haze: '#f2c8b8',
  layers: 8,
  horizon: 0.46,
  light: { x: 0.62, y: 0.42, radius: 0.024, colour: '#fff4d8', light: '#ffc890' },
  trees: true,
})

export const moonrise = mountains({
  sky: ['#081028', '#142a50', '#2f4f78', '#6f86a0'],
  far: '#54708e',
  near: '#050a14',
  haze: '#7f98b0',
  layers: 6,
  horizon: 0.52,
  light: { x: 0.6, y: 0.24, radius: 0.075, colour: '#f6f0dc', light: '#8fa8d0' },
  stars: 200,
  trees: true,
})

export const milkyNight = mountains({
  sky: ['#04061a', '#0c1538', '#1f2c58', '#4a4470'],
  far: '#2a3358',
  near: '#03050e',
  haze: '#3c3f66',
  layers: 4,
  horizon: 0.66,
  stars: 900,
  milkyWay: '#a8b8f0',
  trees: true,
})

export const fjord = mountains({
  sky: ['#5a86b0', '#9fc0d4', '#dfeaf0', '#f7f5ec'],
  far: '#a9c4d2',
  near: '#12303c',
  haze: '#dce8ea',
  layers: 6,
  horizon: 0.4,
  height: 0.5,
  clouds: '#ffffff',
})
