// The steps of a run, one line each, as they are done; the one that is chosen stands in the store (chosen).

import { h, list } from './dom.js'
import { duration, plain, usd } from './format.js'

const MARKS = { good: ['✓', 'done'], bad: ['✗', 'failed'], off: ['–', 'skipped'], live: ['●', 'under way'], wait: ['○', 'to come'] }

const toneOf = (step) => (step.success ? 'good' : step.skip ? 'off' : 'bad')

function mark(tone) {
  const [sign, words] = MARKS[tone]
  return h('span', { class: `mark ${tone}` }, h('span', { 'aria-hidden': 'true' }, sign), h('span', { class: 'unseen' }, words))
}

function facts(step) {
  return [h('span', {}, plain(step.type)), step.failure_class && step.failure_class !== 'unknown' && h('span', { class: 'class' }, plain(step.failure_class)),
    step.rows > 0 && h('span', { class: 'rows' }, `+${step.rows} ${step.rows === 1 ? 'row' : 'rows'}`),
    step.attempts > 1 && h('span', {}, `${step.attempts} tries`), step.cost_usd > 0 && h('span', {}, usd(step.cost_usd))]
}

function line({ n, step, chosen, tone }, choose) {
  const inside = [mark(tone), h('span', { class: 'n' }, n),
    h('span', { class: 'what' }, h('span', { class: 'intent', dir: 'auto' }, step.intent), h('span', { class: 'facts' }, facts(step))),
    h('span', { class: 'took' }, step.duration === undefined ? '' : duration(step.duration))]
  if (!choose) return h('li', {}, h('div', { class: 'step' }, inside))
  return h('li', {}, h('button', { type: 'button', class: 'step', 'aria-current': chosen ? 'step' : undefined, click: () => choose(n - 1) }, inside))
}

// What is still to come: the plan behind the step that is under way, when no loop leads back.
function ahead(state) {
  if (state.status?.terminal) return []
  const at = state.current?.step_index ?? (state.steps.at(-1)?.step_index ?? -1)
  return state.plan.slice(at + 1).map((step, i) => ({ n: at + 2 + i, step: { type: step.type, intent: step.intent }, tone: 'wait', key: `ahead ${at + 1 + i}` }))
}

export function timeline(store, choose) {
  const body = h('ol', { class: 'steps' })
  const empty = h('p', { class: 'empty' })
  const coming = h('ol', { class: 'steps ahead', 'aria-label': 'Steps to come' })
  const box = h('div', { class: 'scroller', tabindex: 0, role: 'group', 'aria-label': 'Steps' }, body, empty, coming)

  function draw(state) {
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 40
    const items = state.steps.map((step, i) => ({ key: `done ${i}`, n: i + 1, step: brief(step), tone: toneOf(step), chosen: state.chosen === i }))
    if (state.current && !state.status?.terminal)
      items.push({ key: 'now', n: state.steps.length + 1, step: { type: state.current.type, intent: state.current.intent }, tone: 'live' })
    list(body, items, (i) => i.key, (item) => line(item, item.tone === 'live' ? null : choose))
    list(coming, ahead(state), (i) => i.key, (item) => line(item))
    empty.hidden = items.length > 0
    empty.textContent = state.status?.terminal ? 'No step was carried out.' : state.status?.queue_reason ?? 'The first step has not begun.'
    if (atEnd && !state.status?.terminal) body.lastElementChild?.scrollIntoView({ block: 'nearest' })
  }

  const brief = ({ type, intent, rows, attempts, cost_usd, duration: d, failure_class }) => ({ type, intent, rows, attempts, cost_usd, duration: d, failure_class })
  return { node: box, stop: store.on(['steps', 'plan', 'current', 'chosen', 'status'], draw), show: () => body.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' }) }
}
