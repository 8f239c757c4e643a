import { ask, Refused } from './ask.js'

/** Sends a file straight to the bucket by a link that allows this one upload; answers the upload's id. Throws Refused. */
export async function send(file, onProgress) {
  const { name, type, size } = file
  const { id, url, headers } = await ask('POST', '/api/uploads', { name, type, bytes: size })
  await put(url, headers, file, onProgress)
  return id
}

/** XMLHttpRequest, since it alone tells how much of a body has left. */
function put(url, headers, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total))
    request.addEventListener('load', () => (request.status < 300 ? resolve() : reject(refused(request.status))))
    request.addEventListener('error', () => reject(new Refused(0, 'The connection broke. Publish again to retry.')))
    request.send(file)
  })
}

function refused(status) {
  if (status === 413) return new Refused(status, 'The file is too large.')
  return new Refused(status, `The file was not taken (error ${status}). Publish again to retry.`)
}
