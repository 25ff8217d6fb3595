// POST /v1/cua: everything a caller can get wrong is told apart from the brain that is missing.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { queued, rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({
    acme: roomy, busy: roomy, slowly: { rate_limit_per_minute: 3 }, single: { ...roomy, max_concurrent_runs: 1 }, fenced: { ...roomy, allowed_domains: ['shop.example', '*.wild.example'] },
    watcher: { ...roomy, scopes: ['status', 'result', 'logs'] },
  }, { env: { MANTIS_BRAIN: 'none', MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_MAX_STEPS_PER_PLAN: '50' } })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme') }
}

const cua = (caller, body, headers) => caller.request('POST', '/v1/cua', body, headers)
const noModel = (reply) => refused(reply, 503, /no model/)

// [field, values that are taken, values that are refused]; null is taken where the field has no default
const fields = [
  ['start_url', ['', 'https://shop.example/', null], [5, [], {}]],
  ['settle_time', [0, 2, 30, '2.5'], [-0.1, 30.1, 'soon', []]],
  ['max_steps', [1, 30, 50, '7', 20.0], [0, 51, -1, 1.5, 'x', null]],
  ['frames_per_inference', [1, 8, '3'], [0, 9, 2.5, 'x']],
  ['ground_clicks', [true, false, 'yes', 0], ['maybe', 2, []]],
  ['decompose', [true, 'off'], ['maybe', {}]],
  ['detached', [true, false, 'on'], ['maybe', null]],
  ['profile_id', ['shop 1', ''], [5, []]],
  ['workflow_id', ['wf', null], [5]],
  ['state_key', ['s', null], [{}]],
  ['max_cost', [0.5, '2', null], [0, -1, 'x', []]],
  ['max_time_minutes', [1, '20', null], [0, -5, 1.5, 'x']],
  ['proxy_city', ['', null], [5]],
  ['proxy_disabled', [true, 'no'], ['maybe']],
  ['record_video', [false, 'off', true], ['maybe']],
  ['video_cuts', ['both', 'polished', 'raw'], ['none', 5]],
  ['video_format', ['mp4', 'webm', 'gif'], ['avi', 5]],
  ['video_fps', [1, 30, '5'], [0, 31, 'x']],
  ['live_viewer', [false, 'n'], ['maybe']],
  ['callback_url', ['https://hooks.example/x', '', null], ['ftp://hooks.example', 'no address', 5]],
  ['route_som_clicks', [null, false], ['maybe', 5, []]],
  ...['perceptual_verify', 'loop_recovery', 'done_gate', 'predicate_verify', 'adaptive_settle', 'form_controller', 'loop_adaptive', 'adaptive_click_tol', 'reuse_session', 'speculation']
    .map((name) => [name, [true, false, null, 'on'], ['maybe', 5, []]]),
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 6', 'without a token 401, with a wrong one 401, with a reading one 403', async (g) => {
    assert.equal((await fetch(`${g.server.base}/v1/cua`, { method: 'POST', body: '{}' })).status, 401)
    refused(await cua(g.server.as('a-token-of-nobody-here'), { instruction: 'x' }), 401, /invalid/)
    refused(await cua(g.server.as('watcher'), { instruction: 'x' }), 403, /run/)
  })

  check('http-api 6', 'where the brain is none, a right call is 503 and says that no model is there', async (g) => {
    noModel(await cua(g.acme, { instruction: 'Find the price of the blue boat' }))
    noModel(await cua(g.acme, { instruction: 'x', start_url: 'https://shop.example/', detached: true, profile_id: 'p', max_steps: 10, some_future_field: 1 }))
  })

  for (const [what, body] of [['missing', {}], ['empty', { instruction: '' }], ['blank', { instruction: '   ' }], ['a number', { instruction: 5 }], ['a list', { instruction: ['x'] }], ['null', { instruction: null }]])
    check('http-api 6', `an instruction that is ${what} is 400`, async (g) => refused(await cua(g.acme, body), 400, /instruction/))

  for (const [what, body] of [['no JSON', '{"instruction":'], ['a list', '[]'], ['a word', '"x"'], ['nothing', '']])
    check('http-api 6', `a body that is ${what} is 400`, async (g) => refused(await cua(g.acme, body), 400))

  for (const [field, good, bad] of fields) {
    check('http-api 6', `${field} takes ${good.map((v) => JSON.stringify(v)).join(', ')}`, async (g) => {
      for (const v of good) noModel(await cua(g.acme, { instruction: 'x', [field]: v }))
    })
    check('http-api 6', `${field} refuses ${bad.map((v) => JSON.stringify(v)).join(', ')} by name`, async (g) => {
      for (const v of bad) refused(await cua(g.acme, { instruction: 'x', [field]: v }), 400, new RegExp(field))
    })
  }

  check('http-api 6', 'another model than the one that runs is 400', async (g) => {
    refused(await cua(g.acme, { instruction: 'x', cua_model: 'holo3' }), 400, /cua_model|holo3/)
  })

  for (const [what, body, host] of [['start_url', { instruction: 'x', start_url: 'https://evil.example/' }, 'evil\\.example'], ['instruction', { instruction: 'open https://other.example/a and then http://third.example' }, 'other\\.example.*third\\.example']])
    check('http-api 15', `a host in the ${what} of an instruction call that is not allowed is 403 and listed`, async (g) => {
      refused(await cua(g.server.as('fenced'), body), 403, new RegExp(host))
    })

  check('http-api 15', 'allowed hosts of an instruction call pass', async (g) => {
    noModel(await cua(g.server.as('fenced'), { instruction: 'look at http://a.wild.example/', start_url: 'https://shop.example/' }))
  })

  check('http-api 6', 'it spends rate tokens and says how many are left', async (g) => {
    const slowly = g.server.as('slowly')
    const left = []
    for (let i = 0; i < 3; i++) left.push(rateHeaders(noModel(await cua(slowly, { instruction: 'x' })))[1])
    assert.deepEqual(left, [2, 1, 0])
    const r = refused(await cua(slowly, { instruction: 'x' }), 429, /rate_limit_per_minute/)
    assert.ok(Number(r.headers.get('retry-after')) >= 1)
  })

  check('http-api 6', 'what is refused before the bucket spends nothing and has no rate headers', async (g) => {
    const r = refused(await cua(g.acme, {}), 400)
    assert.deepEqual(rateHeaders(r), [null, null, null])
  })

  check('http-api 6', 'it is held to the number of live runs', async (g) => {
    const single = g.server.as('single')
    const run_id = await queued(single)
    refused(await cua(single, { instruction: 'x' }), 429, /max_concurrent_runs/)
    await single.predict({ action: 'cancel', run_id })
    noModel(await cua(single, { instruction: 'x' }))
  })

  check('http-api 15', 'an Idempotency-Key of a plan is not one of an instruction', async (g) => {
    const key = { 'Idempotency-Key': 'shared' }
    const first = await g.acme.predict({ task_suite: wait(), profile_id: 'k' }, key)
    refused(await cua(g.acme, { instruction: 'x' }, key), 422)
    noModel(await cua(g.acme, { instruction: 'x' }, { 'Idempotency-Key': 'another' }))
    await g.acme.predict({ action: 'cancel', run_id: first.json.run_id })
  })

  check('http-api 6', 'nothing is left of a call that was refused: no run, no live slot', async (g) => {
    const before = (await g.acme.request('GET', '/v1/queue')).json
    await cua(g.acme, { instruction: 'x', detached: true })
    assert.deepEqual((await g.acme.request('GET', '/v1/queue')).json, before)
  })
})
