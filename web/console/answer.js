// What a run that stands still wants, and why a run ended early.

import { action } from './api.js'
import { h, show } from './dom.js'
import { plain, statusTone } from './format.js'
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
  const reason = status.pause_reason ?? status.reason
  return h('div', { class: 'note ask', role: 'status' }, h('p', {}, h('strong', {}, 'Paused'), reason && reason !== 'external' ? [' · ', h('bdi', {}, plain(reason))] : null),
    status.prompt ? (may ? form(runId, status, done) : h('p', { dir: 'auto' }, status.prompt)) : null)
}

function helpNote(status) {
  const help = status.failure_help
  const items = (words, lines) => (lines?.length ? [h('h3', {}, words), h('ul', {}, lines.map((l) => h('li', {}, l)))] : null)
  return h('div', { class: `note ${statusTone(status.status)}` }, h('p', {}, h('strong', {}, h('bdi', {}, plain(help.halt_class))), ' · ', help.summary),
    status.error ? h('p', { class: 'data', dir: 'auto' }, status.error) : null,
    h('details', {}, h('summary', {}, 'Causes and next steps'), items('Likely causes', help.likely_causes), items('Next steps', help.next_steps)))
}

export function notes(runId, store, may, done) {
  const box = h('div', { class: 'notes' })
  let drawn = ''
  const stop = store.on(['status'], ({ status }) => {
    const key = status && JSON.stringify([status.status, status.prompt, status.pause_reason, status.failure_help?.halt_class])
    if (!status || key === drawn) return
    drawn = key
    show(box, status.status === 'paused' ? pauseNote(runId, status, may, done) : status.failure_help ? helpNote(status) : null)
  })
  return { node: box, stop }
}
