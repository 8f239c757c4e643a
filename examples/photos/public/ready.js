import { ask, Refused } from './ask.js'

const deadlineMs = 120_000
const unseenMs = 10_000

/** Waits until a photo's sizes are made; answers the photo. Throws Refused with the reason why it has none. */
export async function untilReady(id) {
  const begun = Date.now()
  for (let pauseMs = 500; Date.now() - begun < deadlineMs; pauseMs = Math.min(3000, pauseMs * 1.3)) {
    const photo = await look(id, begun)
    if (photo?.state === 'ready') return photo
    if (photo?.state === 'failed') throw new Refused(422, photo.problem ?? 'The photo could not be prepared.')
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw new Refused(504, 'This takes longer than usual. The photo’s page will show it once it is ready.')
}

/** A photo that was published this moment may not be where this was read: that is no answer yet. */
async function look(id, begun) {
  try {
    return await ask('GET', `/api/photos/${id}`)
  } catch (error) {
    if (error.status === 404 && Date.now() - begun < unseenMs) return undefined
    throw error
  }
}
