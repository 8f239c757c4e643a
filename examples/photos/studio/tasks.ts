import { demoMembers } from './demo-members.ts'
import { demoPhotos } from './demo-photos.ts'
import { photograph, portrait } from './draw/render.ts'
import { prepare } from './prepare.ts'

/** What the studio can do. Arguments and answers travel between processes. */
export const tasks = {
  prepare,
  /** A demo photo, as JPEG. */
  drawPhoto: (index: number, artist: string, takenAt: Date): Promise<Uint8Array> => {
    const { draw, seed, camera, size } = demoPhotos[index]!
    return photograph({ draw, seed, width: size[0], height: size[1] }, { camera, artist, takenAt })
  },
  /** A demo member's picture, as WebP. */
  drawPortrait: (index: number): Promise<Uint8Array> =>
    portrait({ draw: demoMembers[index]!.portrait, seed: index, width: 320, height: 320 }),
}

export type Tasks = typeof tasks

export interface Request {
  id: number
  task: keyof Tasks
  args: unknown[]
}

export interface Reply {
  id: number
  result?: unknown
  error?: string
}
