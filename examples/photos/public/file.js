import { ask } from './ask.js'
import { untilReady } from './ready.js'
import { send } from './send.js'

const types = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/avif'])
const maxBytes = 25 * 1024 * 1024

/** One file on its way to become a photo: its form, its progress, and what went wrong. */
export class FileForm {
  #file
  #upload
  /** 'waiting' to be published, 'under way', 'done', or 'unusable'. */
  state = 'waiting'

  constructor(file, template) {
    this.#file = file
    this.element = template.content.firstElementChild.cloneNode(true)
    const preview = this.#find('.preview img')
    preview.src = URL.createObjectURL(file)
    preview.addEventListener('error', () => preview.remove())
    this.#find('[name=title]').value = titleOf(file.name)
    this.#tell(`${(file.size / 1e6).toFixed(1)} MB`)
    const problem = problemOf(file)
    if (problem) this.#ruleOut(`${file.name}: ${problem}`)
  }

  /** Uploads and publishes, once; again after a refusal, without what has been done already. */
  async publish() {
    if (this.state !== 'waiting') return
    this.state = 'under way'
    this.#clear()
    try {
      this.#upload ??= await this.#send()
      const photo = await ask('POST', '/api/photos', { upload: this.#upload, ...this.#values() })
      this.#tell('Being prepared…')
      this.#done(await untilReady(photo.id))
    } catch (error) {
      this.state = 'waiting'
      this.#refuse(error)
    }
  }

  #send() {
    const progress = this.#find('progress')
    progress.hidden = false
    this.#tell('Uploading…')
    return send(this.#file, (share) => (progress.value = share))
  }

  #values() {
    const entries = ['title', 'caption', 'tags'].map((name) => [name, this.#find(`[name=${name}]`).value])
    return Object.fromEntries(entries)
  }

  #done({ url, sizes }) {
    this.state = 'done'
    this.#find('progress').hidden = true
    this.#find('.preview').replaceChildren(Object.assign(new Image(), { src: sizes[0].url, alt: this.#values().title }))
    const link = Object.assign(document.createElement('a'), { href: url, textContent: 'See it on its page' })
    this.#find('.status').replaceChildren('Published. ', link)
    for (const input of this.element.querySelectorAll('input, textarea')) input.disabled = true
    this.#find('.drop-file').hidden = true
  }

  #ruleOut(problem) {
    this.state = 'unusable'
    this.element.classList.add('unusable')
    this.#refuse({ message: problem })
  }

  #refuse({ message, problems = {} }) {
    this.#find('progress').hidden = true
    this.#tell('')
    for (const [name, problem] of Object.entries(problems)) this.#mark(name, problem)
    if (!Object.keys(problems).some((name) => this.#place(name))) this.#mark('', message)
  }

  #mark(name, problem) {
    const place = this.#place(name)
    if (place) place.textContent = problem
    this.element.querySelector(`[name="${name}"]`)?.setAttribute('aria-invalid', 'true')
  }

  #clear() {
    for (const place of this.element.querySelectorAll('[data-problem]')) place.textContent = ''
    for (const input of this.element.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid')
  }

  #place = (name) => this.element.querySelector(`[data-problem="${name}"]`)
  #find = (selector) => this.element.querySelector(selector)
  #tell = (text) => (this.#find('.status').textContent = text)
}

/** What the site would refuse anyway is said before anything is sent. */
function problemOf({ type, size }) {
  if (!types.has(type)) return 'This is no JPEG, PNG, WebP or AVIF file.'
  if (size > maxBytes) return `This file has ${(size / 1e6).toFixed(0)} MB; at most 25 MB fit.`
  return undefined
}

/** `IMG_blue-hour.jpg` becomes `Blue hour`. */
function titleOf(name) {
  const words = name
    .replace(/\.\w+$/, '')
    .replace(/^(IMG|DSC|DSCF|PXL)[_-]/i, '')
    .replace(/[-_]+/g, ' ')
    .trim()
  return (words.charAt(0).toUpperCase() + words.slice(1)).slice(0, 120)
}
