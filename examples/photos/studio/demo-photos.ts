import { city } from './draw/city.ts'
import { dunes, mesas } from './draw/desert.ts'
import { lavender, poppies } from './draw/fields.ts'
import { autumnHills, balloonsAtDawn, teaHills } from './draw/hills.ts'
import type { Draw } from './draw/kit.ts'
import { aurora, volcano } from './draw/lakes.ts'
import { dawn, fjord, milkyNight, moonrise } from './draw/mountains.ts'
import type { Camera } from './draw/render.ts'
import { lighthouse, sunPath } from './draw/water.ts'
import { mist, snow } from './draw/woods.ts'

export interface DemoPhoto {
  draw: Draw
  seed: number
  size: readonly [width: number, height: number]
  by: string
  title: string
  caption: string
  tags: string[]
  camera: Camera
}

const landscape = [1200, 800] as const
const portrait = [900, 1200] as const
const square = [1000, 1000] as const
const wide = [1200, 640] as const

const fuji = { make: 'FUJIFILM', model: 'X-T5', lens: 'XF16-55mmF2.8 R LM WR' }
const nikon = { make: 'NIKON CORPORATION', model: 'NIKON Z 7II', lens: 'NIKKOR Z 24-70mm f/2.8 S' }
const sony = { make: 'SONY', model: 'ILCE-7RM5', lens: 'FE 16-35mm F2.8 GM II' }
const canon = { make: 'Canon', model: 'Canon EOS R5', lens: 'RF70-200mm F2.8 L IS USM' }
const leica = { make: 'Leica Camera AG', model: 'LEICA Q3', lens: 'SUMMILUX 1:1.7/28 ASPH.' }

const shot = (camera: typeof fuji, seconds: string, aperture: number, focal: number, iso: number): Camera => ({
  ...camera,
  seconds,
  aperture,
  focal,
  iso,
})

