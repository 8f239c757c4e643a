// On every page. Each part stands without the others, and every page without all of them.
import { complete } from './complete.js'
import { closeMenus } from './menu.js'

for (const input of document.querySelectorAll('.seek input')) complete(input)
closeMenus()
