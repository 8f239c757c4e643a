import { html } from 'hono/html'
import type { Frame } from '../model.ts'
import { page } from './layout.ts'
import { icon, type Markup } from './parts.ts'

/** The page is a frame: upload.js sends the files straight to the bucket, with a form for each made of the template. */
export function upload(frame: Frame): Markup {
  const body = html`<form class="uploading" novalidate>
      <header class="heading">
        <h1>Upload</h1>
        <p class="quiet">JPEG, PNG, WebP or AVIF, up to 25 MB each. The place where a photo was taken is never kept.</p>
      </header>
      <noscript><p class="problem notice">Uploading needs JavaScript, which is off in this browser.</p></noscript>
      <label class="drop">
        <input type="file" name="files" multiple accept="image/jpeg,image/png,image/webp,image/avif" />
        ${icon('upload')}<span><b>Choose photos</b> or drop them here</span>
      </label>
      <ol class="files" aria-label="Photos to upload"></ol>
      <footer class="send" hidden>
        <p class="summary" role="status"></p>
        <button class="button primary" type="submit">Publish</button>
      </footer>
    </form>
    <template id="file">${fileForm()}</template>`
  return page(frame, body, { styles: ['form.css', 'upload.css'], scripts: ['upload.js'] })
}

function fileForm(): Markup {
  return html`<li class="file">
    <div class="preview"><img alt="" /></div>
    <div class="fields">
      ${input('title', 'Title', 120)} ${caption()} ${input('tags', 'Tags', 300, 'Up to ten, with commas between')}
      <p class="problem" role="alert" data-problem=""></p>
      <div class="state">
        <progress max="1" value="0" hidden></progress>
        <p class="status" role="status"></p>
      </div>
    </div>
    <button class="drop-file" type="button" aria-label="Leave this photo out">${icon('close')}</button>
  </li>`
}

function input(name: string, label: string, maxlength: number, placeholder = ''): Markup {
  return html`<div class="field">
    <label
      >${label}<input name="${name}" maxlength="${maxlength}" placeholder="${placeholder}" autocomplete="off"
    /></label>
    <p class="problem" data-problem="${name}"></p>
  </div>`
}

function caption(): Markup {
  return html`<div class="field">
    <label
      >Caption<textarea name="caption" maxlength="2000" rows="2" placeholder="What is there to see?"></textarea>
    </label>
    <p class="problem" data-problem="caption"></p>
  </div>`
}
