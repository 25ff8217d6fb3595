// The options of a run: their ranges, and which of several values is in force.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { dryRun, queued, refused, roomy, runIdForm, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

async function start() {
  const server = await startTenants({ acme: roomy, busy: roomy, small: { ...roomy, max_cost_per_run: 4.5, max_time_minutes_per_run: 25 }, rich: { ...roomy, max_cost_per_run: 500, max_time_minutes_per_run: 500 } },
    { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_MAX_COST_USD: '6', MANTIS_MAX_RUNTIME_MINUTES: '40', MANTIS_ENV_URL: 'http://127.0.0.1:9' } })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme'), small: server.as('small'), rich: server.as('rich') }
}

const schema = { fields: [{ name: 'title' }] }
// field: values that are taken, values that are refused by name
const ranges = {
  detached: [[true, false, 'yes', 0], ['maybe', 2, []]],
  resume_state: [[true, 'off'], ['maybe', 1.5]],
  max_cost: [[0.01, 1, '2.5', 1e6], [0, -0.01, 'much', [], true]],
  max_time_minutes: [[1, '5', 20, 100000], [0, -1, 1.5, 'long']],
  max_steps: [[1, 30, '7'], [0, -1, 1.5, 'x']],
  cache_ttl_seconds: [[0, 1, 86400, 2592000, '60'], [-1, 2592001, 0.5, 'x']],
  video_format: [['mp4', 'webm', 'gif'], ['avi', 'MP4', 'mp3', 5]],
  video_fps: [[1, 5, 30, '24', 20], [0, 31, -1, 2.5, 'fast']],
  video_cuts: [['both', 'polished', 'raw'], ['none', '', 5]],
  record_video: [[true, false, 'yes'], ['maybe', 2]],
  compute_backend: [['browser_use_plane', ''], ['abacus', 'Browser_Use_Plane', 'computer', 5]],
  proxy_disabled: [[true, false], ['maybe']],
  decompose: [[true, false], ['maybe']],
  allow_raw_long_plan: [[true, false], ['maybe']],
  extraction_schema: [[schema, { ...schema, entity_name: 'offer', max_items: 3 }], [[], 'x', { fields: [] }, { fields: [{}] }, {}]],
  brain_budgets: [[{}, { click: 3 }], [[], 'x', { click: 'many' }]],
  pause_on_captcha: [[true, false, 'no'], ['maybe', 7]],
  settle_ceiling_seconds: [[0.5, 5, '3'], [-1, 'x', []]],
  max_recoveries_per_run: [[1, 10, '3'], [-1, 1.5, 'x']],
  max_recoveries_per_step: [[1, 10], [-1, 1.5, 'x']],
  callback_url: [['https://hooks.example.net/m', ''], ['hooks.example.net/m', 'ftp://hooks.example.net', 'https://', 'javascript:alert(1)', 5]],
  run_id: [['mine', 'a.b-c_d', '20260304_050607_9af31c2e'], ['a b', '.hidden', 'x_', '../x', 'a/b', 'ž', 'x'.repeat(500)]],
  objective: [['find it', ''], [5]],
  graph_learn: [[true, false], ['maybe']],
  graph_learn_only: [[true, false], ['maybe']],
  session_name: [['name'], [5]],
  base_url: [['http://x.example'], [5]],
  start_url: [['http://x.example'], [5]],
  plan_name: [['label'], [5]],
  cache_key: [['key'], [5]],
}

// What would change the run, and cannot be honoured by this server, is refused, not passed over.
const notYet = { compute_backend: 'computer_plane', proxy_city: 'Prague', proxy_provider: 'iproyal' }

const caps = [
  // [tenant, request, plan runtime, cost, minutes]
  ['small', {}, {}, 4.5, 25], ['rich', {}, {}, 6, 40],
  ['small', { max_cost: 1, max_time_minutes: 2 }, {}, 1, 2], ['rich', { max_cost: 5, max_time_minutes: 30 }, {}, 5, 30],
  ['small', { max_cost: 100, max_time_minutes: 100 }, {}, 4.5, 25], ['rich', { max_cost: 100, max_time_minutes: 100 }, {}, 6, 40],
  ['small', {}, { max_cost: 2, max_time_minutes: 3 }, 2, 3], ['small', {}, { max_cost: 200, max_time_minutes: 300 }, 4.5, 25],
  ['small', { max_cost: 3 }, { max_cost: 2, max_time_minutes: 3 }, 3, 3], ['small', { max_cost: 300, max_time_minutes: 300 }, { max_cost: 2, max_time_minutes: 3 }, 4.5, 25],
]

