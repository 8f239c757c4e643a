// The drawing of the service: boxes where the blueprint has blocks, arrows where something flows. Built anew only when the
// structure changes; figures are written into what is there, so that the keyboard's focus stays.

const namespace = 'http://www.w3.org/2000/svg'
const box = { width: 178, height: 58, gap: 16 }
const wide = { client: 0, edge: 150, tier: 400, data: 690 }
const narrow = { client: 0, edge: 0, tier: 0, data: 236 }
const stateKinds = ['sessions', 'cache', 'database', 'search', 'bucket']
const messageKinds = ['queue', 'topic', 'stream']
const guardKinds = ['limiter', 'discovery']
const tierRow = 26

/**
 * Where each box stands: from left to right clients, edge, apps and workers, data. On a narrow screen the first three stand
 * in one column beside the data.
 * @param {import('./snapshot.ts').Snapshot} state
 */
export function layout(state, isNarrow = false) {
  const columns = isNarrow ? narrow : wide
  const of = (...kinds) => state.blocks.filter(({ kind }) => kinds.includes(kind))
  const boxes = new Map()
  const dataHeight = stackBoxes(
    boxes,
    state,
    [...stateKinds, ...messageKinds].flatMap((kind) => of(kind)),
    columns.data,
    0,
  )
  const place = { state, boxes }
  const clientSize = { width: 72, height: 72 }
  if (isNarrow) {
    const tiers = [...of('edge'), ...of('app'), ...of('worker'), ...of(...guardKinds)]
    const height = stackBoxes(boxes, state, tiers, 0, clientSize.height + 28, 28)
    return {
      boxes,
      height: Math.max(dataHeight, height),
      width: columns.data + box.width,
      client: { x: (box.width - 72) / 2, y: 0, ...clientSize },
    }
  }
  const total = Math.max(dataHeight, 460)
  centre(place, of('app'), columns.tier, total * 0.26)
  centre(place, of('worker'), columns.tier, total * 0.76)
  centre(place, of('edge'), columns.edge, total * 0.26)
  centre(place, of(...guardKinds), columns.edge, total * 0.7)
  return {
    boxes,
    height: total,
    width: columns.data + box.width,
    client: { x: columns.client, y: total * 0.26 - 36, ...clientSize },
  }
}

/** Boxes below one another; answers where the last one ends. */
function stackBoxes(boxes, state, blocks, x, top, gap = box.gap) {
  let y = top
  blocks.forEach((block, index) => {
    if (block.kind === 'queue' && blocks[index - 1]?.kind !== 'queue') y += gap
    const height = heightOf(state, block)
    boxes.set(block.name, { ...block, x, y, width: box.width, height })
    y += height + gap
  })
  return y - gap
}

function centre({ state, boxes }, blocks, x, middle) {
  const height = blocks.reduce((sum, block) => sum + heightOf(state, block) + box.gap, -box.gap)
  stackBoxes(boxes, state, blocks, x, middle - height / 2)
}

function heightOf(state, block) {
  const rows = block.kind === 'database' ? state.members.length : processesOf(state, block.name).length
  return box.height + tierRow * rows
}

export function processesOf(state, block) {
  return state.processes.filter((process) => process.block === block)
}

/** Which arrows there are, and what flows along them: operations per second. */
export function arrows(state) {
  const found = []
  const flow = (block, operations) =>
    block.flows
      .filter(({ operation }) => !operations || operations.test(operation))
      .reduce((sum, { perSecond }) => sum + perSecond, 0)
  const kinds = (...names) => state.blocks.filter(({ kind }) => names.includes(kind))
  for (const edge of kinds('edge')) {
    found.push({ from: 'client', to: edge.name, rate: flow(edge) })
    for (const name of edge.leadsTo) {
      const target = state.blocks.find((block) => block.name === name)
      if (target)
        found.push({ from: edge.name, to: name, rate: target.kind === 'app' ? flow(target) : flow(target, /get|head/) })
    }
    for (const guard of kinds(...guardKinds))
      found.push({ from: edge.name, to: guard.name, rate: flow(guard), quiet: true })
  }
  for (const app of kinds('app'))
    for (const block of kinds(...stateKinds)) found.push({ from: app.name, to: block.name, rate: flow(block) })
  for (const app of kinds('app'))
    for (const block of kinds(...messageKinds))
      found.push({ from: app.name, to: block.name, rate: flow(block, /send|publish|append/) })
  for (const worker of kinds('worker'))
    for (const block of kinds(...messageKinds))
      found.push({ from: block.name, to: worker.name, rate: flow(block, /handle|receive|consume|deliver|process/) })
  return found
}

