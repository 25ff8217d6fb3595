// The route table: who may call what, which methods a path has, aliases and twins.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { neverWas, queued, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startServer } from '../lib/harness.mjs'
import { startTenants } from '../lib/tenants.mjs'

// One token of the same tenant per set of scopes.
const scopes = { nothing: [], run: ['run'], status: ['status'], result: ['result'], logs: ['logs'], three: ['status', 'result', 'logs'] }

async function start() {
  const tokens = Object.fromEntries(Object.entries(scopes).map(([name, list]) => [name, { ...roomy, tenant_id: 'acme', scopes: list }]))
  const server = await startTenants({ ...tokens, plain: { ...roomy, tenant_id: 'acme' }, odd: { ...roomy, tenant_id: 'acme', scope: [] }, busy: roomy },
    { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  const acme = server.as('run')
  const ended = await queued(acme)
  await acme.predict({ action: 'cancel', run_id: ended })
  const live = await queued(acme)
  return { server, acme, ended, live }
}

const act = (action) => (g) => ['POST', '/v1/predict', { action, run_id: g.ended }]
const get = (path) => (g) => ['GET', path.replace('{id}', g.ended)]

// What may be done with which scope; 'run' is enough for everything. All calls are harmless: they name a
// run that has ended, or are refused for another reason once they are let in.
const matrix = [
  ['POST /v1/predict, run mode', [], () => ['POST', '/v1/predict', { task_suite: wait(), dry_run: true }]],
  ['POST /predict, run mode', [], () => ['POST', '/predict', { task_suite: wait(), dry_run: true }]],
  ['action=status', ['status'], act('status')],
  ['action=result', ['result'], act('result')],
  ['action=logs', ['logs'], act('logs')],
  ['action=reasoning_trace', ['logs'], act('reasoning_trace')],
  ['action=cancel', [], act('cancel')],
  ['action=pause', [], act('pause')],
  ['action=resume', [], act('resume')],
  ['action=graph_learn', [], () => ['POST', '/v1/predict', { action: 'graph_learn' }]],
  ['POST /v1/cua', [], () => ['POST', '/v1/cua', {}]],
  ['POST /v1/chat/completions', [], () => ['POST', '/v1/chat/completions', { messages: [] }]],
  ['GET /v1/runs/{run_id}', ['status'], get('/v1/runs/{id}')],
  ['GET /v1/runs/{run_id}/status', ['status'], get('/v1/runs/{id}/status')],
  ['GET /v1/runs/{run_id}/result', ['result'], get('/v1/runs/{id}/result')],
  ['POST /v1/runs/{run_id}/cancel', [], (g) => ['POST', `/v1/runs/${g.ended}/cancel`]],
  ['GET /v1/runs/{run_id}/events', ['status', 'logs'], get('/v1/runs/{id}/events')],
  ['GET /v1/runs/{run_id}/events?sse=true', ['status', 'logs'], get('/v1/runs/{id}/events?sse=true')],
  ['GET /v1/runs/{run_id}/video', ['result'], get('/v1/runs/{id}/video')],
  ['GET /v1/runs/{run_id}/artifacts/{name}', ['result'], get('/v1/runs/{id}/artifacts/result.json')],
  ['GET /v1/runs/{run_id}/steps', ['status', 'logs'], get('/v1/runs/{id}/steps')],
  ['GET /v1/runs/{run_id}/screenshots/{name}', ['result'], get('/v1/runs/{id}/screenshots/none.png')],
  ['GET /v1/usage', ['status', 'result', 'logs'], () => ['GET', '/v1/usage']],
  ['GET /v1/queue', ['status'], () => ['GET', '/v1/queue']],
  ['GET /v1/runs', ['status'], () => ['GET', '/v1/runs']],
  ['POST /v1/recipes', [], () => ['POST', '/v1/recipes', { name: '-bad-', schema: {} }]],
  ['DELETE /v1/recipes/{name}', [], () => ['DELETE', '/v1/recipes/not_there']],
  ['POST /v1/diagnose/fingerprint', [], () => ['POST', '/v1/diagnose/fingerprint', { target_url: 'ftp://x' }]],
]

const open = ['/health', '/v1/health', '/v1/version', '/v1/models', '/metrics', '/openapi.json', '/docs', '/redoc', '/console']

const paths = [
  ['/v1/predict', ['POST']], ['/predict', ['POST']], ['/v1/cua', ['POST']], ['/v1/chat/completions', ['POST']], ['/v1/models', ['GET']],
  ['/health', ['GET']], ['/v1/health', ['GET']], ['/v1/version', ['GET']], ['/metrics', ['GET']], ['/docs', ['GET']], ['/redoc', ['GET']],
  ['/openapi.json', ['GET']], ['/v1/runs/{id}', ['GET']], ['/v1/runs/{id}/status', ['GET']], ['/v1/runs/{id}/result', ['GET']],
  ['/v1/runs/{id}/cancel', ['POST']], ['/v1/runs/{id}/events', ['GET']], ['/v1/runs/{id}/video', ['GET']],
  ['/v1/runs/{id}/artifacts/leads.csv', ['GET']], ['/v1/queue', ['GET']], ['/v1/runs', ['GET']], ['/v1/recipes', ['GET', 'POST']], ['/v1/recipes/x', ['GET', 'DELETE']],
  ['/v1/diagnose/fingerprint', ['POST']], ['/v1/runs/{id}/steps', ['GET']], ['/v1/runs/{id}/screenshots/x.png', ['GET']], ['/v1/usage', ['GET']],
  ['/console', ['GET']], ['/console/main.js', ['GET']],
]
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const same = (a, b) => assert.deepEqual([a.status, a.json], [b.status, b.json])

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  for (const [what, enough, call] of matrix)
    check('http-api 2 scopes', `${what} takes ${['run', ...enough].join(' or ')}, nothing less`, async (g) => {
      for (const [name, has] of Object.entries(scopes)) {
        const may = has.includes('run') || enough.some((s) => has.includes(s))
        const r = await g.server.as(name).request(...call(g))
        if (may) assert.ok(![401, 403].includes(r.status), `${name}: ${r.status} ${r.text}`)
        else {
          refused(r, 403, /'run'/)
          for (const s of enough) assert.match(r.json.detail, new RegExp(`'${s}'`))
        }
      }
    })

  check('http-api 2 scopes', 'recipes can be read with any scope, not with none', async (g) => {
    for (const path of ['/v1/recipes', '/v1/recipes/search_results']) {
      refused(await g.server.as('nothing').request('GET', path), 403)
      for (const name of ['run', 'status', 'result', 'logs']) assert.equal((await g.server.as(name).request('GET', path)).status, 200, name)
    }
  })

  check('http-api 2 scopes', 'a token without a scopes entry may do everything; a singular "scope" says nothing', async (g) => {
    for (const name of ['plain', 'odd'])
      for (const [, , call] of matrix) assert.notEqual((await g.server.as(name).request(...call(g))).status, 403)
  })

  check('http-api 2 scopes', 'what is refused has not happened', async (g) => {
    const before = await g.acme.status(g.live)
    for (const name of ['nothing', 'status', 'result', 'logs', 'three']) {
      refused(await g.server.as(name).predict({ action: 'cancel', run_id: g.live }), 403)
      refused(await g.server.as(name).request('POST', `/v1/runs/${g.live}/cancel`), 403)
      refused(await g.server.as(name).predict({ action: 'pause', run_id: g.live }), 403)
      refused(await g.server.as(name).predict({ task_suite: wait(), run_id: `refused-${name}` }), 403)
      assert.equal((await g.acme.request('GET', `/v1/runs/refused-${name}`)).status, 404)
    }
    const after = await g.acme.status(g.live)
    assert.deepEqual([after.status, after.updated_at], [before.status, before.updated_at])
  })

  check('http-api 2 scopes', 'a wrong scope is 403 before the run is looked up', async (g) => {
    refused(await g.server.as('logs').request('GET', `/v1/runs/${neverWas}/status`), 403)
    refused(await g.server.as('status').predict({ action: 'cancel', run_id: neverWas }), 403)
    refused(await g.server.as('status').predict({ action: 'cancel', run_id: '../x' }), 403)
  })

  check('http-api 2', 'every protected route is 401 without a token and with a wrong one, in different words', async (g) => {
    for (const [what, , call] of [...matrix, ['GET /v1/recipes', [], () => ['GET', '/v1/recipes']], ['GET /v1/recipes/x', [], () => ['GET', '/v1/recipes/x']]]) {
      const [method, path, body] = call(g)
      const none = await fetch(g.server.base + path, { method, body: body && JSON.stringify(body) })
      const text = await none.text()
      const wrong = await g.server.as('f'.repeat(64)).request(method, path, body)
      assert.equal(none.status, 401, `${what}: ${text}`)
      refused(wrong, 401, /invalid/i)
      assert.match(JSON.parse(text).detail, /missing/i)
    }
  })

  check('http-api 2', 'an empty token is a missing one', async (g) => {
    refused(await g.acme.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': '' }), 401, /missing/i)
  })

  for (const path of open)
    check('http-api 2', `${path} needs no token and does not look at one`, async (g) => {
      assert.equal((await fetch(g.server.base + path)).status, 200)
      assert.equal((await g.server.as('wrong').request('GET', path)).status, 200)
      assert.equal((await g.server.as('nothing').request('GET', path)).status, 200)
    })

  for (const [path, has] of paths)
    check('http-api 2', `${path.replace('{id}', '{run_id}')} has ${has.join(' and ')} and no other method`, async (g) => {
      for (const method of methods.filter((m) => !has.includes(m))) {
        const r = refused(await g.acme.request(method, path.replace('{id}', g.ended), method === 'GET' ? undefined : {}), 405, /^Method Not Allowed$/)
        for (const m of has) assert.ok(r.headers.get('allow').split(', ').includes(m), `${method}: ${r.headers.get('allow')}`)
      }
    })

  check('http-api 2', 'HEAD is GET without the body', async (g) => {
    for (const path of ['/health', '/v1/version', '/v1/queue', `/v1/runs/${g.ended}`, `/v1/runs/${neverWas}`, '/nowhere']) {
      const [head, full] = [await g.acme.request('HEAD', path), await g.acme.request('GET', path)]
      assert.equal(head.status, full.status, path)
      assert.equal(head.text, '')
      assert.equal(head.headers.get('content-type'), full.headers.get('content-type'))
    }
  })

  check('http-api 2', 'paths that are nearly a route are 404', async (g) => {
    for (const path of ['/', '/v1', '/v1/', '/v1/predict/', '/predict/', '/v2/predict', '/V1/predict', '/v1/predict/x', '/v1/runs/',
      `/v1/runs/${g.ended}/`, `/v1/runs/${g.ended}/nothing`, `/v1/run/${g.ended}`, `/v1/runs/${g.ended}/artifacts`, `/v1/runs/${g.ended}/artifacts/`,
      '/v1/queue/', '/v1/recipes/', '/healthz', '/v1/metrics', '/openapi.yaml'])
      for (const method of ['GET', 'POST']) refused(await g.acme.request(method, path, method === 'POST' ? {} : undefined), 404, /^Not Found$/)
  })

  check('http-api 2', 'what is not offered yet is 404: debug bundles, computer sessions', async (g) => {
    for (const [method, path] of [['GET', `/v1/runs/${g.ended}/augur`], ['GET', `/v1/runs/${g.ended}/augur/files/x.json`], ['POST', '/v1/computer_sessions'],
      ['GET', '/v1/computer_sessions'], ['GET', '/v1/computer_sessions/x'], ['DELETE', '/v1/computer_sessions/x']])
      refused(await g.acme.request(method, path, method === 'POST' ? {} : undefined), 404)
  })

  check('http-api 2', '/predict and /v1/predict are one route', async (g) => {
    for (const body of [{ task_suite: wait(), dry_run: true }, { action: 'status', run_id: g.ended }, { action: 'status', run_id: neverWas }, {}, '{', { action: 'x', run_id: 'y' }])
      same(await g.acme.request('POST', '/predict', body), await g.acme.request('POST', '/v1/predict', body))
    const id = (await g.acme.request('POST', '/predict', { task_suite: wait(), profile_id: 'alias' })).json.run_id
    assert.equal((await g.acme.status(id)).status, 'queued')
  })

  check('http-api 2', '/health and /v1/health are one route', async (g) => {
    same(await g.acme.request('GET', '/health'), await g.acme.request('GET', '/v1/health'))
  })

  for (const action of ['status', 'result'])
    check('http-api 2', `GET /v1/runs/{run_id}/${action} is action=${action}`, async (g) => {
      for (const id of [g.ended, neverWas, 'a b', '..']) {
        const [a, b] = [await g.acme.request('GET', `/v1/runs/${encodeURIComponent(id).replaceAll('.', '%2e')}/${action}`), await g.acme.predict({ action, run_id: id })]
        if (id !== '..') same(a, b)
        else assert.ok([400, 404].includes(a.status) && b.status === 400, `${a.status} ${b.status}`)
      }
    })

  check('http-api 2', 'GET /v1/runs/{run_id}/events without sse is action=reasoning_trace', async (g) => {
    same(await g.acme.request('GET', `/v1/runs/${g.ended}/events`), await g.acme.predict({ action: 'reasoning_trace', run_id: g.ended }))
  })

  check('http-api 2', 'POST /v1/runs/{run_id}/cancel is action=cancel', async (g) => {
    const id = await queued(g.acme)
    const r = await g.acme.request('POST', `/v1/runs/${id}/cancel`)
    assert.equal(r.status, 200, r.text)
    assert.equal(r.json.status, 'cancelled')
    assert.deepEqual(r.json, (await g.acme.predict({ action: 'cancel', run_id: id })).json)
    assert.deepEqual(r.json, await g.acme.status(id))
  })

  check('http-api 2', 'the reason in the body of cancel is stored as cancel_reason', async (g) => {
    const id = await queued(g.acme)
    const r = await g.acme.request('POST', `/v1/runs/${id}/cancel`, { reason: 'ops-7', more: 1 })
    assert.equal(r.json.cancel_reason, 'ops-7')
    assert.equal((await g.acme.status(id)).cancel_reason, 'ops-7')
  })

  check('http-api 2', 'a body of cancel that cannot be read cancels all the same', async (g) => {
    for (const body of ['{', '[]', '"x"', { reason: 5 }, '']) {
      const id = await queued(g.acme)
      assert.equal((await g.acme.request('POST', `/v1/runs/${id}/cancel`, body)).json.status, 'cancelled', String(body))
    }
  })

  check('http-api 2', 'chat completions and video say clearly that they are not there', async (g) => {
    refused(await g.acme.request('POST', '/v1/chat/completions', { model: 'x', messages: [] }), 503, /model/)
    refused(await g.acme.request('GET', `/v1/runs/${g.ended}/video`), 404, new RegExp(g.ended))
  })

  check('http-api 3', '503 when no authentication is configured, on every protected route, whatever the token', async () => {
    const bare = await startServer({ token: '' })
    try {
      for (const [, , call] of matrix) {
        const [method, path, body] = call({ ended: neverWas })
        refused(await bare.request(method, path, body), 503, /auth|token/i)
        refused(await bare.request(method, path, body, { 'X-Mantis-Token': 'x' }), 503)
      }
      for (const path of open) assert.equal((await bare.request('GET', path)).status, 200, path)
    } finally { await bare.stop() }
  })

  check('http-api 3', '400 for what is no object or no JSON, on every route that takes one', async (g) => {
    for (const path of ['/v1/predict', '/predict', '/v1/cua', '/v1/recipes'])
      for (const body of ['', '{', '[]', '5', '"x"', 'null', '{"a":1}{"b":2}', '{"a":NaN}', "{'a':1}"]) refused(await g.acme.request('POST', path, body), 400)
  })

  check('http-api 3', '404 for a run that never was, on every route that names one', async (g) => {
    for (const [, , call] of matrix) {
      const [method, path, body] = call({ ended: neverWas })
      if (path.includes(neverWas) || body?.run_id === neverWas) refused(await g.acme.request(method, path, body), 404, new RegExp(neverWas))
    }
  })

  check('http-api 3', '400 for a run id that is not its sanitised form, on every route that names one', async (g) => {
    for (const id of ['_x', 'x_', '.x', 'x.', 'a b', 'a:b', 'ž', 'a'.repeat(500)])
      for (const [, , call] of matrix) {
        const [method, path, body] = call({ ended: neverWas })
        const named = [method, path.replace(neverWas, encodeURIComponent(id)), body && { ...body, ...(body.run_id && { run_id: id }) }]
        if (path.includes(neverWas) || body?.run_id) refused(await g.acme.request(...named), 400, /run_id/)
      }
  })
})
