// isolation.test.mjs - two tenants on one server: nothing of one can be seen, guessed, changed or even
// told to exist by the other, on any route, whatever the path looks like.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import { after, before, test } from 'node:test'

import { until } from './lib/harness.mjs'
import { startTenants } from './lib/tenants.mjs'

const plan = (seconds) => [{ type: 'wait', intent: 'wait', params: { seconds } }]

let server, acme, rival
const ids = {}

before(async () => {
  const caps = { rate_limit_per_minute: 0, max_concurrent_runs: 50 }
  server = await startTenants({ acme: caps, rival: caps, other: caps },
    { env: { MANTIS_WEBHOOK_ALLOW_PRIVATE: '1', MANTIS_RUNTIME_CONCURRENCY: '2' } })
  acme = server.as('acme')
  rival = server.as('rival')
  // a receiver that is not there: the delivery stays, with its log
  const done = await acme.predict({ task_suite: plan(0), profile_id: 'one', callback_url: 'http://127.0.0.1:9/hook' })
  assert.equal(done.status, 200, done.text)
  ids.ended = done.json.run_id
  await acme.end(ids.ended)
  ids.live = await acme.submit({ task_suite: plan(600), profile_id: 'two' })
  assert.equal((await acme.request('POST', '/v1/recipes', { name: 'secret_recipe', schema: { fields: [{ name: 'title' }] } })).status, 200)
  const deliveries = await until(5000, 'a delivery', async () => {
    const r = await acme.request('GET', `/v1/runs/${ids.ended}/webhook`)
    return r.json.deliveries?.length && r.json.deliveries
  })
  ids.delivery = deliveries[0].delivery_id
})

after(async () => { await server?.stop() })

// Every route that names something of a tenant. id is a run.
const runRoutes = (id) => [
  ['GET', `/v1/runs/${id}`],
  ['GET', `/v1/runs/${id}/status`],
  ['GET', `/v1/runs/${id}/result`],
  ['POST', `/v1/runs/${id}/cancel`, { reason: 'not mine' }],
  ['GET', `/v1/runs/${id}/events`],
  ['GET', `/v1/runs/${id}/events?sse=true`],
  ['GET', `/v1/runs/${id}/video`],
  ['GET', `/v1/runs/${id}/video?track=chapters`],
  ['GET', `/v1/runs/${id}/steps`],
  ['GET', `/v1/runs/${id}/screenshots/step_1_0.png`],
  ['GET', `/v1/runs/${id}/webhook`],
  ['POST', `/v1/runs/${id}/webhook/replay`],
  ...['result.json', 'leads.csv', 'extracted_rows.csv', 'extracted_rows.json', 'final.png', 'status.json', 'claude_cost_by_path.json']
    .map((name) => ['GET', `/v1/runs/${id}/artifacts/${name}`]),
  ...['status', 'result', 'logs', 'cancel', 'pause', 'reasoning_trace'].map((action) => ['POST', '/v1/predict', { action, run_id: id }]),
  ['POST', '/v1/predict', { action: 'resume', run_id: id, user_input: 'x' }],
]

for (const kind of ['ended', 'live'])
  test(`another tenant's ${kind} run is 404 on every route, in the same words as one that never was`, async () => {
    const mine = runRoutes(ids[kind])
    const never = runRoutes('20200101_000000_00000000')
    for (let i = 0; i < mine.length; i++) {
      const [method, path, body] = mine[i]
      const foreign = await rival.request(method, path, body)
      const unknown = await rival.request(...never[i])
      assert.equal(foreign.status, 404, `${method} ${path} ${JSON.stringify(body)}: ${foreign.text}`)
      const said = (r, id) => r.text.replaceAll(id, '<id>')
      assert.equal(said(foreign, ids[kind]), said(unknown, '20200101_000000_00000000'), `${method} ${path}`)
    }
    assert.equal((await acme.status(ids.live)).terminal, false, 'the live run goes on')
  })

