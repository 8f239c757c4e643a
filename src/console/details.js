import { bytes, processesOf, short } from './drawing.js'

// What is known of the chosen box, and the buttons that act on its processes. Text only ever enters by textContent.

/** @param {import('./snapshot.ts').Snapshot} state */
export function details(state, name, act) {
  const block = state.blocks.find((each) => each.name === name)
  if (!block) return overview(state)
  return [heading(block), why(block), ...buttons(state, block, act), flows(block), figures(block), card(block)].filter(
    Boolean,
  )
}

/** Shown while no box is chosen: why each block is there. */
function overview({ blocks }) {
  const unmet = blocks.filter(({ expectations }) => expectations.some(({ met }) => met === false))
  const rows = blocks
    .filter(({ because }) => because)
    .map(({ name, because }) => [make('dt', {}, [make('a', { href: `#${name}` }, name)]), make('dd', {}, because)])
  return [
    make('h2', {}, 'Why each block is here'),
    make('p', { class: 'hint' }, 'Choose a box to see its job, what was expected of it and how it does.'),
    unmet.length > 0 &&
      make('p', { class: 'warn' }, `Not as expected now: ${unmet.map(({ name }) => name).join(', ')}`),
    make('dl', {}, rows.flat()),
  ].filter(Boolean)
}

function heading({ name, kind, driver, engine, engineFrom, health }) {
  const state = health === undefined ? '' : health.ok ? 'healthy' : (health.detail ?? 'not well')
  return make('header', {}, [
    make('h2', {}, name),
    make('p', { class: 'chips' }, [
      chip(kind),
      driver && driver !== 'local' && chip(driver),
      state && chip(state, health.ok ? 'good' : 'bad'),
    ]),
    engine && driver !== 'local' && make('p', { class: 'engine', title: `from ${engineFrom}` }, engine),
  ])
}

function chip(text, tone = '') {
  return make('span', { class: `chip ${tone}` }, text)
}

function why({ because, expectations }) {
  if (!because && expectations.length === 0) return undefined
  const rows = expectations.map(({ name, expected, measured, met }) =>
    make('tr', { class: met === undefined ? '' : met ? 'good' : 'bad' }, [
      make('th', {}, words(name)),
      make('td', {}, expected),
      make('td', {}, measured === undefined ? 'nothing measured yet' : value(name, measured)),
      make('td', {}, met === undefined ? '·' : met ? '✓' : '✗'),
    ]),
  )
  return make('section', {}, [
    make('h3', {}, 'Why it is here'),
    because && make('p', { class: 'because' }, because),
    rows.length > 0 &&
      make('table', {}, [
        make(
          'tr',
          {},
          ['', 'expected', 'measured', ''].map((text) => make('th', { scope: 'col' }, text)),
        ),
        ...rows,
      ]),
  ])
}

function buttons(state, block, act) {
  const processes = processesOf(state, block.name)
  const rows = processes.map(({ id, state: now, pid, restarts, lastError }) =>
    make('li', {}, [
      make('span', {}, [
        make('strong', {}, id),
        ` ${now}${pid ? `, pid ${pid}` : ''}${restarts ? `, restarted ${restarts}×` : ''}`,
        lastError && now !== 'ready' && make('small', {}, lastError),
      ]),
      make('span', { class: 'buttons' }, [
        button('kill -9', () => act('kill', { process: id })),
        now === 'paused'
          ? button('resume', () => act('resume', { process: id }))
          : button('pause', () => act('pause', { process: id })),
        processes.length > 1 && button('remove', () => act('remove', { process: id })),
      ]),
    ]),
  )
  const more =
    processes.length > 0 && block.kind !== 'edge'
      ? [button(`start one more ${block.name}`, () => act('add', { block: block.name }))]
      : []
  const lists =
    processes.length > 0
      ? [make('section', {}, [make('h3', {}, 'Processes'), make('ul', { class: 'list' }, rows), ...more])]
      : []
  return block.kind === 'database' && state.members.length > 0 ? [...lists, members(state, act)] : lists
}

function members(state, act) {
  const rows = state.members.map(({ name, role, healthy, pid, lagSeconds }) =>
    make('li', {}, [
      make('span', {}, [
        make('strong', {}, name),
        ` ${role}${healthy ? '' : ', not healthy'}${pid ? `, pid ${pid}` : ''}${lagSeconds ? `, held ${lagSeconds} s behind` : ''}`,
      ]),
      role === 'replica' &&
        make('span', { class: 'buttons' }, [
          button('lag 5 s', () => act('lag', { member: name, seconds: 5 })),
          button('no lag', () => act('lag', { member: name, seconds: 0 })),
          button('promote', () => act('promote', { member: name })),
        ]),
    ]),
  )
  return make('section', {}, [make('h3', {}, 'Cluster'), make('ul', { class: 'list' }, rows)])
}

function flows({ flows: all }) {
  if (all.length === 0) return undefined
  const sorted = all.toSorted((a, b) => b.perSecond - a.perSecond).slice(0, 8)
  const rows = sorted.map(({ operation, perSecond, errorsPerSecond, meanMs }) =>
    make('tr', {}, [
      make('th', {}, operation),
      make('td', {}, `${short(perSecond)}/s`),
      make('td', {}, `${meanMs.toFixed(1)} ms`),
      make(
        'td',
        { class: errorsPerSecond > 0 ? 'bad' : '' },
        errorsPerSecond > 0 ? `${short(errorsPerSecond)} errors/s` : '',
      ),
    ]),
  )
  return make('section', {}, [make('h3', {}, 'What flows'), make('table', {}, rows)])
}

function figures({ stats }) {
  const rows = Object.entries(stats).map(([name, number]) =>
    make('tr', {}, [make('th', {}, words(name)), make('td', {}, value(name, number))]),
  )
  return rows.length > 0 && make('section', {}, [make('h3', {}, 'Figures'), make('table', {}, rows)])
}

function card({ card: { job, reachFor, costs, alternative } }) {
  const parts = [
    ['Its job', job],
    ['When to reach for it', reachFor],
    ['What it costs', costs],
    ['The alternative', alternative],
  ]
  return make('section', { class: 'card' }, [
    make('h3', {}, 'About this kind of block'),
    make(
      'dl',
      {},
      parts.flatMap(([title, text]) => [make('dt', {}, title), make('dd', {}, text)]),
    ),
  ])
}

/** `oldestAgeMs` → `oldest age`. */
function words(name) {
  return name
    .replace(/Ms$|Bytes$/, '')
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase()
}

function value(name, number) {
  if (/rate$/i.test(name)) return `${Math.round(number * 100)} %`
  if (/ms$/i.test(name)) return number >= 10_000 ? `${(number / 1000).toFixed(1)} s` : `${Math.round(number)} ms`
  return /bytes$/i.test(name) ? bytes(number) : short(number)
}

function button(text, act) {
  const made = make('button', { type: 'button' }, text)
  made.addEventListener('click', act)
  return made
}

export function make(name, attributes, content = []) {
  const made = document.createElement(name)
  for (const [key, each] of Object.entries(attributes)) made.setAttribute(key, each)
  made.append(...[content].flat().filter((each) => each !== undefined && each !== false && each !== ''))
  return made
}