const pairs = [
  // http-api 4.3 read with plans.md section 1: every brain runs both shapes, so only "neither" is refused
  ['holo3', {}], ['claude', { session_name: 'x' }], ['fara', { tasks: [], _micro_plan: [] }], ['opencua-72b', { base_url: 'http://x.example' }],
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  for (const [field, [good, bad]] of Object.entries(ranges)) {
    check('http-api 4.3', `${field} takes ${JSON.stringify(good).slice(1, -1)}`, async ({ acme }) => {
      for (const value of good) {
        const r = await acme.predict({ task_suite: wait(), dry_run: true, [field]: value })
        assert.equal(r.status, 200, `${JSON.stringify(value)}: ${r.text}`)
      }
    })
    check('http-api 4.3', `${field} refuses by name what is no value of it`, async ({ acme }) => {
      for (const value of bad) refused(await acme.predict({ task_suite: wait(), dry_run: true, [field]: value }), 400, new RegExp(field))
    })
  }

  for (const [field, value] of Object.entries(notYet))
    check('http-api 4.3', `${field}: what this server cannot do is refused by name, not passed over`, async ({ acme }) => {
      refused(await acme.predict({ task_suite: wait(), [field]: value }), 400, new RegExp(field))
    })

  for (const [tenant, request, runtime, cost, minutes] of caps)
    check('tenancy 7', `caps of ${tenant}: request ${JSON.stringify(request)} over plan ${JSON.stringify(runtime)} is ${cost} USD, ${minutes} min`, async (g) => {
      const d = await dryRun(g[tenant], { task_suite: { steps: wait(), runtime }, ...request })
      assert.deepEqual([d.task_suite._max_cost, d.task_suite._max_time_minutes], [cost, minutes])
    })

  check('http-api 4.3', 'compute_backend of the request wins over the plan\'s', async ({ acme }) => {
    const suite = (plane) => ({ steps: wait(), runtime: plane && { compute_backend: plane } })
    assert.equal((await dryRun(acme, { task_suite: suite('browser_use_plane') })).compute_backend, 'browser_use_plane')
    refused(await acme.predict({ task_suite: suite('computer_plane'), dry_run: true }), 400, /compute_backend/)
    assert.equal((await dryRun(acme, { task_suite: suite('computer_plane'), compute_backend: 'browser_use_plane' })).compute_backend, 'browser_use_plane')
    refused(await acme.predict({ task_suite: suite('browser_use_plane'), compute_backend: 'computer_plane', dry_run: true }), 400, /computer_plane/)
    refused(await acme.predict({ task_suite: suite('abacus'), dry_run: true }), 400, /compute_backend.*abacus/)
  })

  check('http-api 4.3', 'without any word compute_backend is one that the model can work with', async ({ acme }) => {
    assert.equal((await dryRun(acme, { task_suite: wait() })).compute_backend, 'browser_use_plane')
  })

  check('http-api 4.3', 'a caller\'s run_id is the run\'s id', async ({ acme }) => {
    const r = await acme.predict({ task_suite: wait(), run_id: 'my.run-7', profile_id: 'own-id' })
    assert.equal(r.json.run_id, 'my.run-7')
    assert.equal((await acme.request('GET', '/v1/runs/my.run-7')).json.run_id, 'my.run-7')
  })

  check('http-api 4.3', 'an empty run_id is none: one is generated', async ({ acme }) => {
    assert.match((await acme.predict({ task_suite: wait(), run_id: '', profile_id: 'no-id' })).json.run_id, runIdForm)
  })

  check('http-api 3', 'a run_id that is active is 409 naming it, and the first run goes on', async ({ acme }) => {
    const id = await queued(acme, { run_id: 'only-once' })
    refused(await acme.predict({ task_suite: wait(), run_id: id, profile_id: 'only-once-too' }), 409, /only-once/)
    const s = await acme.status(id)
    assert.deepEqual([s.status, s.profile_id.startsWith('acme__queued')], ['queued', true])
  })

  check('http-api 3', 'a run_id that has ended is 409 too: its record stays', async ({ acme }) => {
    const id = await queued(acme, { run_id: 'ended-once' })
    const ended = (await acme.predict({ action: 'cancel', run_id: id })).json
    refused(await acme.predict({ task_suite: wait(), run_id: id, profile_id: 'ended-once' }), 409, /ended-once/)
    assert.deepEqual(await acme.status(id), ended)
  })

  check('http-api 4.3', 'cua_model of the server is taken, another one is 400 naming both', async ({ acme }) => {
    assert.equal((await acme.predict({ task_suite: wait(), cua_model: 'page', profile_id: 'model' })).status, 200)
    for (const name of ['holo3', 'claude', 'no-such-model', 'PAGE']) refused(await acme.predict({ task_suite: wait(), cua_model: name }), 400, new RegExp(`${name}.*page`))
  })

  for (const [model, suite] of pairs)
    check('http-api 4.3', `${model} with neither steps nor tasks is 400`, async ({ acme }) => {
      refused(await acme.predict({ dry_run: true, task_suite: suite, cua_model: model }), 400)
    })

  check('http-api 4.3', 'a known model takes a plan of steps', async ({ acme }) => {
    for (const model of ['holo3', 'claude']) assert.equal((await dryRun(acme, { task_suite: { _micro_plan: wait() }, cua_model: model })).cua_model, model)
  })

  check('http-api 4.3', 'plan_name is the file\'s stem unless it is given', async ({ acme }) => {
    const micro = 'plans/example/extract_listings.json'
    assert.equal((await dryRun(acme, { micro })).task_suite._plan_name, 'extract_listings')
    assert.equal((await dryRun(acme, { micro, plan_name: 'mine' })).task_suite._plan_name, 'mine')
  })

  check('http-api 4.3', 'objective, graph_learn and graph_learn_only have no effect on a run', async ({ acme }) => {
    const plain = await dryRun(acme, { task_suite: wait() })
    assert.deepEqual(await dryRun(acme, { task_suite: wait(), objective: 'x', graph_learn: true, graph_learn_only: true }), plain)
  })

  check('http-api 4.3', 'max_steps is 30 unless it is given, and is shown', async ({ acme }) => {
    assert.equal((await acme.predict({ task_suite: wait(), profile_id: 'ms-1' })).json.max_steps, 30)
    assert.equal((await acme.predict({ task_suite: wait(), profile_id: 'ms-2', max_steps: 7 })).json.max_steps, 7)
  })

  check('http-api 4.3', 'per-run runner overrides of the request win over the plan\'s', async ({ acme }) => {
    const runtime = { brain_budgets: { click: 9 }, pause_on_captcha: true, settle_ceiling_seconds: 9, max_recoveries_per_run: 9, max_recoveries_per_step: 9 }
    const asked = { brain_budgets: { click: 2 }, pause_on_captcha: false, settle_ceiling_seconds: 2, max_recoveries_per_run: 2, max_recoveries_per_step: 2 }
    const { task_suite: s } = await dryRun(acme, { task_suite: { steps: wait(), runtime }, ...asked })
    for (const [key, value] of Object.entries(asked)) assert.deepEqual(s[`_${key}`], value, key)
    const { task_suite: p } = await dryRun(acme, { task_suite: { steps: wait(), runtime } })
    for (const [key, value] of Object.entries(runtime)) assert.deepEqual(p[`_${key}`], value, key)
    const { task_suite: none } = await dryRun(acme, { task_suite: wait() })
    for (const key of Object.keys(asked)) assert.ok(!(`_${key}` in none), key)
  })

  check('http-api 4.3', 'a callback to a private address is refused before the run', async ({ acme }) => {
    for (const url of ['http://127.0.0.1/h', 'http://10.1.2.3/h', 'http://169.254.169.254/latest', 'http://[::1]/h', 'http://192.168.0.1:8080/h'])
      refused(await acme.predict({ task_suite: wait(), callback_url: url }), 400, /callback_url/)
  })
})