test('another tenant\'s recipe is 404, is not listed, and is not deleted', async () => {
  assert.equal((await rival.request('GET', '/v1/recipes/secret_recipe')).status, 404)
  assert.ok(!(await rival.request('GET', '/v1/recipes')).text.includes('secret_recipe'))
  const gone = await rival.request('DELETE', '/v1/recipes/secret_recipe')
  assert.equal(gone.json.deleted, false)
  assert.equal((await acme.request('GET', '/v1/recipes/secret_recipe')).status, 200)
  await rival.request('POST', '/v1/recipes', { name: 'secret_recipe', schema: { fields: [{ name: 'theirs' }] } })
  assert.equal((await acme.request('GET', '/v1/recipes/secret_recipe')).json.schema.fields[0].name, 'title')
})

test('another tenant\'s webhook delivery is 404 and is not listed', async () => {
  assert.equal((await rival.request('POST', `/v1/webhooks/${ids.delivery}/replay`)).status, 404)
  assert.ok(!(await rival.request('GET', '/v1/webhooks')).text.includes(ids.delivery))
  const mine = await acme.request('GET', '/v1/webhooks')
  assert.ok(mine.text.includes(ids.delivery), mine.text)
})

test('usage and a search are about the caller\'s runs only', async () => {
  const theirs = (await rival.request('GET', '/v1/usage')).json
  assert.deepEqual([theirs.tenant_id, theirs.live_runs, theirs.days], ['rival', 0, []])
  const mine = (await acme.request('GET', '/v1/usage')).json
  assert.deepEqual([mine.live_runs, mine.days[0].runs, mine.days[0].succeeded], [1, 2, 1])
  for (const id of [ids.ended, ids.live]) {
    assert.deepEqual((await rival.request('GET', `/v1/runs?q=${id}`)).json.runs, [])
    assert.deepEqual((await acme.request('GET', `/v1/runs?q=${id.toUpperCase()}`)).json.runs.map((r) => r.run_id), [id])
  }
})

test('the queue counts the caller\'s runs only', async () => {
  const q = (await rival.request('GET', '/v1/queue')).json
  assert.deepEqual([q.tenant_id, q.queued, q.running], ['rival', 0, 0])
  assert.ok(!JSON.stringify(q).includes(ids.live))
})

test('one profile name of two tenants is two profiles: no 409, and two directories', async () => {
  const r = await rival.predict({ task_suite: plan(0), profile_id: 'two' })
  assert.equal(r.status, 200, r.text)
  assert.equal(r.json.payload.profile_id, 'rival__two')
  const stolen = await rival.predict({ task_suite: plan(0), profile_id: 'acme__two' })
  assert.equal(stolen.json.payload.profile_id, 'rival__acme__two')
  const suite = await rival.predict({ task_suite: { _micro_plan: plan(0), _profile_id: 'acme__two', _workflow_id: 'acme__x', _checkpoint_path: '/etc/passwd' }, profile_id: 'three' })
  assert.equal(suite.json.payload.profile_id, 'rival__three')
  assert.ok(!suite.json.payload.workflow_id.startsWith('acme'))
})

test('a run id that another tenant uses can be used: neither learns of the other', async () => {
  const r = await rival.predict({ task_suite: plan(0), run_id: ids.live, profile_id: 'same-id' })
  assert.equal(r.status, 200, r.text)
  assert.equal(r.json.run_id, ids.live)
  await rival.end(ids.live)
  assert.equal((await acme.status(ids.live)).terminal, false)
  assert.equal((await server.as('other').request('GET', `/v1/runs/${ids.live}`)).status, 404)
})

test('an idempotency key is the tenant\'s own', async () => {
  const body = { task_suite: plan(0), profile_id: 'keys' }
  const a = await acme.predict(body, { 'Idempotency-Key': 'the-same' })
  const b = await rival.predict(body, { 'Idempotency-Key': 'the-same' })
  assert.equal(b.status, 200, b.text)
  assert.notEqual(a.json.run_id, b.json.run_id)
  assert.equal(b.headers.get('idempotency-replayed'), null)
})

