// A photo's own page: like, wait for the photo, delete.
import { ask } from './ask.js'
import { untilReady } from './ready.js'

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

for (const button of document.querySelectorAll('button.like')) button.addEventListener('click', () => like(button))
for (const place of document.querySelectorAll('[data-state="preparing"]')) void wait(place)
for (const button of document.querySelectorAll('[data-remove]')) button.addEventListener('click', () => remove(button))

async function like(button) {
  const isLiked = button.ariaPressed === 'true'
  button.ariaPressed = String(!isLiked)
  try {
    const { likes, liked } = await ask(isLiked ? 'DELETE' : 'PUT', `/api/photos/${button.dataset.photo}/like`)
    button.ariaPressed = String(liked)
    button.querySelector('.count').textContent = compact.format(likes)
  } catch (error) {
    button.ariaPressed = String(isLiked)
    button.title = error.message
  }
}

async function wait(place) {
  try {
    await untilReady(place.dataset.photo)
    location.reload()
  } catch (error) {
    place.textContent = error.message
  }
}

async function remove(button) {
  button.disabled = true
  try {
    await ask('DELETE', `/api/photos/${button.dataset.remove}`)
    location.assign('/')
  } catch (error) {
    button.disabled = false
    button.nextElementSibling.textContent = error.message
  }
}
