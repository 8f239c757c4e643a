import { band, below, clouds, forest, glints, shaded, sky, stars, type Canvas, type Draw } from './kit.ts'
import { between, lerp, ridged } from './random.ts'

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
