// POST /v1/chat/completions without a model server: who may, what is checked, and the 503.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { rateHeaders, refused, roomy } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({ acme: roomy, slowly: { rate_limit_per_minute: 2 }, ...Object.fromEntries(['status', 'result', 'logs'].map((s) => [s, { ...roomy, scopes: [s] }])) })
  return { server, acme: server.as('acme') }
}

const chat = (caller, body, headers) => caller.request('POST', '/v1/chat/completions', body, headers)
const count = async (g, outcome) => Number(new RegExp(`^mantis_chat_completions_total\\{tenant_id="acme",outcome="${outcome}"\\} (\\d+)$`, 'm').exec((await g.acme.request('GET', '/metrics')).text)?.[1] ?? 0)

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 7', 'without a token it is 401', async (g) => {
    assert.equal((await fetch(`${g.server.base}/v1/chat/completions`, { method: 'POST', body: '{}' })).status, 401)
    refused(await chat(g.server.as('nobody-has-this-one'), { messages: [] }), 401, /invalid/)
  })

  check('http-api 7', 'a key for the model server is no token', async (g) => {
    const r = await fetch(`${g.server.base}/v1/chat/completions`, { method: 'POST', headers: { Authorization: `Bearer ${g.acme.token}` }, body: '{}' })
    assert.equal(r.status, 401)
  })

  for (const scope of ['status', 'result', 'logs'])
    check('http-api 7', `a token with ${scope} alone is 403`, async (g) => refused(await chat(g.server.as(scope), { messages: [] }), 403, /run/))

  check('http-api 7', 'GET is 405', async (g) => {
    const r = await g.acme.request('GET', '/v1/chat/completions')
    assert.equal(r.status, 405)
    assert.equal(r.headers.get('allow'), 'POST')
  })

  for (const [what, body] of [['no JSON', '{"messages":'], ['a list', '[]'], ['empty', '']])
    check('http-api 7', `a body that is ${what} is 400`, async (g) => refused(await chat(g.acme, body), 400, /JSON|empty/))

  for (const body of [{ model: 'page', messages: [{ role: 'user', content: 'hello' }] }, { messages: [], stream: true }, { model: 'gpt-x', messages: [], some_future_field: 1 }])
    check('http-api 7', `${JSON.stringify(body)} is 503: no model server runs here`, async (g) => {
      const r = refused(await chat(g.acme, body), 503, /model server/)
      assert.equal(r.headers.get('content-type'), 'application/json')
    })

  check('http-api 7', 'it charges a rate token', async (g) => {
    const slowly = g.server.as('slowly')
    assert.deepEqual(rateHeaders(refused(await chat(slowly, { messages: [] }), 503)).slice(0, 2), [2, 1])
    await chat(slowly, { messages: [] })
    const r = refused(await chat(slowly, { messages: [] }), 429, /rate_limit_per_minute/)
    assert.ok(Number(r.headers.get('retry-after')) >= 1)
  })

  check('http-api 7', 'its counter says upstream_error for the model that is not there, status_4xx for the caller\'s mistake', async (g) => {
    const before = [await count(g, 'upstream_error'), await count(g, 'status_4xx')]
    await chat(g.acme, { messages: [] })
    await chat(g.acme, '[')
    assert.deepEqual([await count(g, 'upstream_error'), await count(g, 'status_4xx')], [before[0] + 1, before[1] + 1])
  })

  check('http-api 7', 'an answer repeats no header of the request', async (g) => {
    const r = await chat(g.acme, { messages: [] }, { 'X-Forwarded-For': '10.9.8.7', Cookie: 'a=b', 'Accept-Encoding': 'br' })
    for (const k of ['x-forwarded-for', 'set-cookie', 'x-mantis-token', 'authorization', 'content-encoding']) assert.equal(r.headers.get(k), null, k)
  })
})
