// What a real browser meets and a run gets over, or says true words about: server errors, forms that come back
// empty or have expired, a session that ends, a sign-in that is refused, a run that stands still.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { root, startServer, startSite } from './lib/harness.mjs'

let flaky, server
before(async () => {
  flaky = await startSite('flaky')
  server = await startServer({ env: { MANTIS_ENV_URL: flaky.url } })
})
after(async () => {
  await server?.stop()
  await flaky?.stop()
})

let number = 0
async function run(plan) {
  const taken = await server.predict({ detached: true, task_suite: plan, profile_id: `recovery-${++number}` })
  assert.equal(taken.status, 200, taken.text)
  const status = await server.end(taken.json.run_id, 120000)
  const { result } = await server.result(taken.json.run_id)
  return { id: taken.json.run_id, status, result }
}

const task = (name) => JSON.parse(fs.readFileSync(path.join(root, 'tests/e2e/tasks/flaky', `${name}.json`)))
const passed = async (name) => (await flaky.admin('GET', `/__env__/oracle?task_id=${name}`)).passed

for (const [name, row] of [
  ['errors', 'agent-loop 9.5 http_5xx: the page is asked for again later, the form is sent again'],
  ['lost_values', 'agent-loop 9.4 a form that comes back empty is filled in and sent again'],
  ['stale_form', 'agent-loop 9.4 a form that has expired is opened and filled in anew'],
  ['session', 'agent-loop 9.4 a session that ended is signed in again with the steps of the plan'],
])
  test(row, async () => {
    await flaky.admin('POST', '/__env__/reset', { seed: 42 })
    const { status, result } = await run(task(name).plan)
    assert.equal(status.status, 'succeeded', JSON.stringify(result?.step_details))
    assert.ok(await passed(name), name)
    assert.ok(result.healing_events.some((h) => h.kind === 'demotion'), 'the failed submit was noticed')
    assert.ok(result.healing_events.some((h) => h.kind === 'rewind'), 'and gone back for')
  })

test('plans 10.1 what the page complains of is the reason of a submit that was refused', async () => {
  await flaky.admin('POST', '/__env__/reset', { seed: 42 })
  const { plan } = task('session')
  plan.steps.splice(4)
  plan.steps[2].params.value = 'wrong'
  const { status, result } = await run(plan)
  assert.equal(status.status, 'halted')
  assert.equal(result.halt_reason, 'required_failed:submit')
  const last = result.step_details.at(-1)
  assert.equal(last.failure_class, 'no_state_change')
  assert.equal(last.failure_subclass, 'expected_text_missing')
  assert.equal(last.verdict.verdict, 'recoverable')
  assert.equal(status.failure_help.halt_class, 'required_failed:submit')
})

test('plans 5 state_repeat_threshold and off_source_step_budget end a run', async () => {
  const wait = { type: 'wait', intent: 'Wait', params: { seconds: 0 } }
  const steps = [{ type: 'navigate', intent: 'Open', params: { url: '{{ENV_URL}}/' } }, wait, wait, wait, wait]
  const stuck = await run({ steps, runtime: { state_repeat_threshold: 3 } })
  assert.equal(stuck.result.halt_reason, 'loop_stuck')
  assert.equal(stuck.status.failure_help.halt_class, 'loop_stuck')
  const astray = await run({ steps, runtime: { pinned_source_url_pattern: 'https://else.example/*', off_source_step_budget: 2 } })
  assert.equal(astray.result.halt_reason, 'off_source_drift')
  assert.equal(astray.result.step_details.length, 2)
  const fine = await run({ steps, runtime: { pinned_source_url_pattern: `${flaky.url}/*`, off_source_step_budget: 2 } })
  assert.equal(fine.status.status, 'succeeded')
})

test('agent-loop 9.6 the stream alone explains a recovery', async () => {
  await flaky.admin('POST', '/__env__/reset', { seed: 42 })
  const { id } = await run(task('lost_values').plan)
  const lines = (await server.predict({ action: 'reasoning_trace', run_id: id })).json.events
  const kinds = lines.map((e) => e.kind)
  for (const kind of ['step_start', 'step_end', 'demotion', 'decision', 'retry']) assert.ok(kinds.includes(kind), kind)
  for (const e of lines) {
    assert.equal(e.category, 'reasoning')
    assert.ok(e.summary.length <= 300 && Number.isInteger(e.step_index))
  }
})
