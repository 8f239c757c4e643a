/** A menu closes on Escape and on a press elsewhere; that it opens is the browser's own work. */
export function closeMenus() {
  const open = () => document.querySelectorAll('details.menu[open]')
  document.addEventListener('pointerdown', ({ target }) => {
    for (const menu of open()) if (!menu.contains(target)) menu.open = false
  })
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return
    for (const menu of open()) {
      menu.open = false
      menu.querySelector('summary').focus()
    }
  })
}
