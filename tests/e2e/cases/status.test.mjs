// The status document and the result: how runs end, and every field that tells of it. A handful of real
// runs against a page of our own, shared by all cases.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { roomy, runIdForm, stamp, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const page = `<!doctype html><title>Offers</title><h1>Offers</h1><ul>${[1, 2, 3].map((i) =>
  `<li><h2><a href="/item/${i}">Boat ${i}</a></h2><p>Price: $${i}00</p><p>Phone: (303) 555-010${i}</p></li>`).join('')}</ul><form><label>Name <input name=n></label><button type=button>Go</button></form>`

const opens = (url) => ({ type: 'navigate', intent: 'Open the page', params: { url } })
const press = (more) => ({ type: 'submit', intent: 'Press "Nothing like this"', params: { label: 'Nothing like this' }, ...more })
const rows = { type: 'extract_rows', intent: 'Read the offers', extract: { fields: [{ name: 'title' }, { name: 'price' }, { name: 'phone' }] } }
const longIntent = `Read the address ${'and then some '.repeat(30)}`

async function start() {
  const web = http.createServer((request, reply) => { reply.setHeader('Content-Type', 'text/html').end(page) })
  await new Promise((done) => web.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${web.address().port}/`
  const server = await startTenants({ acme: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '3', MANTIS_NAV_WAIT_SECONDS: '5' } })
  const acme = server.as('acme')
  const plans = {
    good: [opens(url), rows, { type: 'extract_url', intent: longIntent }],
    partly: [opens(url), press({ required: false }), ...wait()],
    required: [opens(url), press({}), ...wait()],
    nowhere: [{ type: 'navigate', intent: 'Open http://127.0.0.1:1/' }],
    stopped: wait(600),
  }
  const ids = {}
  for (const [name, task_suite] of Object.entries(plans)) ids[name] = await acme.submit({ task_suite, profile_id: name, workflow_id: `wf-${name}` })
  const ended = {}
  const g = { web, server, acme, ids, url, ended }
  // how it ended: status, result and phase as callers get them
  g.of = (name) => ended[name] ??= (async () => {
    if (name === 'stopped') {
      await until(60000 * slow, 'a run to stop', async () => (await acme.status(ids.stopped)).status === 'running')
      await acme.predict({ action: 'cancel', run_id: ids.stopped, reason: 'enough' })
      await until(20000 * slow, 'its result', async () => (await acme.result(ids.stopped)).result_ready)
    }
    await acme.end(ids[name])
    const status = await until(20000 * slow, 'the end of its worker', async () => {
      const s = await acme.status(ids[name])
      return !s.in_memory_thread_alive && s
    })
    return { id: ids[name], status, result: (await acme.result(ids[name])).result, phase: (await acme.request('GET', `/v1/runs/${ids[name]}`)).json }
  })()
  return g
}

async function stop(g) {
  await g.server.stop()
  g.web.closeAllConnections()
  await new Promise((done) => g.web.close(done))
}

const outcomes = {
  // name: terminal_status, status, phase, halt_class, failure_class
  good: ['completed', 'succeeded', 'complete', null, null],
  partly: ['completed_with_failures', 'completed_with_failures', 'complete', null, 'selector_miss'],
  required: ['halted', 'halted', 'halted', 'required_failed:submit', 'selector_miss'],
  nowhere: ['halted', 'halted', 'halted', 'navigate_failed', 'bad_url'],
  stopped: ['cancelled', 'cancelled', 'cancelled', 'cancelled', null],
}
const none = (v) => v ?? null

const statusFields = ['run_id', 'status', 'mode', 'model', 'created_at', 'started_at', 'updated_at', 'finished_at', 'payload', 'status_path', 'result_path', 'csv_path', 'events_path',
  'profile_id', 'workflow_id', 'state_key', 'tenant_id', 'max_steps', 'summary', 'terminal_status', 'halt_class', 'in_memory_thread_alive', 'terminal']
