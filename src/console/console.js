import { details, make } from './details.js'
import { Drawing } from './drawing.js'

const at = (id) => document.getElementById(id)
let state
let selected = location.hash.slice(1)
let shown = ''

const drawing = new Drawing(at('drawing'), choose)

function choose(name) {
  selected = name
  history.replaceState(null, '', `#${name}`)
  show()
  at('details').scrollTo({ top: 0 })
  if (matchMedia('(max-width: 60rem)').matches) at('details').scrollIntoView({ behavior: 'smooth' })
}

function show() {
  if (!state) return
  at('service').textContent = state.service
  document.title = `${state.service} · console`
  const links = Object.entries(state.addresses).filter(([name]) => name !== 'console')
  at('addresses').replaceChildren(
    ...links.map(([name, url]) =>
      make('a', { href: url, target: '_blank', rel: 'noreferrer' }, name === 'edge' ? 'site' : name),
    ),
  )
  drawing.show(state, selected)
  showDetails()
  at('troubles').replaceChildren(...troubles())
}

/** Written only when something changed, so that a button is not replaced under the finger. */
function showDetails() {
  const block = state.blocks.find(({ name }) => name === selected)
  const now = JSON.stringify([selected, block, state.processes, state.members])
  if (now === shown) return
  const focused = document.activeElement?.textContent
  const inside = at('details').contains(document.activeElement)
  shown = now
  at('details').replaceChildren(...details(state, selected, act))
  if (inside) [...at('details').querySelectorAll('button')].find(({ textContent }) => textContent === focused)?.focus()
}

function troubles() {
  if (state.troubles.length === 0)
    return [
      make('h2', {}, 'No troubles'),
      make('p', { class: 'hint' }, 'Warnings and errors of all processes show here.'),
    ]
  const rows = state.troubles.map(({ at: when, process, level, text }) =>
    make('li', { class: level }, [
      make('time', {}, when.slice(11, 19)),
      make('strong', {}, process),
      make('span', {}, text),
    ]),
  )
  return [make('h2', {}, 'Troubles'), make('ul', { class: 'list' }, rows)]
}

async function act(name, wanted) {
  const answer = await fetch(`/actions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wanted),
  })
  const { said, error } = await answer.json().catch(() => ({ error: 'no answer' }))
  tell(said ?? error, answer.ok)
}

let hiding
function tell(text, good) {
  const said = at('said')
  said.textContent = text
  said.className = good ? 'good' : 'bad'
  said.hidden = false
  clearTimeout(hiding)
  hiding = setTimeout(() => (said.hidden = true), 5000)
}

addEventListener('hashchange', () => {
  selected = location.hash.slice(1)
  show()
})

const events = new EventSource('/events')
events.addEventListener('message', ({ data }) => {
  state = JSON.parse(data)
  at('link').textContent = 'live'
  at('link').className = 'good'
  show()
})
events.addEventListener('error', () => {
  at('link').textContent = 'no connection: is the service still running?'
  at('link').className = 'bad'
})
