// What a caller with nothing but the documents stumbled over once.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { cases } from '../lib/cases.mjs'
import { bin, slow, tempDir, until } from '../lib/harness.mjs'
import { dryRun, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { newToken, startTenants } from '../lib/tenants.mjs'

const tenants = {
  acme: roomy,
  board: { ...roomy, tenant_id: 'acme', scopes: ['status'] },
  leaving: { ...roomy, tenant_id: 'acme', label: 'leaving' },
  busy: roomy,
}

// quiet: its only slot is taken. lively: runs that go on.
async function start() {
  const [quiet, lively] = await Promise.all([
    startTenants(tenants, { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } }),
    startTenants({ acme: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '2' } })])
  await takeSlot(quiet.as('busy'))
  return { quiet, lively, acme: quiet.as('acme'), live: lively.as('acme') }
}

const stop = async (g) => { await Promise.all([g.quiet.stop(), g.lively.stop()]) }

const checked = (env) => {
  const dir = tempDir('check')
  const told = spawnSync(bin, ['serve', '--check'], { encoding: 'utf8', env: { PATH: process.env.PATH, MANTIS_DATA_DIR: dir, ...env } }).stdout
  fs.rmSync(dir, { recursive: true })
  return told
}
const keys = (...entries) => JSON.stringify({ tenant_keys: Object.fromEntries(entries.map((e) => [newToken(), e])) })
const at = (url) => [{ type: 'navigate', intent: 'Open it', params: { url } }]

