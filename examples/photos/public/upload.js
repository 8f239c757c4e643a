// The upload page: files are chosen or dropped, named, and published one after the other.
import { FileForm } from './file.js'

const form = document.querySelector('.uploading')
const template = document.querySelector('#file')
const drop = form.querySelector('.drop')
const list = form.querySelector('.files')
const foot = form.querySelector('.send')
const summary = form.querySelector('.summary')
const button = foot.querySelector('button')
const files = new Set()

drop.querySelector('input').addEventListener('change', ({ target }) => {
  add(target.files)
  target.value = '' // so that the same file can be chosen again
})
for (const type of ['dragover', 'dragleave', 'drop'])
  document.addEventListener(type, (event) => {
    event.preventDefault()
    drop.classList.toggle('over-it', type === 'dragover')
    if (type === 'drop') add(event.dataTransfer.files)
  })
form.addEventListener('submit', (event) => {
  event.preventDefault()
  void publish()
})
addEventListener('beforeunload', (event) => {
  if ([...files].some(({ state }) => state === 'under way')) event.preventDefault()
})

function add(chosen) {
  for (const each of chosen) {
    const file = new FileForm(each, template)
    files.add(file)
    file.element.querySelector('.drop-file').addEventListener('click', () => leaveOut(file))
    list.append(file.element)
  }
  show()
}

function leaveOut(file) {
  if (file.state === 'under way' || file.state === 'done') return
  files.delete(file)
  file.element.remove()
  show()
}

async function publish() {
  button.disabled = true
  for (const file of files) await file.publish()
  button.disabled = false
  show()
}

function show() {
  const inState = (wanted) => [...files].filter(({ state }) => state === wanted).length
  const waiting = inState('waiting')
  const done = inState('done')
  foot.hidden = done + waiting === 0
  button.hidden = waiting === 0
  button.textContent = waiting === 1 ? 'Publish 1 photo' : `Publish ${waiting} photos`
  summary.textContent = done === 0 ? '' : `${done} of ${done + waiting} published.`
}