const resultFields = ['run_id', 'provider', 'session_name', 'model', 'mode', 'terminal_status', 'halt_reason', 'total_time_s', 'wall_time_breakdown', 'steps_executed', 'viable',
  'leads_with_phone', 'unknown_placeholder_row_count', 'state_key', 'profile_id', 'workflow_id', 'checkpoint_path', 'plan_signature', 'resume_state', 'costs', 'healing_events',
  'dynamic_verification', 'dynamic_verification_summary', 'leads', 'collected_urls', 'shared_seen_hits', 'artifacts', 'executor_backend_counts', 'step_details', 'result_path', 'csv_path',
  'detached_result_path', 'detached_csv_path']
const summaryFields = ['run_id', 'provider', 'session_name', 'model', 'mode', 'total_time_s', 'steps_executed', 'viable', 'leads_with_phone', 'result_path', 'csv_path',
  'detached_result_path', 'detached_csv_path', 'dynamic_verification_summary']
const buckets = ['perceive', 'think', 'act', 'settle', 'claude_ground', 'claude_extract', 'claude_verify', 'claude_verify_haiku', 'claude_verify_opus_escalation', 'load', 'overhead']
const costFields = ['total', 'gpu', 'claude', 'proxy', 'leads', 'leads_with_phone', 'per_lead', 'per_phone_lead', 'status', 'checkpoint_path']
const has = (object, fields) => { for (const f of fields) assert.ok(f in object, `'${f}' is missing in ${Object.keys(object)}`) }
const names = Object.keys(outcomes)
const file = (g, id, name) => `${g.server.dir}/tenants/acme/runs/${id}/${name}`

