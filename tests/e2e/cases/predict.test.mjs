// POST /v1/predict in run mode: the order of its checks, its two replies and the dry run.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { cases } from '../lib/cases.mjs'
import { startServer } from '../lib/harness.mjs'
import { dryRun, queued, rateHeaders, refused, roomy, runIdForm, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const site = 'http://inside.example/'
const openPage = (url) => [{ type: 'navigate', intent: 'Open the page', params: { url } }]
const offList = { task_suite: openPage('http://outside.example/') }

// Tenants whose limits are reached by the case that names them.
const tenants = {
  acme: roomy,
  busy: roomy,
  reader: { ...roomy, scopes: ['status'] },
  none: { ...roomy, scopes: [] },
  fenced: { ...roomy, allowed_domains: ['inside.example'], rate_limit_per_minute: 1000 },
  few: { rate_limit_per_minute: 1000, max_concurrent_runs: 1 },
  spent: { rate_limit_per_minute: 1, max_concurrent_runs: 1 },
  counted: { rate_limit_per_minute: 1000, max_concurrent_runs: 50 },
  twin: { rate_limit_per_minute: 2, max_concurrent_runs: 1 },
  clash: { rate_limit_per_minute: 1000, max_concurrent_runs: 2 },
  sync: roomy,
  full: { rate_limit_per_minute: 1000, max_concurrent_runs: 1 },
}

async function start() {
  const server = await startTenants(tenants, { env: { MANTIS_RUNTIME_CONCURRENCY: '2', MANTIS_MAX_STEPS_PER_PLAN: '20' } })
  // one run of a caller who waits, one that keeps the other slot
  const waits = server.as('sync').predict({ detached: false, task_suite: wait(), profile_id: 'sync' })
  await takeSlot(server.as('busy'))
  await server.as('busy').submit({ task_suite: wait(600), profile_id: 'takes-the-other-slot' })
  return { server, as: (name) => server.as(name), waits }
}

const sent = (auth, body, headers = {}) => ({ auth, body, headers })
// Each call is wrong in two ways; the answer says which of the checks came first.
const order = [
  ['401 missing comes before 400 JSON', sent('', '{'), 401, /missing/i],
  ['401 invalid comes before 400 JSON', sent('nobody', '{'), 401, /invalid/i],
  ['403 for a token with no scope comes before 400 JSON', sent('none', '{'), 403, /'run'/],
  ['403 scope comes before 400 validation', sent('reader', { task_suite: wait(), video_fps: 99 }), 403, /'run'/],
  ['403 scope comes before 400 for a missing plan', sent('reader', {}), 403, /'run'/],
  ['400 JSON comes before 400 validation', sent('acme', '{"video_fps":99'), 400, /JSON/],
  ['400 validation comes before 403 allowlist', sent('fenced', { ...offList, video_fps: 99 }), 400, /video_fps/],
  ['400 for the plan comes before 403 allowlist', sent('fenced', { task_suite: [...openPage('http://outside.example/'), { type: 'wait' }] }), 400, /step 1/],
  ['400 for too many steps comes before 403 allowlist', sent('fenced', { task_suite: Array(21).fill(openPage('http://outside.example/')[0]) }), 400, /20/],
  ['404 for the plan file comes before 403 allowlist', sent('fenced', { micro: 'plans/none.json', start_url: 'http://outside.example/' }), 404, /none\.json/],
]

const models = { holo3: [0.004, 0.02], fara: [0.006, 0.02], 'gemma4-cua': [0.003, 0.02], 'evocua-8b': [0.004, 0.02], 'evocua-32b': [0.008, 0.02],
  'opencua-32b': [0.008, 0.02], 'opencua-72b': [0.015, 0.02], claude: [0, 0.03] }

const extract = { type: 'extract_data', intent: 'Read the offer', extract: { fields: [{ name: 'title' }] } }
const mixed = [...openPage(site), { type: 'scroll', intent: 'Scroll' }, extract, { ...extract, extract: {} }, { type: 'submit', intent: 'Send', required: true },
  { type: 'wait', intent: 'wait', required: true, gate: true }]
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`)

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  for (const [what, { auth, body, headers }, status, words] of order)
    check('http-api 4.1', what, async (g) => { refused(await g.as(auth).predict(body, headers), status, words) })

  check('http-api 4.1', '503 without any auth comes before 401 and 400', async () => {
    const bare = await startServer({ token: '' })
    try {
      refused(await bare.predict('{'), 503)
      refused(await bare.predict('{', { 'X-Mantis-Token': 'x' }), 503)
    } finally { await bare.stop() }
  })

  check('http-api 4.1', '403 allowlist names the hosts, spends no token and shows no rate', async (g) => {
    const fenced = g.as('fenced')
    const before = await fenced.predict({ task_suite: openPage(site), dry_run: true })
    const r = refused(await fenced.predict(offList), 403, /outside\.example/)
    assert.deepEqual(rateHeaders(r), [null, null, null])
    const after = await fenced.predict({ task_suite: openPage(site), dry_run: true })
    assert.ok(rateHeaders(after)[1] >= rateHeaders(before)[1] - 1)
  })

  check('http-api 4.1', '403 allowlist comes before the idempotency key is looked at', async (g) => {
    const key = { 'Idempotency-Key': 'allowlist-first' }
    const first = await g.as('fenced').predict({ task_suite: openPage(site), profile_id: 'allowlist-first' }, key)
    assert.equal(first.status, 200, first.text)
    refused(await g.as('fenced').predict(offList, key), 403)
  })

  check('http-api 4.1', '400 validation shows no rate: the bucket was not asked', async (g) => {
    assert.deepEqual(rateHeaders(refused(await g.as('counted').predict({ task_suite: wait(), video_fps: 99 }), 400)), [null, null, null])
    assert.deepEqual(rateHeaders(refused(await g.as('counted').predict('{'), 400)), [null, null, null])
  })

  check('http-api 4.1', 'an idempotent replay comes before the rate token: none spent, no rate headers, 200 with the stored body', async (g) => {
    const key = { 'Idempotency-Key': 'before-the-rate' }, body = { task_suite: wait(), profile_id: 'before-the-rate' }
    const first = await g.as('spent').predict(body, key)
    assert.equal(first.status, 200, first.text)
    assert.equal(rateHeaders(first)[1], 0)
    refused(await g.as('spent').predict({ task_suite: wait() }), 429) // nothing is left: neither a token nor a slot
    const again = await g.as('spent').predict(body, key)
    assert.equal(again.status, 200, again.text)
    assert.equal(again.text, first.text)
    assert.deepEqual(rateHeaders(again), [null, null, null])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    assert.equal(first.headers.get('idempotency-replayed'), null)
  })

  check('http-api 4.1', '429 rate comes before 429 concurrency, which keeps its token', async (g) => {
    const twin = g.as('twin')
    await queued(twin)
    const full = refused(await twin.predict({ task_suite: wait(), profile_id: 'b' }), 429, /live runs|max_concurrent_runs/)
    assert.equal(rateHeaders(full)[1], 0, 'the second token is gone with the refusal')
    const empty = refused(await twin.predict({ task_suite: wait(), profile_id: 'c' }), 429, /rate_limit_per_minute/)
    assert.equal(rateHeaders(empty)[1], 0)
  })

  check('http-api 4.1', '429 concurrency comes before 409 for the profile', async (g) => {
    const few = g.as('few')
    const id = await few.submit({ task_suite: wait(), profile_id: 'same' })
    const r = refused(await few.predict({ task_suite: wait(), profile_id: 'same' }), 429)
    assert.ok(!r.text.includes(id))
  })

  check('http-api 4.1', '409 for the profile keeps its token and holds no slot', async (g) => {
    const clash = g.as('clash')
    const id = await clash.submit({ task_suite: wait(), profile_id: 'same' })
    const before = rateHeaders(await clash.predict({ task_suite: wait(), dry_run: true }))[1]
    const r = refused(await clash.predict({ task_suite: wait(), profile_id: 'same' }), 409, new RegExp(id))
    assert.ok(rateHeaders(r)[1] <= before)
    assert.equal((await clash.predict({ task_suite: wait(), profile_id: 'another' })).status, 200)
  })

  check('http-api 4.1', 'a refused call leaves no run behind', async (g) => {
    const before = (await g.as('fenced').request('GET', '/v1/queue')).json
    refused(await g.as('fenced').predict({ ...offList, run_id: 'never-started' }), 403)
    refused(await g.as('fenced').predict({ task_suite: wait(), run_id: 'never-started', video_fps: 99 }), 400)
    refused(await g.as('fenced').request('GET', '/v1/runs/never-started'), 404)
    assert.deepEqual((await g.as('fenced').request('GET', '/v1/queue')).json, before)
  })

  check('http-api 4.5', 'the detached reply is a queued handle', async (g) => {
    const r = await g.as('acme').predict({ task_suite: wait(), profile_id: 'shop1', workflow_id: 'wf9', max_cost: 2 })
    assert.equal(r.status, 200)
    const h = r.json
    for (const key of ['status', 'mode', 'run_id', 'created_at', 'updated_at', 'model', 'payload', 'status_path', 'result_path', 'csv_path', 'events_path'])
      assert.ok(key in h, key)
    assert.deepEqual([h.status, h.mode, h.model], ['queued', 'detached', 'page'])
    assert.match(h.run_id, runIdForm)
    assert.match(h.created_at, stamp)
    assert.match(h.updated_at, stamp)
    assert.ok(h.created_at <= h.updated_at)
    assert.deepEqual([h.payload.profile_id, h.payload.workflow_id, h.payload.max_cost], ['acme__shop1', 'acme__wf9', 2])
    for (const [key, file] of [['status_path', 'status.json'], ['result_path', 'result.json'], ['csv_path', 'leads.csv'], ['events_path', 'events.log']])
      assert.ok(h[key].endsWith(`/tenants/acme/runs/${h.run_id}/${file}`), h[key])
    assert.equal((await g.as('acme').status(h.run_id)).run_id, h.run_id)
  })

  check('http-api 4.5', 'detached is the default, and what the handle says is on disk when it is answered', async (g) => {
    const r = await g.as('acme').predict({ task_suite: wait(), profile_id: 'default-mode' })
    assert.equal(r.json.mode, 'detached')
    assert.equal((await g.as('acme').request('GET', `/v1/runs/${r.json.run_id}`)).status, 200)
  })

  check('http-api 4.5', 'payload echoes the request without task_file_contents', async (g) => {
    const fields = { task_file_contents: JSON.stringify({ steps: wait() }), profile_id: 'echo', plan_name: 'a label', resume_state: true, reason: 'why', unknown_field: { a: 1 } }
    const { payload } = (await g.as('acme').predict(fields)).json
    assert.ok(!('task_file_contents' in payload))
    for (const key of ['plan_name', 'resume_state', 'reason', 'unknown_field']) assert.deepEqual(payload[key], fields[key], key)
  })

  check('http-api 4.5', 'payload, status, result, files and log hold no secret of the request', async (g) => {
    const secret = 'ScRt-8c1f'
    const suite = { _micro_plan: wait(), auth: { password: secret }, _oracle_admin_token: secret, _oracle_preview_token: secret, _browser_extra_headers: { cookie: secret } }
    const acme = g.as('acme')
    const r = await acme.predict({ task_suite: suite, profile_id: 'secrets', auth: secret, _oracle_admin_token: secret, _oracle_preview_token: secret,
      webhook_secret_name: secret, _browser_extra_headers: { a: secret } })
    assert.equal(r.status, 200, r.text)
    assert.ok('_micro_plan' in r.json.payload.task_suite, 'the plan itself is shown')
    const id = r.json.run_id
    for (const text of [r.text, (await acme.predict({ action: 'status', run_id: id })).text, (await acme.predict({ action: 'result', run_id: id })).text,
      (await acme.predict({ action: 'logs', run_id: id })).text, (await acme.predict({ action: 'cancel', run_id: id })).text, g.server.child.log])
      assert.ok(!text.includes(secret), text.slice(0, 400))
    const dir = `${g.server.dir}/tenants/acme/runs/${id}`
    for (const file of fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()))
      assert.ok(!fs.readFileSync(`${file.path}/${file.name}`, 'utf8').includes(secret), file.name)
  })

  check('http-api 4.5', 'the caller\'s token and the server\'s secrets are in no reply and no log line', async (g) => {
    const r = await g.as('acme').predict({ task_suite: wait(), profile_id: 'no-token' })
    const status = await g.as('acme').predict({ action: 'status', run_id: r.json.run_id })
    for (const text of [r.text, status.text, g.server.child.log]) for (const token of Object.values(g.server.tokens)) assert.ok(!text.includes(token))
  })

  check('http-api 4.5', 'the sync reply is the result object itself', async (g) => {
    const r = await g.waits
    assert.equal(r.status, 200, r.text)
    assert.ok(!('status' in r.json) && !('result' in r.json), Object.keys(r.json).join())
    assert.match(r.json.run_id, runIdForm)
    assert.equal(r.json.mode, 'micro_intent')
    assert.equal(r.json.terminal_status, 'completed')
    assert.deepEqual(r.json, (await g.as('sync').result(r.json.run_id)).result)
  })

  check('http-api 4.5', 'a sync run writes the same files as a detached one and is polled the same way', async (g) => {
    const { run_id: id } = (await g.waits).json
    const status = await g.as('sync').status(id)
    assert.deepEqual([status.status, status.mode, status.terminal], ['succeeded', 'sync', true])
    const dir = `${g.server.dir}/tenants/sync/runs/${id}`
    for (const name of ['status.json', 'result.json', 'events.log', 'payload.json']) assert.ok(fs.existsSync(`${dir}/${name}`), name)
    assert.equal(JSON.parse(fs.readFileSync(`${dir}/status.json`, 'utf8')).run_id, id)
    assert.deepEqual(JSON.parse(fs.readFileSync(`${dir}/result.json`, 'utf8')), (await g.waits).json)
  })

  check('http-api 4.6', 'a dry run has every part that is promised', async (g) => {
    const d = await dryRun(g.as('acme'), { task_suite: mixed, profile_id: 'p', workflow_id: 'w', max_cost: 3 })
    for (const key of ['dry_run', 'tenant_id', 'profile_id', 'workflow_id', 'cua_model', 'compute_backend', 'task_suite', 'plan_summary', 'cost_estimate', 'next_step'])
      assert.ok(key in d, key)
    assert.deepEqual([d.dry_run, d.tenant_id, d.profile_id, d.workflow_id, d.cua_model, d.compute_backend], [true, 'acme', 'acme__p', 'acme__w', 'page', 'browser_use_plane'])
    assert.equal(typeof d.next_step, 'string')
    assert.equal(d.task_suite._micro_plan.length, mixed.length)
    for (const key of ['cua_model', 'gpu_usd', 'claude_usd', 'other_usd', 'estimated_total_usd', 'note']) assert.ok(key in d.cost_estimate, key)
  })

  check('http-api 4.6', 'a dry run counts the steps', async (g) => {
    const { plan_summary: s } = await dryRun(g.as('acme'), { task_suite: mixed })
    assert.deepEqual(s, { step_count: 6, by_type: { navigate: 1, scroll: 1, extract_data: 2, submit: 1, wait: 1 }, with_inline_extract_schema: 1, gate_steps: 1, required_steps: 2 })
  })

  for (const [model, [step, each]] of Object.entries(models))
    check('http-api 4.6', `a dry run for ${model} costs ${step} a step and ${each} a look`, async (g) => {
      const two = (await dryRun(g.as('acme'), { task_suite: mixed, cua_model: model })).cost_estimate
      assert.equal(two.cua_model, model)
      near(two.gpu_usd, 6 * step)
      near(two.claude_usd, 4 * each) // two extractions, a submit, a gate
      near(two.other_usd, 0.02)
      near(two.estimated_total_usd, two.gpu_usd + two.claude_usd + 0.02)
      const none = (await dryRun(g.as('acme'), { task_suite: wait(), cua_model: model })).cost_estimate
      near(none.claude_usd, each)
    })

  check('http-api 4.6', 'a dry run takes no lock, no slot and no run id, and leaves nothing', async (g) => {
    const full = g.as('full')
    const holder = await full.submit({ task_suite: wait(), profile_id: 'held' })
    refused(await full.predict({ task_suite: wait(), profile_id: 'other' }), 429)
    const live = (await full.request('GET', '/v1/queue')).json
    for (const profile_id of ['held', 'other']) {
      const d = await full.predict({ task_suite: wait(), profile_id, run_id: 'dry-run-id', dry_run: true })
      assert.equal(d.status, 200, d.text)
      assert.ok(!('run_id' in d.json))
    }
    refused(await full.request('GET', '/v1/runs/dry-run-id'), 404)
    assert.deepEqual((await full.request('GET', '/v1/queue')).json, live)
    await full.predict({ action: 'cancel', run_id: holder })
    assert.equal((await full.predict({ task_suite: wait(), profile_id: 'other' })).status, 200)
  })

  check('http-api 4.6', 'a dry run refuses what the run would refuse', async (g) => {
    refused(await g.as('acme').predict({ dry_run: true }), 400)
    refused(await g.as('acme').predict({ dry_run: true, task_suite: [{ type: 'wait' }] }), 400)
    refused(await g.as('acme').predict({ dry_run: true, task_suite: wait(), run_id: 'a b' }), 400)
    refused(await g.as('fenced').predict({ dry_run: true, ...offList }), 403)
    refused(await g.as('reader').predict({ dry_run: true, task_suite: wait() }), 403)
  })

  check('http-api 4.6', 'what a dry run shows can be sent as the plan and is the same plan', async (g) => {
    const d = await dryRun(g.as('acme'), { task_suite: mixed })
    const again = await dryRun(g.as('acme'), { task_suite: d.task_suite })
    assert.deepEqual(again.task_suite, d.task_suite)
    assert.equal(again.workflow_id, d.workflow_id)
  })
})
