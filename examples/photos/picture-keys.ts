import { createHash } from 'node:crypto'
import { shutter } from './blueprint.ts'

const prefixOf = (photo: string) => `img/${photo}/`

/** A name that says what is in it, so that it can be kept for ever by whoever has it. */
export function pictureKey(photo: string, width: number, data: Uint8Array): string {
  const hash = createHash('sha256').update(data).digest('base64url').slice(0, 16)
  return `${prefixOf(photo)}${width}-${hash}.webp`
}

/** Takes away every size of a photo that is gone, whether its row ever named it or not: these keys are for everyone. */
export async function removePictures(photo: string): Promise<void> {
  const { photos } = shutter.blocks
  const { objects } = await photos.list({ prefix: prefixOf(photo) })
  await photos.delete(objects.map(({ key }) => key))
}
