import { html } from 'hono/html'
import { counted, type Markup } from './parts.ts'

const height = 100

/** Views per hour as bars, oldest first. The sentence beside it says the same to who does not see it. */
export function viewsChart(byHour: number[]): Markup {
  const sum = byHour.reduce((all, views) => all + views, 0)
  const most = Math.max(...byHour, 4)
  return html`<figure class="chart">
    <figcaption>
      <span>Views, last ${byHour.length} hours</span><span class="quiet">${counted(sum, 'view')}</span>
    </figcaption>
    <svg
      viewBox="0 0 ${byHour.length * 10} ${height}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${describe(byHour, sum)}"
    >
      ${byHour.map((views, index) => bar(views, index, most, byHour.length))}
    </svg>
    <div class="axis quiet" aria-hidden="true">
      <span>${byHour.length} h ago</span><span>${byHour.length / 2} h</span><span>now</span>
    </div>
  </figure>`
}

/** An hour without views keeps a thin line, so that the axis is seen. */
function bar(views: number, index: number, most: number, hours: number): Markup {
  const tall = views === 0 ? 1 : Math.max(3, (views / most) * height)
  return html`<rect
    class="${views === 0 ? 'none' : ''}"
    x="${index * 10 + 1}"
    y="${(height - tall).toFixed(1)}"
    width="8"
    height="${tall.toFixed(1)}"
    ><title>${counted(views, 'view')}, ${hoursAgo(hours - 1 - index)}</title></rect
  >`
}

const hoursAgo = (hours: number) => (hours === 0 ? 'this hour' : `${counted(hours, 'hour')} ago`)

function describe(byHour: number[], sum: number): string {
  if (sum === 0) return `No views in the last ${byHour.length} hours.`
  const most = Math.max(...byHour)
  const at = hoursAgo(byHour.length - 1 - byHour.lastIndexOf(most))
  return `${counted(sum, 'view')} in the last ${byHour.length} hours; most, ${most}, ${at}.`
}
