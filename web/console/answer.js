// What a run that stands still wants, and why a run ended early.

import { action } from './api.js'
import { button, h, show } from './dom.js'
import { because, plain, statusTone } from './format.js'
import { attempt, say } from './say.js'

function form(runId, status, done) {
  const input = h('input', { id: 'answer', autocomplete: 'off', spellcheck: 'false', required: true, dir: 'auto', 'data-key': 'answer' })
  const send = async (event) => {
    event.preventDefault()
    event.submitter.disabled = true
    if (await attempt(() => action(runId, 'resume', { user_input: input.value }))) { say('Answered'); done() }
    event.submitter.disabled = false
  }
  return h('form', { class: 'answer', submit: send }, h('label', { for: 'answer', dir: 'auto' }, status.prompt), h('div', { class: 'row' }, input, h('button', { type: 'submit', class: 'main' }, 'Answer')))
}

function pauseNote(runId, status, may, done) {
  const reason = status.prompt ? 'The run asks' : plain(status.pause_reason ?? status.reason)
  return h('div', { class: 'note ask', role: 'status' }, h('p', {}, h('strong', {}, 'Paused'), reason && reason !== 'external' ? [' · ', h('bdi', {}, reason)] : null),
    status.prompt ? (may ? form(runId, status, done) : h('p', { dir: 'auto' }, status.prompt)) : null)
}

// With a way to the step that failed, the last one that did.
function helpNote(status, steps, choose) {
  const help = status.failure_help
  const failed = failedOf(steps)
  const items = (words, lines) => (lines?.length ? [h('h3', {}, words), h('ul', {}, lines.map((l) => h('li', {}, l)))] : null)
  return h('div', { class: `note ${statusTone(status.status)}` }, h('p', {}, h('strong', {}, h('bdi', {}, because(help.halt_class))), ' · ', help.summary),
    status.error ? h('p', { class: 'data', dir: 'auto' }, status.error) : null,
    failed < 0 ? null : button(`Show step ${failed + 1}`, () => choose(failed)),
    h('details', {}, h('summary', {}, 'Causes and next steps'), items('Likely causes', help.likely_causes), items('Next steps', help.next_steps)))
}

const failedOf = (steps) => steps.findLastIndex((s) => !s.success && !s.skip)

export function notes(runId, store, may, done, choose) {
  const box = h('div', { class: 'notes' })
  let drawn = ''
  const stop = store.on(['status', 'steps'], ({ status, steps }) => {
    const key = status && JSON.stringify([status.status, status.prompt, status.pause_reason, status.failure_help && [status.failure_help.halt_class, failedOf(steps)]])
    if (!status || key === drawn) return
    drawn = key
    show(box, status.status === 'paused' ? pauseNote(runId, status, may, done) : status.failure_help ? helpNote(status, steps, choose) : null)
  })
  return { node: box, stop }
}
