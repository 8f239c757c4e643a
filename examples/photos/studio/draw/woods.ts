import { below, clouds, forest, glow, mix, shaded, sky, spruce, type Canvas, type Draw } from './kit.ts'
import { between, fractal, lerp, ridged } from './random.ts'

/** Spruces going into the mist. */
export const mist: Draw = (canvas) => {
  const { width, height, random } = canvas
  const layers = 7
  const rows = Array.from({ length: layers }, (_, layer) => {
    const part = layer / (layers - 1)
    const slope = fractal(random, 3)
    const from = random() * 20
    const line = (x: number) =>
      height * (lerp(0.34, 1.02, part) - 0.1 * slope(from + (x / width) * 2) * (1 - part * 0.5))
    const colour = mix('#b4c6c4', '#0c2224', part ** 0.8)
    const trees = forest(canvas, line, { gap: lerp(12, 46, part), height: height * lerp(0.1, 0.38, part) })
    const ground = below(canvas, line, height + 2)
    return (
      shaded(`<path d="${trees}${ground}"`, [
        [0, colour],
        [lerp(0.35, 0.8, part), mix(colour, '#d8e2de', 0.45)],
        [1, mix(colour, '#d8e2de', 0.75)],
      ]) +
      clouds(canvas, {
        y: line(width / 2) + height * 0.06,
        spread: height * 0.05,
        count: 9,
        colour: '#e4ecea',
        opacity: lerp(0.55, 0.2, part),
        size: 1.4,
      })
    )
  })
  return [
    sky(canvas, [
      [0, '#a8bcc0'],
      [0.3, '#d4dedc'],
      [0.6, '#eef2ee'],
    ]),
    glow(width * 0.68, height * 0.16, width * 0.5, height * 0.32, '#fffbe6', 0.9),
    ...rows,
  ].join('')
}

/** A winter valley; it snows. */
export const snow: Draw = (canvas) => {
  const { width, height, random } = canvas
  const peaks = [0.5, 0.64].map((base, index) => {
    const shape = ridged(random, 6)
    const line = (x: number) => height * (base - 0.26 * shape(index * 9 + x / 330) ** 1.4)
    return shaded(`<path d="${below(canvas, line, height)}"`, [
      [0, mix('#dfe8f4', '#f4f8fc', index)],
      [0.25, mix('#a9bdd6', '#b8c8de', index)],
      [0.7, '#d5e0ec'],
    ])
  })
  const slopes = [0.7, 0.8, 0.9].map((base, index) => {
    const hill = fractal(random, 3)
    const line = (x: number) => height * (base - 0.06 * hill(index * 7 + x / 420))
    const trees = index === 2 ? '' : snowy(canvas, line, height * lerp(0.08, 0.17, index), lerp(15, 40, index))
    return (
      trees +
      shaded(`<path d="${below(canvas, line, height + 2)}"`, [
        [0, '#f8fbff'],
        [0.4, '#dbe6f2'],
        [1, '#b4c6dc'],
      ])
    )
  })
  return [
    sky(canvas, [
      [0, '#7f9cc0'],
      [0.35, '#c2d0e2'],
      [0.6, '#f3e6e2'],
    ]),
    glow(width * 0.3, height * 0.3, width * 0.4, height * 0.3, '#ffe8d8', 0.8),
    ...peaks,
    ...slopes,
    flakes(canvas),
  ].join('')
}

function snowy(canvas: Canvas, line: (x: number) => number, tall: number, gap: number): string {
  const { width, random } = canvas
  let all = ''
  for (let x = 0; x < width; x += gap * between(random, 0.35, 1.9)) {
    const high = tall * between(random, 0.5, 1.1)
    const y = line(x) + 4
    all += `<path d="${spruce(random, x, y, high)}" fill="#2c4456"/><path d="${spruce(random, x - high * 0.025, y - high * 0.035, high * 0.93)}" fill="#eaf2fa" fill-opacity=".6"/>`
  }
  return all
}

function flakes({ width, height, random }: Canvas): string {
  let all = ''
  for (let index = 0; index < 420; index++) {
    const size = 0.7 + random() ** 5 * 5
    all += `<circle cx="${(random() * width).toFixed(0)}" cy="${(random() * height).toFixed(0)}" r="${size.toFixed(1)}" fill="#fff" fill-opacity="${(size > 3 ? 0.35 : between(random, 0.4, 0.95)).toFixed(2)}"/>`
  }
  return all
}