/** Newest first. */
export const demoPhotos: readonly DemoPhoto[] = [
  {
    draw: dawn,
    seed: 11,
    size: landscape,
    by: 'ada',
    title: 'Seven ridges before sunrise',
    caption: 'I counted them twice. The last one came out of the haze just as the light did.',
    tags: ['mountains', 'sunrise', 'mist'],
    camera: shot(fuji, '1/125', 8, 35, 160),
  },
  {
    draw: aurora,
    seed: 8,
    size: portrait,
    by: 'yuki',
    title: 'Northern lights over the lake',
    caption: 'Minus nineteen, no wind, and the ice humming. Eight seconds felt like an hour.',
    tags: ['aurora', 'night', 'lake'],
    camera: shot(sony, '8/1', 2.8, 16, 1600),
  },
  {
    draw: sunPath,
    seed: 5,
    size: landscape,
    by: 'leo',
    title: 'A path to the sun',
    caption: 'Last ferry, top deck, everyone silent for once.',
    tags: ['sea', 'sunset'],
    camera: shot(leica, '1/500', 5.6, 28, 100),
  },
  {
    draw: balloonsAtDawn,
    seed: 33,
    size: landscape,
    by: 'leo',
    title: 'Balloons at first light',
    caption: 'They lift off when the air is coldest. You hear the burners before you see anything.',
    tags: ['balloons', 'sunrise', 'hills'],
    camera: shot(leica, '1/640', 4, 28, 200),
  },
  {
    draw: mist,
    seed: 4,
    size: portrait,
    by: 'ada',
    title: 'Spruces in the mist',
    caption: 'Row behind row, until the forest is only an idea.',
    tags: ['forest', 'mist'],
    camera: shot(fuji, '1/60', 8, 55, 400),
  },
  {
    draw: city,
    seed: 6,
    size: landscape,
    by: 'nneka',
    title: 'Blue hour on the river',
    caption: 'Twenty minutes in which the sky and the windows are equally bright.',
    tags: ['city', 'night', 'blue-hour'],
    camera: shot(sony, '4/1', 8, 35, 100),
  },
  {
    draw: volcano,
    seed: 13,
    size: landscape,
    by: 'yuki',
    title: 'The mountain, twice',
    caption: 'A morning without wind is rare here. The lake had nothing else to do.',
    tags: ['mountains', 'lake', 'sunrise'],
    camera: shot(nikon, '1/30', 11, 50, 64),
  },
  {
    draw: dunes,
    seed: 3,
    size: landscape,
    by: 'nneka',
    title: 'Edges of the erg',
    caption: 'The wind redraws these lines every night. Mine were the only footprints.',
    tags: ['desert', 'dunes'],
    camera: shot(leica, '1/1000', 8, 28, 100),
  },
  {
    draw: lavender,
    seed: 10,
    size: landscape,
    by: 'leo',
    title: 'Lavender, the last week of June',
    caption: 'The bees go home at eight. Then it is quiet enough to hear the rows.',
    tags: ['lavender', 'fields', 'sunset'],
    camera: shot(canon, '1/80', 11, 70, 100),
  },
  {
    draw: lighthouse,
    seed: 12,
    size: portrait,
    by: 'tomasz',
    title: 'The keeper is a computer now',
    caption: 'But somebody still paints the stripes.',
    tags: ['lighthouse', 'sea', 'night'],
    camera: shot(nikon, '2/1', 5.6, 35, 400),
  },
  {
    draw: mesas,
    seed: 7,
    size: wide,
    by: 'nneka',
    title: 'Three mesas',
    caption: 'Scale is hard out here: the left one took two hours to walk around.',
    tags: ['desert', 'rock'],
    camera: shot(leica, '1/800', 8, 28, 100),
  },
  {
    draw: snow,
    seed: 9,
    size: landscape,
    by: 'yuki',
    title: 'First snow in the valley',
    caption: 'It began while we had breakfast and did not stop for four days.',
    tags: ['snow', 'winter', 'mountains'],
    camera: shot(nikon, '1/200', 5.6, 60, 200),
  },
  {
    draw: moonrise,
    seed: 21,
    size: portrait,
    by: 'tomasz',
    title: 'Moonrise above the pass',
    caption: 'Planned for a year, cloudy eleven times.',
    tags: ['moon', 'night', 'mountains'],
    camera: shot(canon, '1/8', 4, 200, 800),
  },
  {
    draw: poppies,
    seed: 15,
    size: square,
    by: 'leo',
    title: 'Poppies have no plan',
    caption: 'Nobody sowed them. That is the point.',
    tags: ['poppies', 'fields', 'summer'],
    camera: shot(canon, '1/1250', 3.2, 70, 100),
  },
  {
    draw: milkyNight,
    seed: 22,
    size: portrait,
    by: 'ada',
    title: 'Milky Way from the hut',
    caption: 'The generator went off at ten, and there it was.',
    tags: ['stars', 'night', 'mountains'],
    camera: shot(fuji, '15/1', 2.8, 16, 3200),
  },
  {
    draw: fjord,
    seed: 23,
    size: landscape,
    by: 'tomasz',
    title: 'Grey is a colour',
    caption: 'Six greys, to be exact.',
    tags: ['mountains', 'fjord', 'mist'],
    camera: shot(nikon, '1/160', 8, 48, 100),
  },
  {
    draw: autumnHills,
    seed: 32,
    size: landscape,
    by: 'ada',
    title: 'October all at once',
    caption: 'On Monday they were green.',
    tags: ['autumn', 'forest', 'hills'],
    camera: shot(fuji, '1/180', 8, 45, 160),
  },
  {
    draw: teaHills,
    seed: 31,
    size: square,
    by: 'nneka',
    title: 'Tea country',
    caption: 'Every line is somebody’s morning.',
    tags: ['tea', 'hills', 'fields'],
    camera: shot(sony, '1/320', 8, 35, 100),
  },
]
