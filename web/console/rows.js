// What the run extracted, with the part of the screen where each row was seen.

import { get, runPath } from './api.js'
import { h, show } from './dom.js'
import { plain } from './format.js'
import { picture, zoom } from './media.js'

const SHOWN = 500

const columnsOf = (rows) => [...new Set(rows.flatMap((row) => Object.keys(row).filter((k) => !k.startsWith('_'))))]

function address(value) {
  try {
    const url = new URL(value)
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null
  } catch { return null }
}

const textOf = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

// Pages say what stands here: text, and links that tell the site nothing of this page.
function cell(value) {
  const href = typeof value === 'string' ? address(value) : null
  return h('td', { class: typeof value === 'number' ? 'num' : undefined, dir: 'auto' },
    h('div', { class: 'cell' }, href ? h('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'ltr' }, textOf(value)) : textOf(value)))
}

// Where each value of a row was seen; pages are named once where all are the same.
function evidence(row) {
  const fields = Object.entries(row._evidence ?? {})
  const pages = new Set(fields.map(([, e]) => e.url ?? ''))
  if (!fields.length) return null
  const page = (url) => h('span', { class: 'mono', dir: 'ltr' }, url)
  const line = ([name, e]) => h('tr', {}, h('th', { scope: 'row', dir: 'auto' }, name), h('td', { dir: 'auto' }, textOf(row[name])),
    h('td', { dir: 'auto' }, plain(e.method), e.in_view === false ? ', outside of the picture' : null), h('td', { dir: 'auto' }, e.text ?? ''), pages.size > 1 ? h('td', {}, page(e.url ?? '')) : null)
  return h('div', { class: 'scroll evidence', tabindex: 0, role: 'group', 'aria-label': 'Evidence' }, pages.size === 1 ? h('p', { class: 'quiet' }, page([...pages][0])) : null,
    h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, ['Field', 'Value', 'Found by', 'Text there', ...(pages.size > 1 ? ['Page'] : [])].map((w) => h('th', { scope: 'col' }, w)))), h('tbody', {}, fields.map(line))))
}

// Which step brought row i.
function stepOf(steps, i) {
  for (let n = 0, so = 0; n < steps.length; n++) if ((so += steps[n].success ? steps[n].rows : 0) > i) return n
  return -1
}

function crop(runId, row, i) {
  const path = row._image ? runPath(runId, `/artifacts/${encodeURIComponent(row._image)}`) : null
  const words = `Where row ${i + 1} was seen`
  return h('td', { class: 'crop' }, h('button', { type: 'button', class: path ? 'shot' : 'bare', 'aria-label': words, click: () => zoom(path, words, evidence(row)) },
    path ? picture(path, words, { loading: 'lazy' }) : 'Evidence'))
}

function table(runId, rows, steps, choose) {
  const columns = columnsOf(rows)
  const line = (row, i) => {
    const n = stepOf(steps, i)
    return h('tr', {}, h('th', { scope: 'row', class: 'num' }, n < 0 ? i + 1 : h('button', { type: 'button', class: 'bare', title: `Step ${n + 1} brought it`, 'aria-label': `Row ${i + 1}, of step ${n + 1}`, click: () => choose(n) }, i + 1)),
      crop(runId, row, i), columns.map((c) => cell(row[c])))
  }
  return h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Rows' }, h('table', { class: 'data-table' },
    h('caption', { class: 'unseen' }, 'Extracted rows'),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, '#'), h('th', { scope: 'col' }, 'Seen'), columns.map((c) => h('th', { scope: 'col', dir: 'auto' }, c)))),
    h('tbody', {}, rows.slice(0, SHOWN).map(line))))
}

export function rowsView(runId, store, choose) {
  const box = h('div', { class: 'rows-view' })
  let asked = false

  async function load(result) {
    asked = true
    if (!result.artifacts?.some((a) => a.name === 'extracted_rows.json')) return show(box, h('p', { class: 'empty' }, 'This run has no rows.'))
    try {
      const rows = await get(runPath(runId, '/artifacts/extracted_rows.json'))
      const { steps } = store.state
      show(box, table(runId, rows, steps, choose), rows.length > SHOWN ? h('p', { class: 'quiet' }, `The first ${SHOWN} of ${rows.length} rows; the files have all.`) : null)
    } catch (error) {
      asked = error.status === 404 || error.status === 403
      show(box, h('p', { class: 'empty' }, error.message))
    }
  }

  const stop = store.on(['result', 'rows', 'steps'], (state) => {
    if (state.result && !asked && (state.steps.length || !state.rows)) load(state.result)
    else if (!state.result) show(box, h('p', { class: 'empty' }, state.rows ? `${state.rows} so far. They are listed when the run is over.` : 'No rows so far.'))
  })
  return { node: box, stop }
}