/** Draws into `into`; calls back with the name of the box that was chosen. */
export class Drawing {
  #into
  #onSelect
  #signature = ''
  #writers = []

  constructor(into, onSelect) {
    this.#into = into
    this.#onSelect = onSelect
  }

  show(state, selected) {
    const isNarrow = matchMedia('(max-width: 44rem)').matches
    const signature = JSON.stringify([
      isNarrow,
      state.blocks.map(({ name }) => name),
      state.processes.map(({ id }) => id),
      state.members.map(({ name }) => name),
    ])
    if (signature !== this.#signature) this.#build(state, isNarrow)
    this.#signature = signature
    for (const write of this.#writers) write(state, selected)
  }

  #build(state, isNarrow) {
    const plan = layout(state, isNarrow)
    const svg = element('svg', {
      viewBox: `-12 -12 ${plan.width + 24} ${plan.height + 24}`,
      role: 'group',
      'aria-label': 'The running service',
    })
    this.#writers = []
    const spots = new Map([...plan.boxes, ['client', plan.client]])
    arrows(state).forEach((arrow, index) => this.#arrow(svg, arrow, index, spots))
    svg.append(clientBox(plan.client))
    for (const spot of plan.boxes.values()) svg.append(this.#box(spot))
    this.#into.replaceChildren(svg)
  }

  #arrow(svg, { from, to, quiet }, index, spots) {
    const [start, end] = [spots.get(from), spots.get(to)]
    if (!start || !end) return
    const line = element('path', { class: quiet ? 'arrow quiet' : 'arrow', d: curve(start, end) })
    const moving = element('path', { class: 'flow', d: curve(start, end) })
    svg.append(line, moving)
    this.#writers.push((state, selected) => {
      const rate = arrows(state)[index]?.rate ?? 0
      moving.style.setProperty('--speed', `${rate > 0 ? Math.max(0.5, 2.4 - Math.log10(rate + 1)) : 0}s`)
      moving.classList.toggle('on', rate > 0)
      line.classList.toggle('near', selected === from || selected === to)
    })
  }

  #box(spot) {
    const group = element('g', {
      class: `box ${spot.kind}`,
      tabindex: 0,
      role: 'button',
      transform: `translate(${spot.x} ${spot.y})`,
    })
    const title = element('text', { class: 'title', x: 30, y: 25 }, spot.name)
    const figure = element('text', { class: 'figure', x: 30, y: 43 })
    const rate = element('text', { class: 'rate', x: spot.width - 12, y: 25, 'text-anchor': 'end' })
    const dot = element('circle', { class: 'dot', cx: 16, cy: 21, r: 4 })
    group.append(element('rect', { width: spot.width, height: spot.height, rx: 10 }), dot, title, figure, rate)
    const rows = element('g', { class: 'rows' })
    group.append(rows)
    const choose = () => this.#onSelect(spot.name)
    group.addEventListener('click', choose)
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      choose()
    })
    this.#writers.push((state, selected) => writeBox({ group, figure, rate, rows }, state, spot.name, selected))
    return group
  }
}

function writeBox({ group, figure, rate, rows }, state, name, selected) {
  const block = state.blocks.find((each) => each.name === name)
  const perSecond = block.flows.reduce((sum, flow) => sum + flow.perSecond, 0)
  group.classList.toggle('selected', name === selected)
  group.classList.toggle('unwell', isUnwell(state, block))
  group.classList.toggle(
    'unmet',
    block.expectations.some(({ met }) => met === false),
  )
  group.setAttribute('aria-pressed', String(name === selected))
  group.setAttribute('aria-label', `${name}, ${block.kind}, ${headline(state, block)}`)
  figure.textContent = headline(state, block)
  rate.textContent = perSecond >= 0.05 ? `${short(perSecond)}/s` : ''
  rows.replaceChildren(...rowsOf(state, block).map((row, index) => rowElement(row, index)))
}

