// What surrounds every page: where one can go, who is signed in, how many runs are under way.

import { get } from './api.js'
import { button, h, show } from './dom.js'

const EVERY_MS = 5000

const link = (page, words) => h('a', { href: `#/${page}`, 'data-page': page }, words)

function tally(queue) {
  if (!queue) return ''
  const parts = [['running', queue.running - queue.paused], ['queued', queue.queued], ['paused', queue.paused], ['recovering', queue.recovering]]
  const said = parts.filter(([, n]) => n > 0).map(([word, n]) => `${n} ${word}`)
  return said.length ? said.join(', ') : 'no run under way'
}

export function shell(store, leave) {
  const live = h('span', { class: 'tally', title: 'Runs of this tenant that are not over' })
  const { usage } = store.state
  const timer = setInterval(refresh, EVERY_MS)
  let asking = false

  async function refresh() {
    if (!live.isConnected && live.textContent) return clearInterval(timer)
    if (document.hidden || asking) return
    asking = true
    try { show(live, tally(await get('/v1/queue'))) } catch { /* the next one */ } finally { asking = false }
  }

  refresh()
  return h('header', { class: 'top' },
    h('a', { class: 'brand', href: '#/runs' }, h('img', { src: 'console/icon.svg', alt: '', width: 22, height: 22 }), 'Mantis'),
    h('nav', { 'aria-label': 'Console' }, link('runs', 'Runs'), usage.scopes.includes('run') ? link('start', 'New run') : null, link('usage', 'Usage')),
    live,
    h('span', { class: 'tenant', dir: 'auto', title: `Scopes: ${usage.scopes.join(', ')}` }, usage.label || usage.tenant_id),
    h('button', { type: 'button', class: 'bare help-button', 'data-help': true, 'aria-label': 'Keyboard shortcuts' }, '?'),
    button('Sign out', leave, { class: 'bare' }))
}