test('a checkpoint of another tenant\'s workflow is not taken up', async () => {
  const r = await rival.predict({ task_suite: plan(0), workflow_id: 'acme__default', resume_state: true, profile_id: 'resume' })
  assert.equal(r.json.payload.workflow_id, 'rival__acme__default')
})

// fetch() tidies paths up; this does not.
function raw(method, path, token) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', port: server.port, method, path, headers: { 'X-Mantis-Token': token } }, (res) => {
      let text = ''
      res.on('data', (d) => { text += d })
      res.on('end', () => resolve({ status: res.statusCode, text }))
    })
    req.on('error', reject)
    req.end()
  })
}

test('path tricks are 404 or 400 and give nothing away', async () => {
  const long = 'a'.repeat(4000)
  const tricks = [
    '..', '.', '%2e%2e', '%2E%2E%2Facme', '..%2f..%2facme', '..%5c..%5cacme', '....//', '%00', `${ids.live}%00`, `${ids.live}%2e`,
    `..%2facme%2fruns%2f${ids.live}`, `%2e%2e%2facme%2fruns%2f${ids.live}`, `../../acme/runs/${ids.live}`, `acme/${ids.live}`, `acme%2f${ids.live}`,
    `${ids.live}/`, `${ids.live}%20`, `%20${ids.live}`, `${ids.live};`, `${ids.live}%0a`, `${ids.live.toUpperCase()}%00`,
    long, '%C0%AE%C0%AE', '%EF%BC%8E%EF%BC%8E', '%E2%80%8B', '%F0%9F%A6%97', '%FF%FE', "'%20OR%201=1--", '*', '?', '%25', '%252e%252e',
  ]
  const secrets = [/"tenant_id":"acme"/, /acme__/, /root:x:/]
  for (const trick of tricks)
    for (const path of [`/v1/runs/${trick}`, `/v1/runs/${trick}/status`, `/v1/runs/${trick}/artifacts/result.json`, `/v1/runs/${ids.live}/artifacts/${trick}`, `/v1/recipes/${trick}`, `/docs/${trick}`]) {
      const r = await raw('GET', path, server.tokens.other)
      assert.ok([400, 404, 414].includes(r.status), `GET ${path.slice(0, 120)}: ${r.status} ${r.text.slice(0, 200)}`)
      for (const s of secrets) assert.doesNotMatch(r.text, s)
    }
})

test('files of one tenant are not readable by the user that runs another\'s browser', () => {
  const dir = `${server.dir}/tenants/acme`
  for (const name of ['runs', 'chrome-profile']) {
    const mode = fs.statSync(`${dir}/${name}`).mode & 0o777
    assert.equal(mode & 0o066, 0, `${name} can be listed or written by others: ${mode.toString(8)}`)
  }
})

// A guesser learns nothing from the clock. Medians of many calls, taken in turns; a difference a lookup
// in a file would make is several times larger than what is allowed here.
test('known and unknown ids of others take the same time', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (id) => new Promise((resolve, reject) => {
    const from = process.hrtime.bigint()
    http.get({ host: '127.0.0.1', port: server.port, agent, path: `/v1/runs/${id}`, headers: { 'X-Mantis-Token': server.tokens.other } }, (res) => {
      res.resume()
      res.on('end', () => resolve(Number(process.hrtime.bigint() - from)))
    }).on('error', reject)
  })
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]
  const known = []
  const unknown = []
  for (let i = 0; i < 2000; i++) {
    known.push(await ask(ids.ended))
    unknown.push(await ask(`20261124_0937${String(i).padStart(4, '0').slice(0, 2)}_${i.toString(16).padStart(8, '0')}`))
  }
  agent.destroy()
  const [a, b] = [median(known), median(unknown)]
  assert.ok(Math.abs(a - b) < 0.25 * Math.max(a, b), `known ${a} ns, unknown ${b} ns`)
})
