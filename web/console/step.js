// One step: what it was to do and did, the screen before and after with the point that was pressed, why it
// failed, what was thought on the way.

import { h } from './dom.js'
import { duration, plain, usd } from './format.js'
import { picture, zoom } from './media.js'

const SHOWN_EVENTS = 60

// The point of a press, on a picture of the whole screen: shares of it, so that it fits at any size.
function point(action, img) {
  const { x, y } = action?.params ?? {}
  if (!Number.isFinite(x) || !Number.isFinite(y)) return null
  const dot = h('span', { class: 'point', title: `${action.type} at ${x}, ${y}` })
  img.addEventListener('load', () => {
    dot.style.setProperty('left', `${(100 * x) / img.naturalWidth}%`)
    dot.style.setProperty('top', `${(100 * y) / img.naturalHeight}%`)
    dot.classList.add('on')
  })
  return dot
}

function shot(words, path, action) {
  if (!path) return null
  const img = picture(path, `The screen ${words}`)
  return h('figure', {}, h('button', { type: 'button', class: 'shot', 'aria-label': `The screen ${words}, larger`, click: () => zoom(path, `The screen ${words}`) }, img, point(action, img)),
    h('figcaption', {}, words[0].toUpperCase() + words.slice(1), action?.params ? ` · pressed at ${action.params.x}, ${action.params.y}` : null))
}

function help(step) {
  if (!step.help) return step.failure_class && step.failure_class !== 'unknown' ? h('p', {}, h('strong', {}, plain(step.failure_class))) : null
  const items = (words, lines) => (lines?.length ? [h('h4', {}, words), h('ul', {}, lines.map((l) => h('li', {}, l)))] : null)
  return h('div', { class: 'note bad' }, h('p', {}, h('strong', {}, plain(step.failure_class ?? 'failed')), ' · ', step.help.summary),
    h('details', {}, h('summary', {}, 'Causes and next steps'), items('Likely causes', step.help.likely_causes), items('Next steps', step.help.next_steps)))
}

function words(event) {
  const d = event.detail ?? {}
  const action = typeof d.action === 'object' && d.action ? `${d.action.type ?? d.action.action_type ?? ''} ${JSON.stringify(d.action.params ?? {})}` : null
  return [h('span', { class: 'kind' }, plain(event.kind)), h('span', { dir: 'auto' }, d.thinking || event.summary),
    action ? h('code', { dir: 'auto' }, action) : null, d.feedback ? h('span', { class: 'quiet', dir: 'auto' }, d.feedback) : null]
}

function reasoning(told) {
  const events = told?.events ?? []
  if (!events.length) return null
  return h('section', {}, h('h3', {}, 'Reasoning'),
    h('div', { class: 'scroll tall', tabindex: 0, role: 'group', 'aria-label': 'Reasoning' }, h('ol', { class: 'thoughts' }, events.slice(-SHOWN_EVENTS).map((e) => h('li', {}, words(e))))))
}

function times(step) {
  const parts = Object.entries(step.time_breakdown ?? {}).filter(([, s]) => s >= 0.001).sort((a, b) => b[1] - a[1])
  if (!parts.length) return null
  return h('details', {}, h('summary', {}, 'Where the time went'), h('table', { class: 'plain facts' }, h('tbody', {},
    parts.map(([name, s]) => h('tr', {}, h('th', { scope: 'row' }, plain(name)), h('td', { class: 'num' }, duration(s)))))))
}

export function stepView(step, n, told) {
  const outcome = step.success ? ['good', 'Done'] : step.skip ? ['off', `Skipped${step.skip_reason ? `: ${plain(step.skip_reason)}` : ''}`] : ['bad', 'Failed']
  const facts = [duration(step.duration), step.cost_usd > 0 && usd(step.cost_usd), step.attempts > 1 && `${step.attempts} tries`,
    step.steps_used > 1 && `${step.steps_used} actions`, step.rows > 0 && `${step.rows} rows`].filter(Boolean)
  return h('article', { class: 'step-view', 'aria-labelledby': 'step-h' },
    h('h2', { id: 'step-h', tabindex: -1 }, `Step ${n}: ${plain(step.type)}`), h('p', { class: 'intent', dir: 'auto' }, step.intent),
    h('p', {}, h('span', { class: `chip ${outcome[0]}` }, outcome[1]), ' ', h('span', { class: 'quiet' }, facts.join(' · '))),
    help(step),
    h('div', { class: 'shots' }, shot('before', step.before_url, step.last_action), shot('after', step.after_url, step.before_url ? null : step.last_action)),
    step.data ? h('p', { class: 'data', dir: 'auto' }, step.data) : null,
    step.final_url ? h('p', { class: 'quiet address' }, h('bdi', {}, step.page_title || ''), ' ', h('span', { class: 'mono', dir: 'ltr' }, step.final_url)) : null,
    reasoning(told), times(step))
}
