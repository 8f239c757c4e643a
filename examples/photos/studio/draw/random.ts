/** Numbers from 0 to 1 that follow from a seed: the same pictures on every machine. */
export type Random = () => number

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const between = (random: Random, low: number, high: number) => low + (high - low) * random()

export const lerp = (a: number, b: number, part: number) => a + (b - a) * part

/** A smooth random line: `f(x)` wanders between -1 and 1, once per unit of x. */
export function wave(random: Random): (x: number) => number {
  const values = Array.from({ length: 256 }, () => random() * 2 - 1)
  return (x) => {
    const left = Math.floor(x)
    const part = x - left
    const eased = part * part * (3 - 2 * part)
    return lerp(values[left & 255]!, values[(left + 1) & 255]!, eased)
  }
}

/** Waves upon waves, each twice as fine and `fade` as high. */
export function fractal(random: Random, octaves: number, fade = 0.5): (x: number) => number {
  const waves = Array.from({ length: octaves }, () => wave(random))
  const whole = waves.reduce((sum, _, index) => sum + fade ** index, 0)
  return (x) => waves.reduce((sum, each, index) => sum + each(x * 2 ** index) * fade ** index, 0) / whole
}

/** As `fractal`, but with edges where it would turn: mountains. From 0 to 1. */
export function ridged(random: Random, octaves: number, fade = 0.5): (x: number) => number {
  const waves = Array.from({ length: octaves }, () => wave(random))
  const whole = waves.reduce((sum, _, index) => sum + fade ** index, 0)
  return (x) =>
    waves.reduce((sum, each, index) => sum + (1 - Math.abs(each(x * 2 ** index)) * 2) * fade ** index, 0) / whole / 2 +
    0.5
}
