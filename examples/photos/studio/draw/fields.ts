import { tree } from './hills.ts'
import { below, clouds, mix, shaded, sky, sun, hazeAt, type Canvas, type Draw } from './kit.ts'
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