cases({ start, stop }, (check) => {
  for (const [name, [terminalStatus, status, phase, haltClass, failureClass]] of Object.entries(outcomes)) {
    check('http-api 10 outcomes', `${terminalStatus}${haltClass && name !== 'stopped' ? ` (${haltClass})` : ''} is status ${status}`, async (g) => {
      const { status: s, result: r } = await g.of(name)
      assert.deepEqual([s.terminal_status, s.status, s.terminal, none(s.halt_class)], [terminalStatus, status, true, haltClass])
      assert.equal(r.terminal_status, terminalStatus)
      assert.equal(none(s.failure_class), failureClass)
    })

    check('http-api 9', `status ${status} (${name}) is phase ${phase}`, async (g) => {
      const { phase: p, id } = await g.of(name)
      assert.deepEqual([p.run_id, p.phase, p.terminal, p.halt_class, p.polling_backoff_ms_hint], [id, phase, true, haltClass, 30000])
      assert.equal('failure_help' in p, ['halted', 'cancelled'].includes(phase))
    })
  }

  for (const name of names)
    check('http-api 10', `the status document has every field (${name})`, async (g) => {
      const { status: s, id } = await g.of(name)
      has(s, statusFields)
      assert.deepEqual([s.run_id, s.mode, s.model, s.tenant_id, s.profile_id, s.workflow_id, s.state_key],
        [id, 'detached', 'page', 'acme', `acme__${name}`, `acme__wf-${name}`, `acme__wf-${name}`])
      for (const key of ['created_at', 'started_at', 'updated_at', 'finished_at']) assert.match(s[key], stamp, key)
      assert.ok(s.created_at <= s.started_at && s.started_at <= s.finished_at && s.finished_at <= s.updated_at, JSON.stringify([s.created_at, s.started_at, s.finished_at, s.updated_at]))
      assert.match(s.run_id, runIdForm)
      assert.equal(s.in_memory_thread_alive, false)
    })

  for (const name of names)
    check('http-api 10', `the result has every field (${name})`, async (g) => {
      const { result: r, id } = await g.of(name)
      has(r, resultFields)
      assert.deepEqual([r.run_id, r.model, r.mode, r.resume_state, r.profile_id, r.workflow_id], [id, 'page', 'micro_intent', false, `acme__${name}`, `acme__wf-${name}`])
      assert.match(r.plan_signature, /^[0-9a-f]{64}$/)
      assert.match(r.checkpoint_path, new RegExp(`/tenants/acme/checkpoints/acme__wf-${name}\\.json$`))
      has(r.costs, costFields)
      assert.equal(r.costs.status, r.terminal_status)
      for (const key of ['healing_events', 'leads', 'collected_urls', 'artifacts', 'step_details']) assert.ok(Array.isArray(r[key]), key)
    })

  for (const name of names)
    check('http-api 10', `the summary copies the result (${name})`, async (g) => {
      const { status: s, result: r } = await g.of(name)
      has(s.summary, summaryFields)
      for (const key of summaryFields) assert.deepEqual(s.summary[key], r[key], key)
      has(s.summary, ['cost_total', 'cost_breakdown', 'wall_time_breakdown', 'final_url'])
      assert.deepEqual(Object.keys(s.summary.cost_breakdown).sort(), ['claude', 'gpu', 'proxy'])
      assert.deepEqual([s.summary.cost_total, s.summary.wall_time_breakdown], [r.costs.total, r.wall_time_breakdown])
    })

  for (const name of names)
    check('http-api 10', `the wall buckets are all there and add up to the total within 5 % (${name})`, async (g) => {
      const { result: r } = await g.of(name)
      assert.deepEqual(Object.keys(r.wall_time_breakdown).sort(), [...buckets].sort())
      const sum = Object.values(r.wall_time_breakdown).reduce((a, b) => a + b)
      assert.ok(Math.abs(sum - r.total_time_s) <= 0.05 * r.total_time_s + 0.005, `${sum} of ${r.total_time_s}`)
    })

  check('http-api 10', 'step_details tell of every step that was tried', async (g) => {
    const { result: r } = await g.of('good')
    assert.equal(r.steps_executed, 3)
    assert.deepEqual(r.step_details.map((d) => d.step), [0, 1, 2])
    for (const d of r.step_details) {
      has(d, ['step', 'intent', 'success', 'steps', 'data', 'executor_backend', 'time_breakdown'])
      assert.equal(d.success, true)
      assert.ok(d.intent.length <= 120 && d.data.length <= 300)
    }
    assert.ok(longIntent.startsWith(r.step_details[2].intent.slice(0, 100)))
    assert.equal(Object.values(r.executor_backend_counts).reduce((a, b) => a + b), 3)
  })

  check('http-api 10', 'a failed step says its class, where it was and what was there', async (g) => {
    for (const [name, index, cls] of [['partly', 1, 'selector_miss'], ['required', 1, 'selector_miss'], ['nowhere', 0, 'bad_url']]) {
      const d = (await g.of(name)).result.step_details[index]
      assert.equal(d.success, false, name)
      has(d, ['failure_class', 'final_url', 'page_title'])
      assert.equal(d.failure_class, cls)
    }
    const d = (await g.of('required')).result.step_details[1]
    assert.deepEqual([d.final_url, d.page_title], [g.url, 'Offers'])
  })

  check('http-api 10', 'a run goes on behind a failed step that is not required, and stops at one that is', async (g) => {
    assert.deepEqual((await g.of('partly')).result.step_details.map((d) => d.success), [true, false, true])
    assert.equal((await g.of('required')).result.step_details.at(-1).success, false)
    assert.ok(!(await g.of('required')).result.step_details.some((d) => d.step === 2))
  })

  check('http-api 10', 'rows are counted, kept as leads and listed first among the artifacts', async (g) => {
    const { result: r, id } = await g.of('good')
    assert.deepEqual([r.viable, r.leads_with_phone, r.leads.length, r.costs.leads, r.costs.leads_with_phone], [3, 3, 3, 3, 3])
    const [first, ...files] = r.artifacts
    assert.deepEqual([first.name, first.kind, first.mime_type, first.schema.fields, first.row_count], ['extracted_rows', 'structured_data', 'application/json', ['title', 'price', 'phone'], 3])
    assert.deepEqual(first.data.map((d) => [d.title, d.price]), [['Boat 1', '$100'], ['Boat 2', '$200'], ['Boat 3', '$300']])
    for (const f of files) {
      assert.equal(f.download_url, `/v1/runs/${id}/artifacts/${f.name}`)
      assert.equal((await g.acme.request('GET', f.download_url)).status, 200, f.name)
    }
    assert.equal(new Set(r.artifacts.map((a) => a.name)).size, r.artifacts.length, 'each once')
  })

  check('http-api 10', 'a run without rows has no leads and no rows among its artifacts', async (g) => {
    for (const name of ['partly', 'required', 'nowhere', 'stopped']) {
      const { result: r } = await g.of(name)
      assert.deepEqual([r.viable, r.leads, r.leads_with_phone], [0, [], 0])
      assert.ok(!r.artifacts.some((a) => a.kind === 'structured_data'), name)
    }
  })

  check('http-api 10', 'the page brain costs nothing', async (g) => {
    for (const name of names) {
      const { costs } = (await g.of(name)).result
      assert.deepEqual([costs.total, costs.gpu, costs.claude, costs.proxy], [0, 0, 0, 0])
    }
  })

  check('http-api 10', 'failure_help has every part, with addresses that answer', async (g) => {
    for (const name of ['required', 'nowhere', 'stopped']) {
      const { status: s, phase: p, id } = await g.of(name)
      const help = s.failure_help
      assert.deepEqual(help, p.failure_help)
      has(help, ['halt_class', 'summary', 'likely_causes', 'next_steps', 'debug_surfaces'])
      assert.equal(help.halt_class, s.halt_class)
      assert.ok(help.summary.length > 20)
      for (const key of ['likely_causes', 'next_steps']) assert.ok(help[key].length > 0 && help[key].every((t) => typeof t === 'string'), key)
      assert.deepEqual(Object.keys(help.debug_surfaces).sort(), ['augur', 'events', 'logs', 'phase', 'result', 'status'])
      for (const key of ['phase', 'status', 'events', 'result']) {
        assert.ok(help.debug_surfaces[key].includes(id), key)
        assert.equal((await g.acme.request('GET', help.debug_surfaces[key])).status, 200, help.debug_surfaces[key])
      }
    }
  })

  check('http-api 10', 'failure_help has words of its own for each kind of end', async (g) => {
    const texts = []
    for (const name of ['required', 'nowhere', 'stopped']) texts.push((await g.of(name)).status.failure_help.summary)
    assert.equal(new Set(texts).size, 3, texts.join('\n'))
  })

  check('http-api 10', 'a run that completed has no failure_help and no error', async (g) => {
    for (const name of ['good', 'partly']) {
      const { status: s } = await g.of(name)
      assert.ok(!('failure_help' in s))
      assert.equal(none(s.error), null)
      assert.equal(none(s.halt_reason) || null, null)
    }
  })

  check('http-api 10', 'the first terminal state wins: cancel, pause and resume change nothing afterwards', async (g) => {
    for (const name of names) {
      const { id, status } = await g.of(name)
      assert.deepEqual((await g.acme.predict({ action: 'cancel', run_id: id, reason: 'late' })).json, status, name)
      assert.equal((await g.acme.predict({ action: 'pause', run_id: id })).status, 400)
      assert.equal((await g.acme.predict({ action: 'resume', run_id: id, user_input: 'x' })).status, 400)
      assert.deepEqual(await g.acme.status(id), status)
    }
  })

  check('http-api 10', 'a cancelled run keeps when and why, and what it had', async (g) => {
    const { status: s, result: r } = await g.of('stopped')
    assert.match(s.cancelled_at, stamp)
    assert.equal(s.cancel_reason, 'enough')
    assert.equal(r.terminal_status, 'cancelled')
    assert.equal(none(s.error), null)
  })

  check('http-api 10', 'status.json is the status document, indented', async (g) => {
    for (const name of names) {
      const { id } = await g.of(name)
      await until(10000 * slow, 'status.json', async () => JSON.parse(fs.readFileSync(file(g, id, 'status.json'), 'utf8')).terminal)
      const text = fs.readFileSync(file(g, id, 'status.json'), 'utf8')
      assert.match(text, /^\{\n {2}"/)
      const [onDisk, told] = [JSON.parse(text), await g.acme.status(id)]
      for (const key of ['run_id', 'status', 'terminal_status', 'created_at', 'finished_at', 'halt_class', 'summary', 'payload']) assert.deepEqual(onDisk[key], told[key], `${name} ${key}`)
    }
  })

  check('http-api 10', 'result.json is the result, and the paths in it are true', async (g) => {
    const { id, result: r } = await g.of('good')
    assert.deepEqual(JSON.parse(fs.readFileSync(file(g, id, 'result.json'), 'utf8')), r)
    for (const key of ['result_path', 'csv_path', 'detached_result_path', 'detached_csv_path']) assert.ok(fs.existsSync(r[key]), r[key])
  })

  check('http-api 13', 'the files of a run lie below its tenant, readable by the service only', async (g) => {
    const { id } = await g.of('good')
    for (const name of ['status.json', 'result.json', 'events.log', 'payload.json', 'reasoning.jsonl', 'leads.csv', 'extracted_rows.csv', 'extracted_rows.json'])
      assert.equal(fs.statSync(file(g, id, name)).mode & 0o077, 0, name)
    assert.ok(fs.existsSync(`${g.server.dir}/tenants/acme/checkpoints/acme__wf-good.json`))
    assert.ok(fs.existsSync(`${g.server.dir}/tenants/acme/chrome-profile/acme__good`))
    for (const name of ['runs', 'checkpoints', 'chrome-profile']) assert.ok(!fs.existsSync(`${g.server.dir}/${name}`), `${name} is not outside the tenant`)
  })

  check('http-api 13', 'events.log and reasoning.jsonl are what logs and events answer', async (g) => {
    const { id } = await g.of('good')
    const lines = (name) => fs.readFileSync(file(g, id, name), 'utf8').trim().split('\n')
    assert.deepEqual(lines('events.log'), (await g.acme.predict({ action: 'logs', run_id: id, tail: 10000 })).json.events)
    assert.deepEqual(lines('reasoning.jsonl').map((l) => JSON.parse(l)), (await g.acme.request('GET', `/v1/runs/${id}/events`)).json.events)
  })

  check('http-api 13', 'runs_log has one row for each run that ended', async (g) => {
    for (const name of names) await g.of(name)
    const rowsOf = async () => fs.readdirSync(`${g.server.dir}/runs_log`).flatMap((f) => fs.readFileSync(`${g.server.dir}/runs_log/${f}`, 'utf8').trim().split('\n').map((l) => JSON.parse(l)))
    const all = await until(10000 * slow, 'five rows', async () => (fs.existsSync(`${g.server.dir}/runs_log`) && (await rowsOf()).length >= names.length && rowsOf()))
    for (const name of names) {
      const { id, status: s, result: r } = await g.of(name)
      const mine = all.filter((row) => row.run_id === id)
      assert.equal(mine.length, 1, name)
      const [row] = mine
      assert.deepEqual(Object.keys(row).sort(), ['cost_breakdown', 'created_at', 'error', 'finished_at', 'model', 'plan_signature', 'profile_id', 'run_id', 'schema_version', 'status',
        'steps_executed', 'tenant_id', 'total_time_s', 'viable', 'wall_time_breakdown', 'workflow_id'])
      assert.deepEqual([row.schema_version, row.tenant_id, row.profile_id, row.workflow_id, row.plan_signature, row.model, row.status, row.created_at, row.finished_at],
        [1, 'acme', s.profile_id, s.workflow_id, r.plan_signature, 'page', s.status, s.created_at, s.finished_at])
    }
    for (const f of fs.readdirSync(`${g.server.dir}/runs_log`)) assert.match(f, /^\d{4}-\d\d\.jsonl$/)
  })

  check('http-api 4.3', 'resume_state with another plan of the same workflow starts from the beginning; with the same one from its checkpoint', async (g) => {
    const { id } = await g.of('good')
    const plan = (await g.acme.status(id)).payload.task_suite
    const again = await g.acme.submit({ task_suite: plan, profile_id: 'good', workflow_id: 'wf-good', resume_state: true })
    const other = await g.acme.submit({ task_suite: wait(), profile_id: 'other', workflow_id: 'wf-good', resume_state: true })
    await g.acme.end(again)
    await g.acme.end(other)
    const [r, o] = [(await g.acme.result(again)).result, (await g.acme.result(other)).result]
    assert.deepEqual([r.resume_state, r.terminal_status, r.viable], [true, 'completed', 3])
    assert.deepEqual([o.resume_state, o.terminal_status, o.steps_executed, o.viable], [true, 'completed', 1, 0])
  })
})
