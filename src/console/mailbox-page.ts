/** A mail as the page shows it. */
export interface Mail {
  id: string
  at: string
  from: string
  to: string
  subject: string
  text: string
  html: string | undefined
}

const style = `
  :root { color-scheme: light dark; --line: light-dark(#e4e2dd, #34332f); --dim: light-dark(#6d6a63, #a3a097); --back: light-dark(#faf9f7, #191816); --front: light-dark(#fff, #22211e) }
  * { box-sizing: border-box }
  body { margin: 0; font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; background: var(--back) }
  main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem }
  h1 { font-size: 1.3rem; margin: 0 0 .25rem } p { margin: 0 0 1rem } .dim { color: var(--dim) }
  ul { list-style: none; margin: 1.5rem 0; padding: 0; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; background: var(--front) }
  li + li { border-top: 1px solid var(--line) }
  li a { display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; padding: .8rem 1.1rem; color: inherit; text-decoration: none }
  li a:hover, li a:focus-visible { background: light-dark(#f3f1ec, #2a2925); outline: none }
  li small { color: var(--dim) } li strong { overflow: hidden; text-overflow: ellipsis }
  pre, iframe { width: 100%; border: 1px solid var(--line); border-radius: 12px; background: #fff; color: #222; padding: 1.2rem; white-space: pre-wrap; font: inherit }
  iframe { min-height: 60vh; padding: 0 } .empty { padding: 2rem; text-align: center }`

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${style}</style><main>${body}</main></html>`
}

/** The list, newest first. */
export function mailboxPage(mails: readonly Mail[]): string {
  const rows = mails.map(
    ({ id, subject, to, at }) =>
      `<li><a href="/${id}"><strong>${escape(subject)}</strong><small>${time(at)}</small><small>to ${escape(to)}</small></a></li>`,
  )
  const list =
    rows.length > 0
      ? `<ul>${rows.join('')}</ul>`
      : '<ul><li class="empty dim">No mail yet. Sign up on the site, and the welcome mail arrives here.</li></ul>'
  return page(
    'Mailbox',
    `<h1>Mailbox</h1><p class="dim">What the service would have sent by e-mail. In development nothing leaves this machine.</p>${list}`,
  )
}

/** One mail. HTML is shown in a sandbox: it runs nothing and cannot reach this page. */
export function mailPage({ subject, from, to, at, text, html }: Mail): string {
  const body = html ? `<iframe sandbox srcdoc="${escape(html)}" title="mail"></iframe>` : `<pre>${linked(text)}</pre>`
  return page(
    subject,
    `<p><a href="/">← all mails</a></p><h1>${escape(subject)}</h1><p class="dim">from ${escape(from)} to ${escape(to)}, ${time(at)}</p>${body}`,
  )
}

/** Text in which addresses can be followed, as mail programs show it. */
function linked(text: string): string {
  const pieces = text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/)
  return pieces
    .map((piece, index) =>
      index % 2 ? `<a href="${escape(piece)}" rel="noreferrer">${escape(piece)}</a>` : escape(piece),
    )
    .join('')
}

function time(at: string): string {
  return `<time datetime="${at}">${at.slice(0, 16).replace('T', ' ')}</time>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`)
}
