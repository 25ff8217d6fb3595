// The files of a run, what was asked, and everything that was told.

import { runPath } from './api.js'
import { button, h, list, show } from './dom.js'
import { bytes, clock, plain } from './format.js'
import { download } from './media.js'

const SHOWN = 400

function fileLine(runId, file) {
  const path = file.download_url ?? runPath(runId, `/artifacts/${encodeURIComponent(file.name)}`)
  const facts = [file.mime_type, file.bytes && bytes(file.bytes), file.row_count > 0 && `${file.row_count} ${file.row_count === 1 ? 'row' : 'rows'}`, file.source].filter(Boolean)
  return h('tr', {}, h('th', { scope: 'row' }, h('bdi', {}, file.file_name ?? file.name)), h('td', { class: 'quiet', dir: 'auto' }, facts.join(' · ')),
    h('td', {}, button('Download', () => download(path, file.file_name ?? file.name), { class: 'bare', 'aria-label': `Download ${file.name}` })))
}

export function filesView(runId, store) {
  const box = h('div')
  const stop = store.on(['result'], ({ result }) => {
    if (!result) return show(box, h('p', { class: 'empty' }, 'Files are there when the run is over.'))
    const files = (result.artifacts ?? []).filter((a) => a.kind === 'file')
    show(box, files.length ? h('table', { class: 'plain files' }, h('caption', { class: 'unseen' }, 'Files'), h('tbody', {}, files.map((f) => fileLine(runId, f)))) : h('p', { class: 'empty' }, 'This run left no files.'))
  })
  return { node: box, stop }
}

export function requestView(runId, store) {
  const box = h('pre', { class: 'json', tabindex: 0, 'aria-label': 'Request', dir: 'ltr' })
  return { node: box, stop: store.on(['status'], ({ status }) => { box.textContent = status ? JSON.stringify(status.payload ?? {}, null, 2) : '' }) }
}

const eventLine = (e) => h('li', { class: e.detail?.warning ? 'warn' : undefined }, h('time', { datetime: e.ts, class: 'mono quiet' }, clock(e.ts)),
  h('span', { class: 'kind' }, `${plain(e.layer)} · ${plain(e.kind)}`), h('span', { dir: 'auto' }, e.summary))

export function eventsView(runId, store) {
  const body = h('ol', { class: 'events' })
  const search = h('input', { type: 'search', placeholder: 'Filter events', 'aria-label': 'Filter events', input: () => draw(store.state) })
  const count = h('p', { class: 'quiet' })

  function draw({ events }) {
    const q = search.value.trim().toLowerCase()
    const found = q ? events.filter((e) => `${e.layer} ${e.kind} ${e.summary}`.toLowerCase().includes(q)) : events
    list(body, found.slice(-SHOWN).reverse(), (e) => e.seq ?? e.ts, eventLine)
    count.textContent = found.length > SHOWN ? `The newest ${SHOWN} of ${found.length}.` : `${found.length} events, newest first.`
  }

  return { node: h('div', {}, search, count, h('div', { class: 'scroll tall', tabindex: 0, role: 'group', 'aria-label': 'Events' }, body)), stop: store.on(['events'], draw) }
}
