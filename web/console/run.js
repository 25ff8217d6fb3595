// The page of one run.

import { action, post, runPath } from './api.js'
import { notes } from './answer.js'
import { button, h, show } from './dom.js'
import { eventsView, filesView, requestView } from './files.js'
import { between, duration, moment, plain, usd } from './format.js'
import { setPageKeys } from './keys.js'
import { forgetAll } from './media.js'
import { note } from './router.js'
import { rowsView } from './rows.js'
import { chip, nameOf, ownPart } from './runs.js'
import { EMPTY, watchRun } from './run_state.js'
import { ask, attempt, say } from './say.js'
import { screenView } from './screen.js'
import { createStore } from './store.js'
import { timeline } from './timeline.js'

const CLOCK_MS = 1000
const TABS = { rows: ['Rows', rowsView], files: ['Files', filesView], events: ['Events', eventsView], request: ['Request', requestView] }

const titleOf = (status) => nameOf({ ...status, plan: ['plan_name', 'micro', 'instruction', 'micro_path', 'task_file'].map((k) => status.payload?.[k]).find(Boolean) })

function facts(state) {
  const { status, result } = state
  const took = duration(between(status.started_at, status.finished_at))
  const cost = result?.costs?.total ?? state.cost
  return [['Started', status.started_at ? moment(status.started_at) : status.queue_position ? `place ${status.queue_position} in the queue` : 'not yet'],
    ['Took', took || '–'], ['Steps', String(state.steps.length)], ['Rows', String(state.rows)], ['Cost', usd(cost)],
    ['Model', plain(status.model ?? '')], ['Profile', ownPart(status.profile_id)]]
    .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('bdi', {}, value))))
}

function actionsOf(runId, { status }, may, done) {
  const send = (fn) => async () => { if (await attempt(fn)) done() }
  const cancel = async () => {
    const answer = await ask({ title: 'Cancel this run?', text: 'It ends before its next step. The rows so far are kept.', yes: 'Cancel the run', tone: 'danger',
      fields: h('label', { class: 'field' }, 'Reason (optional)', h('input', { name: 'reason', autocomplete: 'off' })) })
    if (answer) send(() => post(runPath(runId, '/cancel'), { reason: answer.reason }))()
  }
  if (!may || status.terminal) return null
  const held = status.status === 'paused'
  return [held && !status.prompt ? button('Resume', send(() => action(runId, 'resume')), { 'data-key': 'hold', class: 'main' }) : null,
    held ? null : button('Pause', send(() => action(runId, 'pause')), { 'data-key': 'hold' }),
    button('Cancel …', cancel, { 'data-key': 'cancel', class: 'danger' })]
}

// A row of tabs over one panel.
function tabPanel(runId, store, choose, first) {
  const panel = h('div', { role: 'tabpanel', id: 'panel', 'aria-labelledby': `tab-${first}` })
  let part = null
  const tabs = Object.entries(TABS).map(([key, [words]]) => h('button', { type: 'button', role: 'tab', id: `tab-${key}`, 'aria-controls': 'panel', click: () => turn(key), keydown: move }, words))
  function turn(key) {
    part?.stop()
    part = TABS[key][1](runId, store, choose)
    show(panel, part.node)
    panel.setAttribute('aria-labelledby', `tab-${key}`)
    for (const tab of tabs) {
      tab.setAttribute('aria-selected', String(tab.id === `tab-${key}`))
      tab.tabIndex = tab.id === `tab-${key}` ? 0 : -1
    }
    note({ tab: key === 'rows' ? '' : key })
  }
  function move(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!by) return
    const to = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length]
    to.focus()
    to.click()
  }
  turn(TABS[first] ? first : 'rows')
  return { node: h('section', { class: 'card below' }, h('div', { role: 'tablist', class: 'tabs', 'aria-label': 'More of this run' }, tabs), panel), stop: () => part.stop() }
}

export function runPage(main, { place, store: outer, title }) {
  const { id } = place
  const scopes = outer.state.usage.scopes
  const may = scopes.includes('run')
  const store = createStore({ ...EMPTY, chosen: place.query.step ? Number(place.query.step) - 1 : -1 })
  const head = h('div', { class: 'run-title' })
  const actions = h('div', { class: 'buttons' })
  const list = h('dl', { class: 'run-facts' })
  const state = h('span', { class: 'quiet stream', role: 'status' })
  const run = watchRun(id, store)
  const screen = screenView(id, store, { mayOperate: may, first: place.query.view ?? (place.query.step ? 'step' : '') })
  const choose = (n) => {
    const at = Math.max(0, Math.min(store.state.steps.length - 1, n))
    if (!store.state.steps[at]) return
    store.set({ chosen: at })
    screen.turn('step')
    note({ step: at + 1 })
    if (matchMedia('(max-width: 60rem)').matches) screen.node.scrollIntoView({ block: 'start' })
  }
  const steps = timeline(store, choose)
  const told = notes(id, store, may, run.refresh, choose)
  const panel = tabPanel(id, store, choose, place.query.tab ?? 'rows')
  let said = ''

  const stops = [
    store.on(['status'], (s) => {
      if (!s.status) return
      show(head, h('h1', {}, h('bdi', {}, titleOf(s.status))), chip(s.status.status))
      show(actions, actionsOf(id, s, may, run.refresh))
      if (said !== s.status.status) { said = s.status.status; title(`${plain(said)}: ${titleOf(s.status)}`) }
    }),
    store.on(['status', 'steps', 'rows', 'cost', 'result'], (s) => { if (s.status) show(list, facts(s)) }),
    store.on(['stream', 'status'], (s) => { state.textContent = s.status?.terminal ? '' : { lost: 'Connecting again …', live: 'Live' }[s.stream] ?? '' }),
    store.on(['missing'], (s) => { if (s.missing) show(main, h('p', { class: 'empty', role: 'alert' }, `${s.missing}. `, h('a', { href: '#/runs' }, 'All runs'))) }),
  ]
  const clock = setInterval(() => { if (store.state.status && !store.state.status.terminal) show(list, facts(store.state)) }, CLOCK_MS)

  main.append(h('div', { class: 'run-head' }, h('p', { class: 'crumb' }, h('a', { href: '#/runs' }, 'Runs'), ' / ', h('span', { class: 'mono' }, id), ' ', state),
    h('div', { class: 'head' }, head, actions), list), told.node,
  h('div', { class: 'run-body' }, screen.node, h('section', { class: 'card timeline', 'aria-labelledby': 'steps-h' }, h('h2', { id: 'steps-h' }, 'Steps'), steps.node)), panel.node)
  setPageKeys({
    j: [() => { choose(store.state.chosen + 1); steps.show() }, 'Next step'],
    k: [() => { choose(store.state.chosen < 0 ? store.state.steps.length - 1 : store.state.chosen - 1); steps.show() }, 'Step before'],
    l: [() => screen.turn('live'), 'Live view'], v: [() => screen.turn('video'), 'Video'],
    'Shift+Escape': [() => {}, 'Leave the keyboard of the run'], // live_input.js
    p: [() => actions.querySelector('[data-key=hold]')?.click(), 'Pause or resume'],
    a: [() => main.querySelector('#answer')?.focus(), 'Answer'], c: [() => actions.querySelector('[data-key=cancel]')?.click(), 'Cancel …'],
  })
  title(id)
  return () => {
    clearInterval(clock)
    for (const stop of [...stops, steps.stop, told.stop, panel.stop, screen.stop, run.stop]) stop()
    forgetAll()
    say('')
  }
}
