import { below, clouds, forest, glow, mix, shaded, sky, stars, sun, type Canvas, type Draw } from './kit.ts'
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
