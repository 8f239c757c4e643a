import { html } from 'hono/html'
import type { Frame, Problems } from '../model.ts'
import { field, formProblem } from './field.ts'
import { page } from './layout.ts'
import type { Markup } from './parts.ts'

// The forms have no `action`, so that they are sent to the page's own address, with its ?next=.

export function login(frame: Frame, { email, problems }: { email: string; problems: Problems }): Markup {
  return door(
    frame,
    html`<h1>Welcome back</h1>
      <p class="quiet">New here? <a href="/signup">Sign up</a>.</p>
      <form method="post" class="form">
        ${formProblem(problems)} ${field({ ...address, value: email }, problems)}
        ${field({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' }, problems)}
        <button class="button primary">Log in</button>
      </form>
      ${frame.demoLogin ? demo(frame.demoLogin) : ''}`,
  )
}

const address = { name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email' }

/** In development there is a member to try things with. */
function demo({ email, password }: { email: string; password: string }): Markup {
  return html`<form method="post" class="demo">
    <p><b>Just looking?</b> The demo account is <code>${email}</code> with the password <code>${password}</code>.</p>
    <input type="hidden" name="email" value="${email}" /><input type="hidden" name="password" value="${password}" />
    <button class="button">Log in as the demo member</button>
  </form>`
}

interface SignUp {
  email: string
  name: string
  handle: string
  problems: Problems
}

export function signup(frame: Frame, { email, name, handle, problems }: SignUp): Markup {
  const hints = {
    handle: 'Your page’s address: letters, digits and -, a letter first.',
    password: 'At least 8 characters.',
  }
  return door(
    frame,
    html`<h1>Show what you see</h1>
      <p class="quiet">Have an account? <a href="/login">Log in</a>.</p>
      <form method="post" class="form">
        ${formProblem(problems)}
        ${field({ name: 'name', label: 'Name', value: name, autocomplete: 'name', maxlength: 60 }, problems)}
        ${field({ name: 'handle', label: 'Handle', value: handle, hint: hints.handle, autocomplete: 'username', maxlength: 30 }, problems)}
        ${field({ ...address, value: email }, problems)}
        ${field({ name: 'password', label: 'Password', type: 'password', hint: hints.password, autocomplete: 'new-password', maxlength: 200 }, problems)}
        <button class="button primary">Sign up</button>
      </form>`,
  )
}

/** A form beside a quiet picture. */
function door(frame: Frame, inside: Markup): Markup {
  const body = html`<div class="door">
    <img class="door-view" src="${frame.asset('dusk.svg')}" alt="" />
    <section class="door-form">${inside}</section>
  </div>`
  return page(frame, body, { styles: ['form.css'] })
}
