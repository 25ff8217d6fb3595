// POST /v1/cua: one instruction as a run, waited for and detached, by the page brain on a practice site and by a
// brain that says what a file says, which shows what a request's switches do.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { startServer, startSite, tempDir } from './lib/harness.mjs'

let site, server, scripted
const scratch = tempDir('cua', '/var/tmp') // a run has a /tmp of its own
const script = path.join(scratch, 'script.json')

before(async () => {
  site = await startSite('crm')
  await site.admin('POST', '/__env__/trust')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
  fs.chmodSync(scratch, 0o755)
  const done = { action_type: 'done', params: { success: true, summary: '' } }
  fs.writeFileSync(script, JSON.stringify({ actions: [done, done, done] }), { mode: 0o644 })
  scripted = await startServer({ env: { MANTIS_BRAIN: `script:${script}` } })
})
after(async () => {
  for (const s of [server, scripted, site]) await s?.stop()
})

const login = { instruction: "Log in as 'dana@tallowmere.example' with password 'harbor-lantern-42'", profile_id: 'cua' }
const cua = (to, body, headers) => to.request('POST', '/v1/cua', body, headers)

test('an instruction is waited for, and its result says how the loop went', async () => {
  const r = await cua(server, { ...login, start_url: `${site.url}/login`, max_steps: 12 })
  assert.equal(r.status, 200, r.text)
  const { json } = r
  assert.deepEqual([json.mode, json.session_name, json.success, json.termination_reason], ['pure_cua', 'pure_cua', true, 'done'], r.text)
  assert.equal(json.instruction, login.instruction)
  assert.equal(json.start_url, `${site.url}/login`)
  assert.match(json.final_url, /\/customers\//)
  assert.ok(json.steps > json.trajectory_len && json.trajectory_len >= 2, `${json.steps} ${json.trajectory_len}`)
  assert.ok(json.elapsed_seconds > 0 && Number.isInteger(json.duration_s))
  assert.deepEqual(Object.keys(json.predicate_summary).sort(), ['accuracy', 'correct', 'evaluated', 'total'])
  assert.equal(json.executor_backend_counts.vision, json.trajectory_len)
  assert.deepEqual([json.reused_session, json.speculation_summary.enabled], [false, false])
  for (const key of ['perceptual_summary', 'loop_recoveries_by_reason', 'done_rejections_by_reason']) assert.equal(typeof json[key], 'object', key)
  const turns = (await server.events(json.run_id)).filter((e) => e.kind === 'turn')
  assert.equal(turns.length, json.trajectory_len)
  assert.ok(!JSON.stringify(turns).includes('harbor-lantern-42'), 'typed text is not told')
})

test('a detached instruction is a handle; one that cannot be carried out ends halted', async () => {
  const body = { instruction: 'Click "A button that is not there"', start_url: `${site.url}/login`, detached: true, profile_id: 'other', max_steps: 4, run_id: 'cua-by-name' }
  const key = { 'Idempotency-Key': 'cua-1' }
  const handle = await cua(server, body, key)
  assert.equal(handle.status, 200, handle.text)
  assert.deepEqual([handle.json.run_id, handle.json.status], ['cua-by-name', 'queued'])
  const again = await cua(server, body, key)
  assert.equal(again.headers.get('idempotency-replayed'), 'true', again.text)
  assert.equal(again.json.run_id, handle.json.run_id)
  const status = await server.end(handle.json.run_id, 120000)
  assert.equal(status.status, 'halted')
  const { result } = await server.result(handle.json.run_id)
  assert.deepEqual([result.mode, result.success], ['pure_cua', false])
  assert.notEqual(result.termination_reason, 'done')
})

test('a switch of the request stands over the server, and holds for its run alone', async () => {
  const body = { instruction: 'Look at the page', profile_id: 'switched', max_steps: 5 }
  const gated = (await cua(scripted, body)).json
  assert.deepEqual([gated.success, gated.termination_reason, gated.done_rejections_by_reason], [false, 'done_unverified', { empty_summary: 2 }], JSON.stringify(gated))
  const open = (await cua(scripted, { ...body, done_gate: false })).json
  assert.deepEqual([open.success, open.termination_reason, open.done_rejections_by_reason], [true, 'done', {}], JSON.stringify(open))
  assert.equal((await cua(scripted, { ...body, done_gate: null })).json.termination_reason, 'done_unverified')
})

test('a brain that cannot be made is the reason that the run ends for, waited for and detached', async () => {
  const broken = await startServer({ env: { MANTIS_BRAIN: `script:${scratch}/gone.json` } })
  try {
    const why = /the reader of 'script:.*gone\.json' cannot be made: cannot open/
    const { json } = await cua(broken, { instruction: 'Look at the page', profile_id: 'broken' })
    assert.deepEqual([json.success, json.terminal_status, json.termination_reason, json.halt_reason], [false, 'failed', 'could_not_start', 'could_not_start'], JSON.stringify(json))
    assert.match(json.error, why)
    const handle = await cua(broken, { instruction: 'Look at the page', profile_id: 'broken', detached: true })
    const status = await broken.end(handle.json.run_id)
    assert.deepEqual([status.status, status.halt_reason, status.failure_help.halt_class], ['failed', 'could_not_start', 'could_not_start'], JSON.stringify(status))
    assert.match(status.error, why)
  } finally {
    await broken.stop()
  }
})