function isUnwell(state, block) {
  const own = processesOf(state, block.name)
  return block.health?.ok === false || (own.length > 0 && own.every(({ state: now }) => now !== 'ready'))
}

function rowsOf(state, block) {
  if (block.kind === 'database')
    return state.members.map(({ name, role, healthy, lagSeconds }) => ({
      text: lagSeconds ? `${name} ${role}, ${lagSeconds} s behind` : `${name} ${role}`,
      ok: healthy,
    }))
  return processesOf(state, block.name).map(({ id, state: now, pid }) => ({
    text: `${id} ${now === 'ready' ? `pid ${pid}` : now}`,
    ok: now === 'ready',
  }))
}

function rowElement({ text, ok }, index) {
  const y = box.height - 2 + index * tierRow
  const group = element('g', { class: ok ? 'row' : 'row bad', transform: `translate(12 ${y})` })
  group.append(
    element('rect', { width: box.width - 24, height: tierRow - 6, rx: 5 }),
    element('circle', { class: 'dot', cx: 10, cy: 10, r: 3 }),
    element('text', { x: 20, y: 14 }, text),
  )
  return group
}

/** The one figure that tells most about a block. */
export function headline(state, { kind, stats, driver, health }) {
  if (health?.ok === false) return health.detail ?? 'not well'
  const has = (name) => stats[name] !== undefined
  const by = {
    queue: () => has('ready') && `${short(stats.ready)} waiting${stats.dead ? `, ${short(stats.dead)} dead` : ''}`,
    topic: () => has('pending') && `${short(stats.pending)} pending`,
    stream: () => has('lag') && `${short(stats.lag)} behind`,
    cache: () => has('hitRate') && `${Math.round(stats.hitRate * 100)} % hits`,
    edge: () => has('hitRate') && `${Math.round(stats.hitRate * 100)} % from cache`,
    database: () => has('lagMs') && `replica ${Math.round(stats.lagMs)} ms behind`,
    bucket: () => has('objects') && `${short(stats.objects)} objects, ${bytes(stats.bytes)}`,
    search: () => has('documents') && `${short(stats.documents)} documents`,
    sessions: () => has('live') && `${short(stats.live)} live`,
    limiter: () => has('keys') && `${short(stats.keys)} keys`,
    discovery: () => has('instances') && `${short(stats.instances)} instances`,
    app: () => 'stateless',
    worker: () => 'background work',
  }
  return (by[kind]?.() || driver) ?? kind
}

export function short(number) {
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)}M`
  if (number >= 1e4) return `${Math.round(number / 1e3)}k`
  return number >= 10 || Number.isInteger(number) ? String(Math.round(number)) : number.toFixed(1)
}

export function bytes(number = 0) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, number > 0 ? Math.floor(Math.log2(number) / 10) : 0)
  return `${(number / 1024 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`
}

function clientBox({ x, y, width, height }) {
  const group = element('g', { class: 'client', transform: `translate(${x} ${y})` })
  group.append(
    element('rect', { width, height, rx: 36 }),
    element('text', { x: width / 2, y: height / 2 + 5, 'text-anchor': 'middle' }, 'clients'),
  )
  return group
}

/** From the side of one box to the facing side of the other. */
function curve(from, to) {
  const forward = to.x >= from.x + from.width
  const below = Math.abs(to.x + to.width / 2 - from.x - from.width / 2) < 1
  if (below) return `M ${from.x + from.width / 2} ${from.y + from.height} L ${to.x + to.width / 2} ${to.y}`
  const [x1, x2] = forward ? [from.x + from.width, to.x] : [from.x, to.x + to.width]
  const [y1, y2] = [from.y + from.height / 2, to.y + Math.min(to.height / 2, 29)]
  const bend = (x2 - x1) / 2
  return `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}

function element(name, attributes = {}, text = '') {
  const made = document.createElementNS(namespace, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  if (text) made.textContent = text
  return made
}