cases({ start, stop }, (check) => {
  check('http-api 4.5', 'what a step types and where the caller is called back stays with the caller', async ({ acme, quiet }) => {
    const fill = { type: 'fill_field', intent: 'Pin', params: { label: 'Pin', value: 'geheim' } }
    const id = await acme.submit({ profile_id: 'typed', callback_url: 'http://127.0.0.1:9/in?key=geheim',
      task_suite: { _micro_plan: [...at('http://x.invalid/'), { type: 'loop', intent: 'Twice', steps: [fill] }] } })
    const r = await quiet.as('board').request('GET', `/v1/runs/${id}/status`)
    assert.equal(r.status, 200, r.text)
    assert.ok(!r.text.includes('geheim'), r.text)
    assert.equal(r.json.payload.callback_url, 'http://127.0.0.1:9/in')
    assert.equal(r.json.payload.task_suite._micro_plan[1].steps[0].params.value, '***')
  })

  check('tenancy 4', 'an open stream ends when its token is revoked', async ({ quiet, acme }) => {
    const id = await acme.submit({ task_suite: wait(), profile_id: 'streamed' })
    const r = await fetch(`${quiet.base}/v1/runs/${id}/events?sse=true`, { headers: { 'X-Mantis-Token': quiet.tokens.leaving } })
    const { leaving: _, ...rest } = tenants
    quiet.writeKeys(rest)
    const text = await r.text()
    quiet.writeKeys(tenants)
    assert.ok(text.endsWith(`event: revoked\ndata: {"reason":"token_revoked","run_id":"${id}"}\n\n`), text)
  })

  check('tenancy 3', 'serve --check counts what it warns about and names tenant and field', async () => {
    assert.match(checked({ MANTIS_API_TOKEN: newToken() }), /^settings +ok\n/)
    const one = checked({ MANTIS_TENANT_KEYS_JSON: keys({ tenant_id: 'acme', scope: ['status'] }) })
    assert.match(one, /^settings +ok, 1 warning\n/)
    assert.match(one, /tenant 'acme'.*'scope'/)
    const two = keys({ tenant_id: 'acme', maxcost: 1 }, { tenant_id: 'bee' })
    assert.match(checked({ MANTIS_TENANT_KEYS_JSON: two }), /^settings +ok, 2 warnings\nwarning .*MANTIS_METRICS_TOKEN/)
    assert.match(checked({ MANTIS_TENANT_KEYS_JSON: two, MANTIS_METRICS_TOKEN: newToken() }), /^settings +ok, 1 warning\n/)
  })

  check('http-api 14', 'fields of a recipe may be names alone', async ({ acme }) => {
    const r = await acme.request('POST', '/v1/recipes', { name: 'plain', schema: { fields: ['title', { name: 'price' }] } })
    assert.equal(r.status, 200, r.text)
    assert.deepEqual((await acme.request('GET', '/v1/recipes/plain')).json.schema.fields, [{ name: 'title' }, { name: 'price' }])
    assert.equal(refused(await acme.request('POST', '/v1/recipes', { schema: { fields: ['a'] } }), 400).json.detail, "'name' is missing")
  })

  check('http-api 4.6', 'a dry run refuses a model that nobody knows, and warns of a price above the cap', async ({ acme }) => {
    refused(await acme.predict({ dry_run: true, task_suite: wait(), cua_model: 'no-such' }), 400, /no-such.*page/)
    const d = await dryRun(acme, { task_suite: wait(), cua_model: 'holo3', max_cost: 0.01 })
    assert.match(d.warnings.join(), /estimate of 0.044 USD.*max_cost/)
  })

  check('http-api 4.5', 'what is taken but not as it was meant is said in the handle, the events and the dry run', async ({ acme }) => {
    const body = { profile_id: 'ü', resume_state: true, task_suite: { steps: [{ type: 'dance', intent: 'Dance' }], mistake: 1 } }
    const wanted = [/'dance'/, /'mistake'/, /profile_id 'ü' is kept as 'acme__micro_state-[0-9a-f]{8}'/, /resume_state/]
    const { run_id: id, warnings } = (await acme.predict(body)).json
    for (const re of wanted) assert.ok(warnings.some((w) => re.test(w)), `${re} in ${warnings}`)
    const said = (await acme.request('GET', `/v1/runs/${id}/events`)).json.events.filter((e) => e.kind === 'warning')
    assert.deepEqual(said.map((e) => e.detail.warnings), [warnings])
    assert.deepEqual((await dryRun(acme, body)).warnings.sort(), [...warnings].sort())
    assert.ok(!('warnings' in (await acme.predict({ task_suite: wait(), profile_id: 'plain' })).json))
  })

  check('http-api 9', 'the phase text ends with its hint', async ({ acme }) => {
    const id = await acme.submit({ task_suite: wait(), profile_id: 'phase' })
    assert.match((await acme.request('GET', `/v1/runs/${id}`)).text, /"polling_backoff_ms_hint":\d+}$/)
  })

  check('http-api 10', 'a page that did not open is named with the reason', async ({ live }) => {
    const id = await live.submit({ task_suite: at('http://127.0.0.1:1/'), profile_id: 'down' })
    const s = await live.end(id)
    assert.match(s.error, /^step 1 \(navigate\) could not open http:\/\/127\.0\.0\.1:1\/: the (connection was refused|browser does not open that port)$/, JSON.stringify(s))
    const { step_index, step_type, url, data } = s.failure_help.context
    assert.deepEqual([step_index, step_type, url], [0, 'navigate', 'http://127.0.0.1:1/'])
    assert.match(data, /^bad_url:dns ERR_/)
    assert.ok(!JSON.stringify(s.failure_help).includes('proxy'))
  })

  check('plans 8.1', 'a navigate step that names no address is refused by its number', async ({ acme }) => {
    refused(await acme.predict({ task_suite: [...wait(), { type: 'navigate', intent: 'Open the shop' }] }), 400, /step 1: navigate names no address/)
    await dryRun(acme, { task_suite: [{ type: 'navigate', intent: 'Open http://x.example/ now' }] })
  })

  check('http-api 1', 'a body that is not plain JSON is refused for what it is', async ({ acme }) => {
    refused(await acme.predict('{"max_time_minutes":99999999999999999999}'), 400, /'max_time_minutes' is too large/)
    refused(await acme.predict({ max_time_minutes: 1e300, task_suite: wait() }), 400, /'max_time_minutes' is too large/)
    refused(await acme.predict({}, { 'Content-Encoding': 'gzip' }), 400, /'gzip' is not supported; send plain JSON/)
    refused(await acme.predict('micro=x', { 'Content-Type': 'application/x-www-form-urlencoded' }), 400, /send a JSON object/)
    refused(await acme.predict({ max_cost: '0x10', task_suite: wait() }), 400, /max_cost/)
    refused(await acme.predict({ brain_budgets: { click: -1 }, task_suite: wait() }), 400, /brain_budgets.click/)
    refused(await acme.predict({ extraction_schema: { fields: ['a', 'a'] }, task_suite: wait() }), 400, /extraction_schema.fields\[1\]/)
    refused(await acme.predict({ extraction_schema: { fields: ['a'], required_fields: ['b'] }, task_suite: wait() }), 400, /extraction_schema.required_fields\[0\]/)
  })

  check('http-api 11', 'a stream tells that its run is paused and goes on', async ({ acme, quiet }) => {
    const id = await acme.submit({ task_suite: wait(), profile_id: 'pausing' })
    const r = await fetch(`${quiet.base}/v1/runs/${id}/events?sse=true`, { headers: { 'X-Mantis-Token': acme.token } })
    const text = r.text()
    await acme.predict({ action: 'pause', run_id: id })
    await until(5000 * slow, 'the pause', async () => (await acme.status(id)).status === 'paused')
    assert.equal((await acme.predict({ action: 'resume', run_id: id })).json.status, 'queued')
    await acme.predict({ action: 'cancel', run_id: id })
    assert.match(await text, /data: \{"phase":"queued","run_id":"[^"]*"\}\n\n/)
    assert.match(await text, /data: \{"phase":"running","run_id":"[^"]*","status":"paused"\}\n\n/)
  })

  check('http-api 9', 'a tenant lists its own runs, newest first, page by page, with the scope status', async ({ quiet, acme }) => {
    const made = []
    for (let i = 0; i < 5; i++) made.unshift(await acme.submit({ task_suite: wait(), profile_id: `listed-${i}` }))
    await acme.predict({ action: 'cancel', run_id: made[2] })
    const list = (query, caller = quiet.as('board')) => caller.request('GET', `/v1/runs${query}`)
    const first = (await list('?limit=3')).json
    const second = (await list(`?limit=2&before=${first.next_before}`)).json
    assert.deepEqual([...first.runs, ...second.runs].map((r) => r.run_id), made)
    assert.deepEqual(Object.keys(first.runs[0]).sort(), ['cost_usd', 'created_at', 'finished_at', 'halt_class', 'mode', 'model', 'phase', 'plan', 'profile_id', 'run_id', 'started_at', 'status', 'terminal', 'updated_at', 'workflow_id'])
    assert.deepEqual((await list('?status=cancelled&limit=1')).json.runs.map((r) => [r.run_id, r.terminal]), [[made[2], true]])
    assert.ok((await list('', quiet.as('busy'))).json.runs.every((r) => !made.includes(r.run_id)))
    assert.equal((await list('?status=explode')).status, 422)
  })
})
