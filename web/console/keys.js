// Keyboard shortcuts. A page adds its own while it is shown; none acts while somebody types or a run is operated.

import { button, h } from './dom.js'

const GLOBAL = [['g r', 'Runs'], ['g n', 'New run'], ['g u', 'Usage'], ['?', 'This sheet']]

let pageKeys = {}
let globalKeys = {}
let first = ''

// {'j': [fn, 'Next step']}
export function setPageKeys(keys) { pageKeys = keys }

const typing = (target) => target.closest?.('input,textarea,select,[contenteditable],[data-operates]')

function rows(entries) {
  return entries.map(([keys, words]) => h('tr', {}, h('th', { scope: 'row' }, keys.split(' ').map((k) => h('kbd', {}, k))), h('td', {}, words)))
}

export function showHelp() {
  const own = Object.entries(pageKeys).map(([key, [, words]]) => [key, words])
  const dialog = h('dialog', { class: 'help', 'aria-labelledby': 'help-title', close: () => dialog.remove() },
    h('h2', { id: 'help-title' }, 'Keyboard'),
    h('table', { class: 'plain' }, h('tbody', {}, rows(own), rows(GLOBAL))),
    h('div', { class: 'buttons' }, button('Close', () => dialog.close(), { autofocus: true })))
  document.body.append(dialog)
  dialog.showModal()
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (typing(event.target) || document.querySelector('dialog[open]')) return
  const chord = first ? `${first} ${event.key}` : event.key
  const found = globalKeys[chord] ?? pageKeys[chord]?.[0]
  first = !first && event.key === 'g' ? 'g' : ''
  if (!found) return
  event.preventDefault()
  found()
}

export function startKeys(actions) {
  globalKeys = { '?': showHelp, ...actions }
  document.addEventListener('keydown', press)
}
