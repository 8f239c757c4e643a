const pauseMs = 120
const most = 8

/** Suggests titles under a search field: the combobox pattern, with arrows, Enter and Escape. */
export function complete(input) {
  const list = document.createElement('ul')
  Object.assign(list, { id: 'titles', role: 'listbox', hidden: true })
  list.setAttribute('aria-label', 'Suggestions')
  input.after(list)
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-controls': list.id,
  }))
    input.setAttribute(name, value)
  show([])

  let asked = new AbortController()
  let timer = 0

  input.addEventListener('input', () => {
    asked.abort()
    asked = new AbortController()
    clearTimeout(timer)
    timer = setTimeout(ask, pauseMs, input.value.trim(), asked.signal)
  })
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && !list.hidden) move(step)
    else if (event.key === 'Escape' && !list.hidden) show([])
    else return
    event.preventDefault()
  })
  input.addEventListener('blur', () => {
    asked.abort()
    clearTimeout(timer)
    show([])
  })
  // The press, not the click: before the field loses the focus and the list is gone.
  list.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    if (event.target.role !== 'option') return
    input.value = event.target.textContent
    input.form.requestSubmit()
  })

  async function ask(words, signal) {
    if (!words) return show([])
    try {
      const response = await fetch(`/api/complete?q=${encodeURIComponent(words)}`, { signal })
      show(response.ok ? (await response.json()).titles.slice(0, most) : [])
    } catch {
      if (!signal.aborted) show([]) // a search without suggestions is a search
    }
  }

  function show(titles) {
    list.replaceChildren(...titles.map(option))
    list.hidden = titles.length === 0
    input.setAttribute('aria-expanded', String(!list.hidden))
    input.removeAttribute('aria-activedescendant')
  }

  function move(step) {
    const options = [...list.children]
    const now = options.findIndex((each) => each.ariaSelected === 'true')
    const next = options.at((now + step + (now < 0 && step < 0 ? 1 : 0)) % options.length)
    for (const each of options) each.ariaSelected = String(each === next)
    input.setAttribute('aria-activedescendant', next.id)
    input.value = next.textContent
  }
}

function option(title, index) {
  const item = document.createElement('li')
  Object.assign(item, { id: `title-${index}`, role: 'option', textContent: title, ariaSelected: 'false' })
  return item
}
