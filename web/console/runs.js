// The tenant's runs: newest first, by status and by text, kept up to date while they are looked at.

import { get } from './api.js'
import { button, h, list } from './dom.js'
import { ago, because, between, duration, isLive, statusTone, statusWord, usd } from './format.js'
import { setPageKeys } from './keys.js'
import { go, note } from './router.js'
import { say } from './say.js'

const EVERY_MS = 4000
const TYPING_MS = 250
const PAGE = 50

const FILTERS = [
  ['', 'All'], ['queued,running,recovering', 'Under way'], ['paused', 'Paused'], ['succeeded', 'Succeeded'],
  ['completed_with_failures,halted,failed,timeout', 'Went wrong'], ['cancelled', 'Cancelled'],
]

export const chip = (status) => h('span', { class: `chip ${statusTone(status)}` }, statusWord(status))

// What its request calls the plan; else the workflow, which is made of the plan itself where nobody named it.
export const nameOf = (run) => run.plan?.replace(/^plans\//, '').replace(/\.json$/, '') || ownPart(run.workflow_id) || run.run_id

// Of a name that begins with the tenant's.
export const ownPart = (name) => (name ?? '').replace(/^.*?__/, '')

function line(run) {
  return h('tr', {},
    h('td', { class: 'state' }, chip(run.status)),
    h('th', { scope: 'row', class: 'name' },
      h('a', { href: `#/runs/${encodeURIComponent(run.run_id)}`, 'data-row': true }, h('bdi', {}, nameOf(run))),
      h('span', { class: 'mono quiet' }, run.run_id),
      run.halt_class && run.halt_class !== run.status && !isLive(run.status) ? h('span', { class: 'quiet' }, h('bdi', {}, because(run.halt_class))) : null),
    h('td', { class: 'quiet profile' }, h('bdi', {}, ownPart(run.profile_id))),
    h('td', { class: 'num when' }, h('time', { datetime: run.created_at, title: run.created_at }, run.shown_ago)),
    h('td', { class: 'num took' }, run.shown_took),
    h('td', { class: 'num cost' }, run.cost_usd > 0 ? usd(run.cost_usd) : '–'))
}

// With what changes as time goes by, so that a line is drawn again only then.
function dated(run) {
  return { ...run, shown_ago: ago(run.created_at), shown_took: duration(between(run.started_at, run.finished_at)) || '–' }
}

export function runsPage(main, { place, title }) {
  const query = { status: place.query.status ?? '', q: place.query.q ?? '' }
  const body = h('tbody')
  const empty = h('p', { class: 'empty', hidden: true })
  const more = button('Older runs', () => load(true), { class: 'more', hidden: true })
  const search = h('input', { type: 'search', id: 'search', value: query.q, placeholder: 'Name, run, workflow or profile', 'aria-label': 'Search runs', input: typed })
  const filters = FILTERS.map(([status, words]) => button(words, () => choose(status), { 'aria-pressed': String(status === query.status) }))
  let runs = []
  let next = null
  let asked = 0
  let waiting = 0

  const path = (before, limit) => `/v1/runs?${new URLSearchParams({ limit, ...(query.status && { status: query.status }), ...(query.q && { q: query.q }), ...(before && { before }) })}`

  function draw() {
    list(body, runs.map(dated), (run) => run.run_id, line)
    empty.hidden = runs.length > 0
    empty.replaceChildren(query.q || query.status ? 'No run is like that.' : 'No runs yet. ', ...(query.q || query.status ? [] : [h('a', { href: '#/start' }, 'Start the first one'), '.']))
    more.hidden = !next
  }

  async function load(older) {
    const mine = ++asked
    try {
      const limit = older ? PAGE : Math.min(200, Math.max(PAGE, runs.length))
      const reply = await get(path(older ? next : '', limit))
      if (mine !== asked) return
      const beyond = older ? [] : runs.slice(limit)
      runs = older ? [...runs, ...reply.runs] : [...reply.runs, ...beyond]
      if (older || !beyond.length) next = reply.next_before
      main.removeAttribute('aria-busy')
      draw()
    } catch (error) {
      if (mine === asked && !runs.length) { empty.hidden = false; empty.textContent = error.message }
    }
  }

  function restart() {
    runs = []
    note(query)
    load(false).then(() => say(`${runs.length}${next ? ' or more' : ''} runs`))
  }

  function choose(status) {
    query.status = status
    FILTERS.forEach(([s], i) => filters[i].setAttribute('aria-pressed', String(s === status)))
    restart()
  }

  function typed() {
    clearTimeout(waiting)
    waiting = setTimeout(() => { query.q = search.value.trim(); restart() }, TYPING_MS)
  }

  function step(by) {
    const rows = [...body.querySelectorAll('a[data-row]')]
    const at = rows.indexOf(document.activeElement)
    rows[Math.max(0, Math.min(rows.length - 1, at + by))]?.focus()
  }

  main.append(
    h('div', { class: 'head' }, h('h1', {}, 'Runs'), h('div', { class: 'filters', role: 'group', 'aria-label': 'Status' }, filters), search),
    h('div', { class: 'scroll' }, h('table', { class: 'runs' },
      h('caption', { class: 'unseen' }, 'Runs, newest first'),
      h('thead', {}, h('tr', {}, ['Status', 'Run', 'Profile', 'Started', 'Took', 'Cost'].map((w, i) => h('th', { scope: 'col', class: i > 2 ? 'num' : undefined }, w)))),
      body)), empty, more)
  setPageKeys({
    '/': [() => search.focus(), 'Search'], j: [() => step(1), 'Next run'], k: [() => step(-1), 'Run before'],
    n: [() => go({ page: 'start' }), 'New run'],
  })
  title('Runs')
  load(false)
  const timer = setInterval(() => { if (!document.hidden) load(false) }, EVERY_MS)
  return () => { clearInterval(timer); clearTimeout(waiting); asked++ }
}
