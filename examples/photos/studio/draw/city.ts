import { band, clouds, glints, glow, mix, shaded, sky, stars, type Canvas, type Draw } from './kit.ts'
import { between } from './random.ts'

/** A city across the river, after sunset. */
export const city: Draw = (canvas) => {
  const { width, height, random } = canvas
  const shore = height * 0.66
  const far = towers(canvas, shore, 60, 0.16, '#2c3a66', 0.35)
  const near = towers(canvas, shore, 34, 0.34, '#0f1530', 0.9)
  const scene = far + near
  return [
    sky(canvas, [
      [0, '#0a1030'],
      [0.35, '#23346e'],
      [0.55, '#7a5a90'],
      [0.66, '#e89a7a'],
    ]),
    stars(canvas, 90, height * 0.3, 0.7),
    clouds(canvas, { y: height * 0.42, spread: height * 0.1, count: 14, colour: '#d88a9a', opacity: 0.4 }),
    scene,
    band(canvas, shore, height, [
      [0, '#c88478'],
      [0.15, '#5a4a80'],
      [1, '#0a0e28'],
    ]),
    `<g transform="translate(0 ${shore * 2}) scale(1 -1)" opacity="0.55">${scene}</g>`,
    Array.from({ length: 60 }, () => {
      const colour = ['#ffcf7a', '#ffe7b0', '#ff9a6a', '#9ad0ff'][Math.floor(random() * 4)]!
      return glow(
        random() * width,
        shore + between(random, 10, 120),
        between(random, 2, 5),
        between(random, 40, 150),
        colour,
        between(random, 0.12, 0.45),
      )
    }).join(''),
    glints(canvas, {
      x: width / 2,
      top: shore + 4,
      bottom: height,
      spread: width * 0.62,
      colour: '#0a0e28',
      count: 340,
      opacity: 0.5,
    }),
    band(canvas, shore - 2, shore + 3, [
      [0, '#ffd9a0', 0],
      [0.5, '#ffd9a0', 0.5],
      [1, '#ffd9a0', 0],
    ]),
  ].join('')
}

function towers(
  { width, height, random }: Canvas,
  foot: number,
  count: number,
  tall: number,
  colour: string,
  lit: number,
): string {
  let all = ''
  for (let index = 0; index < count; index++) {
    const wide = Math.round(between(random, 0.55, 1.5) * (width / count))
    const x = Math.round((index / count) * width - 10)
    const hill = 0.45 + 0.55 * Math.exp(-(((index / count - 0.56) * 3.2) ** 2))
    const high = Math.round(height * tall * between(random, 0.3, 1) * hill)
    all += shaded(`<rect x="${x}" y="${foot - high}" width="${wide}" height="${high}"`, [
      [0, mix(colour, '#000008', 0.1)],
      [1, mix(colour, '#8a6a90', 0.22)],
    ])
    if (random() < 0.16)
      all += `<rect x="${x + wide / 2}" y="${foot - high - 26}" width="1.5" height="26" fill="${colour}"/><circle cx="${x + wide / 2 + 0.7}" cy="${foot - high - 26}" r="1.8" fill="#ff6a5a"/>`
    all += windows(random, x, foot - high, wide, high, lit)
  }
  return all
}

/** Lit windows, one path for each light: thousands of single ones would take seconds. */
function windows(random: () => number, x: number, y: number, wide: number, high: number, lit: number): string {
  const paths = ['', '', '', '']
  for (let row = 6; row < high - 6; row += 8)
    for (let column = 4; column < wide - 5; column += 6)
      if (random() < 0.34) paths[Math.floor(random() * 4)] += `M${x + column} ${y + row}h3v4h-3z`
  const lights = [
    ['#ffd98a', 1],
    ['#ffe9bc', 0.75],
    ['#ffbf6a', 0.55],
    ['#cfe4ff', 0.4],
  ] as const
  return lights
    .map(
      ([colour, part], index) =>
        `<path d="${paths[index]}" fill="${colour}" fill-opacity="${(lit * part).toFixed(2)}"/>`,
    )
    .join('')
}
