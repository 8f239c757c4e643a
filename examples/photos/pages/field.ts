import { html, raw } from 'hono/html'
import type { Problems } from '../model.ts'
import type { Markup } from './parts.ts'

interface Field {
  name: string
  label: string
  value?: string
  type?: string
  hint?: string
  autocomplete?: string
  maxlength?: number
  optional?: boolean
}

/** A labelled input with its hint and, after a refusal, what is wrong with it. */
export function field(of: Field, problems: Problems): Markup {
  const { name, label, value = '', type = 'text', hint, autocomplete = 'off', maxlength = 254, optional = false } = of
  const problem = problems[name]
  const described = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(' ')
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      value="${value}"
      autocomplete="${autocomplete}"
      maxlength="${maxlength}"
      aria-describedby="${described}"
      aria-invalid="${String(problem !== undefined)}"
      ${optional ? '' : raw('required')}
    />
    ${hint ? html`<p class="hint quiet" id="${name}-hint">${hint}</p>` : ''}
    ${problem ? html`<p class="problem" id="${name}-problem">${problem}</p>` : ''}
  </div>`
}

/** What is wrong with the form as a whole. */
export function formProblem(problems: Problems): Markup {
  return problems[''] ? html`<p class="problem notice" role="alert">${problems['']}</p>` : html``
}
