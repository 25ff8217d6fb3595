// A dry run as people read it: the steps as the server understood them, what it warns of, what it may cost.

import { h } from './dom.js'
import { plain, usd } from './format.js'

function notes(step) {
  const said = [step.gate && 'gate', step.required && 'required',
    step.type === 'loop' && `back to step ${step.loop_target + 1}, ${step.loop_count} times at most`,
    step.params?.url, step.guard && `if ${step.guard}`].filter(Boolean)
  return said.length ? h('span', { class: 'quiet' }, h('bdi', {}, said.join(' · '))) : null
}

export function previewOf(reply) {
  const steps = reply.task_suite._micro_plan?.length ? reply.task_suite._micro_plan : reply.task_suite.tasks ?? []
  const { plan_summary: summary, cost_estimate: cost, warnings = [] } = reply
  return [
    h('p', { class: 'verdict good' }, h('strong', {}, `${summary.step_count} ${summary.step_count === 1 ? 'step' : 'steps'}`),
      ` · about ${usd(cost.estimated_total_usd)} at most · ${reply.cua_model} on ${plain(reply.compute_backend)}`),
    warnings.length ? h('ul', { class: 'warnings' }, warnings.map((w) => h('li', { dir: 'auto' }, w))) : null,
    h('ol', { class: 'plan' }, steps.map((step) => h('li', {},
      h('span', { class: 'type' }, plain(step.type ?? 'task')), h('span', { dir: 'auto' }, step.intent), notes(step)))),
    h('p', { class: 'hint' }, cost.note),
  ]
}
