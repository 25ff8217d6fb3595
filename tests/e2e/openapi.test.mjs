// The API's description: an OpenAPI linter has nothing to say about it, and live replies are what it
// says. A public EventSource client follows a run through cuts and sees each event once.

import assert from 'node:assert/strict'
import net from 'node:net'
import test, { after, before } from 'node:test'
import { rowKey, slow, startServer, startSite, until, within } from './lib/harness.mjs'
import { fromNpm, needs } from './lib/npm.mjs'
import { Description } from './lib/openapi.mjs'
import { startTenants } from './lib/tenants.mjs'

const [redocly, Ajv, addFormats, eventsource] = await Promise.all(
  ['@redocly/openapi-core', 'ajv/dist/2020.js', 'ajv-formats', 'eventsource'].map(fromNpm))

let site, server, acme, description, run
before(async () => {
  site = await startSite('marketplace')
  server = await startTenants({
    acme: { rate_limit_per_minute: 0, max_concurrent_runs: 20 }, nothing: { scopes: [] }, fenced: { allowed_domains: ['shop.example'] },
    limited: { rate_limit_per_minute: 1 }, 'limited by predict': { rate_limit_per_minute: 1 }, 'limited by predictAlias': { rate_limit_per_minute: 1 },
  }, { env: { MANTIS_ENV_URL: site.url, MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  acme = server.as('acme')
  description = new Description((await acme.request('GET', '/openapi.json')).json, Ajv?.default ?? Ajv, addFormats?.default ?? addFormats)
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

const example = { micro: 'plans/example/extract_listings.json', profile_id: 'described', max_cost: 2, max_time_minutes: 20 }

async function theRun() {
  run ??= (async () => {
    const id = await acme.submit({ ...example, callback_url: 'http://127.0.0.1:9/hook' })
    assert.equal((await acme.end(id)).status, 'succeeded')
    return id
  })()
  return run
}

async function fits(caller, operationId, method, path, body, headers) {
  const reply = await caller.request(method, path, body, headers)
  assert.deepEqual(description.complaintsOfReply(operationId, reply), [])
  return reply
}

// predict answers many things; the one it must be here.
async function predictFits(schema, body) {
  const reply = await acme.predict(body)
  assert.deepEqual(description.complaintsOfReply('predict', reply, schema), [])
  assert.deepEqual(description.complaintsOfReply('predict', reply), [])
  return reply.json
}

test('the linter finds nothing', needs(redocly), async () => {
  const config = await redocly.createConfig({
    extends: ['recommended-strict'],
    rules: {
      // /health, /v1/version, /v1/models, /openapi.json take no input and no token: nothing can be refused
      'operation-4xx-response': 'off',
      'operation-2xx-response': 'off', // a WebSocket answers 101
    },
  })
  const problems = await redocly.lintFromString({ source: JSON.stringify(description.document), absoluteRef: '/openapi.json', config })
  assert.deepEqual(problems.map((p) => `${p.ruleId} ${p.location[0]?.pointer}: ${p.message}`), [])
})

test('title and version are those of the server', async () => {
  const { info } = description.document
  assert.equal(info.title, 'Mantis CUA')
  assert.equal(info.version, (await acme.request('GET', '/v1/version')).json.version)
})

test('the document and the pages are kept by a browser until they change', async () => {
  const first = await acme.request('GET', '/openapi.json')
  const again = await acme.request('GET', '/openapi.json', undefined, { 'If-None-Match': first.headers.get('etag') })
  assert.equal(again.status, 304)
  assert.equal(again.text, '')
  assert.equal(first.headers.get('etag'), again.headers.get('etag'))
})

test('replies about a run are as described', { ...needs(Ajv, addFormats), timeout: 120000 * slow }, async () => {
  const id = await theRun()
  await fits(acme, 'getRunPhase', 'GET', `/v1/runs/${id}`)
  await fits(acme, 'getRunStatus', 'GET', `/v1/runs/${id}/status`)
  await fits(acme, 'getRunResult', 'GET', `/v1/runs/${id}/result`)
  await fits(acme, 'getRunEvents', 'GET', `/v1/runs/${id}/events`)
  await fits(acme, 'getRunArtifact', 'GET', `/v1/runs/${id}/artifacts/leads.csv`)
  const { steps } = (await fits(acme, 'getRunSteps', 'GET', `/v1/runs/${id}/steps`)).json
  await fits(acme, 'getRunScreenshot', 'GET', steps.find((s) => s.after_url).after_url)
  await fits(acme, 'getRunWebhook', 'GET', `/v1/runs/${id}/webhook`)
  await fits(acme, 'listWebhooks', 'GET', '/v1/webhooks?limit=5')
  await fits(acme, 'replayRunWebhook', 'POST', `/v1/runs/${id}/webhook/replay`, {})
  await fits(acme, 'cancelRun', 'POST', `/v1/runs/${id}/cancel`, { reason: 'too late' })
  for (const [action, schema] of Object.entries({ status: 'StatusDocument', result: 'ResultDocument', logs: 'LogsDocument', reasoning_trace: 'EventsDocument', cancel: 'StatusDocument' }))
    await predictFits(schema, { action, run_id: id })
})

test('a handle, a dry run and a result in the answer are as described', { ...needs(Ajv, addFormats), timeout: 120000 * slow }, async () => {
  const { run_id: id } = await predictFits('RunHandle', { ...example, profile_id: 'h' })
  await predictFits('StatusDocument', { action: 'pause', run_id: id })
  await predictFits('ResumeReply', { action: 'resume', run_id: id })
  await fits(acme, 'getQueue', 'GET', '/v1/queue')
  await fits(acme, 'getUsage', 'GET', '/v1/usage')
  await fits(acme, 'listRuns', 'GET', '/v1/runs?limit=5')
  await fits(acme, 'cancelRun', 'POST', `/v1/runs/${id}/cancel`)
  await predictFits('DryRun', { ...example, dry_run: true })
  await predictFits('Result', { ...example, profile_id: 's', detached: false })
})

test('replies of the other routes are as described', needs(Ajv, addFormats), async () => {
  await fits(acme, 'putRecipe', 'POST', '/v1/recipes', { name: 'mine', schema: { fields: [{ name: 'title' }] } })
  await fits(acme, 'listRecipes', 'GET', '/v1/recipes')
  await fits(acme, 'getRecipe', 'GET', '/v1/recipes/mine')
  await fits(acme, 'deleteRecipe', 'DELETE', '/v1/recipes/mine')
  for (const [id, path] of [['health', '/health'], ['healthAlias', '/v1/health'], ['version', '/v1/version'], ['listModels', '/v1/models'],
    ['metrics', '/metrics'], ['openapi', '/openapi.json'], ['docs', '/docs'], ['redoc', '/redoc'], ['docsAsset', '/docs/style.css'],
    ['console', '/console'], ['consoleAsset', '/console/style.css']])
    await fits(acme, id, 'GET', path)
})

const withBody = ({ method, op }) => method === 'POST' && op.requestBody
const bodyOf = (op) => { const json = op.requestBody.content['application/json']; return json.example ?? Object.values(json.examples)[0].value }
const pathOf = (pattern, id) => pattern.replace(/\{\w+\}/g, id)

async function refused(status, caller, operationId, body, headers, path) {
  const { method, path: pattern } = description.operations.get(operationId)
  const reply = await fits(caller, operationId, method, path ?? pathOf(pattern, 'nobody'), body, headers)
  assert.equal(reply.status, status, `${operationId}: ${reply.text}`)
}

// What every protected operation has in common: 401, 403, 503, 413, and 404 and 400 of an id.
test('every operation refuses a caller, a body and an id as described', { ...needs(Ajv, addFormats), timeout: 60000 * slow }, async () => {
  const closed = await startServer({ token: '' })
  try {
    for (const [id, operation] of description.operations) {
      if (operation.op.security.length === 0) continue
      const body = withBody(operation) ? bodyOf(operation.op) : undefined
      await refused(401, server.as(''), id, body)
      await refused(401, server.as('f'.repeat(64)), id, body)
      await refused(403, server.as('nothing'), id, body)
      await refused(503, closed, id, body)
      if (operation.op.responses['413']) await refused(413, acme, id, JSON.stringify({ task_file_contents: 'x'.repeat((id === 'chatCompletions' ? 21 : 9) << 20) }))
      if (operation.op.responses['404'] && operation.path.includes('{')) await refused(404, acme, id, body)
      if (operation.op.responses['400'] && operation.path.includes('{')) await refused(400, acme, id, body, {}, pathOf(operation.path, '-%20-'))
    }
  } finally {
    await closed.stop()
  }
})

for (const predict of ['predict', 'predictAlias'])
  test(`${predict} refuses a run as described`, { ...needs(Ajv, addFormats), timeout: 60000 * slow }, async () => {
    const limited = server.as(`limited by ${predict}`)
    const key = { 'Idempotency-Key': predict }
    await fits(acme, predict, 'POST', description.operations.get(predict).path, { ...example, profile_id: predict, run_id: predict }, key)
    await refused(422, acme, predict, { ...example, profile_id: 'other' }, key)
    await refused(409, acme, predict, { ...example, profile_id: predict })
    await acme.predict({ action: 'cancel', run_id: predict })
    await refused(400, acme, predict, '[1]')
    await refused(400, acme, predict, { ...example, max_cost: 0 })
    await refused(404, acme, predict, { micro: 'plans/none.json' })
    await refused(403, server.as('fenced'), predict, { task_suite: { steps: [{ type: 'navigate', intent: 'Open https://other.example/' }] } })
    const only = await limited.submit({ ...example, profile_id: 'one' })
    await refused(429, limited, predict, { ...example, profile_id: 'two' })
    await limited.predict({ action: 'cancel', run_id: only })
  })

test('the other operations refuse as described', { ...needs(Ajv, addFormats), timeout: 60000 * slow }, async () => {
  const limited = server.as('limited')
  const id = await acme.submit({ ...example, profile_id: 'keyed', run_id: 'keyed' })
  await acme.predict({ action: 'cancel', run_id: id })
  await acme.predict({ ...example, profile_id: 'k' }, { 'Idempotency-Key': 'k1' })
  await refused(422, acme, 'cua', { instruction: 'x' }, { 'Idempotency-Key': 'k1' })
  await refused(400, acme, 'cua', { instruction: '' })
  await refused(400, acme, 'chatCompletions', '')
  await refused(400, acme, 'putRecipe', { name: '-', schema: {} })
  await refused(400, acme, 'diagnoseFingerprint', { target_url: 'ftp://x' })
  await refused(422, acme, 'getRunEvents', undefined, {}, '/v1/runs/keyed/events?sse=banana')
  await refused(422, acme, 'getRunVideo', undefined, {}, '/v1/runs/keyed/video?raw=banana')
  await refused(422, acme, 'listWebhooks', undefined, {}, '/v1/webhooks?limit=many')
  await refused(422, acme, 'getRunSteps', undefined, {}, '/v1/runs/keyed/steps?after=many')
  await refused(422, acme, 'getRunVideo', undefined, {}, '/v1/runs/keyed/video?track=pictures')
  await refused(422, acme, 'listRuns', undefined, {}, '/v1/runs?limit=many')
  const { run_id: print } = (await fits(acme, 'diagnoseFingerprint', 'POST', '/v1/diagnose/fingerprint', { target_url: `${site.url}/` })).json
  await refused(409, acme, 'diagnoseFingerprint', {})
  await acme.predict({ action: 'cancel', run_id: print })
  const once = { instruction: 'Click "nothing"', start_url: `${site.url}/`, detached: true, profile_id: 'cua', run_id: 'cua' }
  await fits(acme, 'cua', 'POST', '/v1/cua', once)
  await refused(409, acme, 'cua', once)
  await acme.predict({ action: 'cancel', run_id: 'cua' })
  const waited = await fits(acme, 'cua', 'POST', '/v1/cua', { ...once, run_id: 'cua-waited', profile_id: 'cua-waited', detached: false, max_steps: 2 })
  assert.deepEqual([waited.status, waited.json.mode, waited.json.success], [200, 'pure_cua', false], waited.text)
  await limited.request('POST', '/v1/cua', { ...once, run_id: 'cua-limited' }) // it takes the only token of the bucket
  for (const operationId of ['cua', 'chatCompletions', 'diagnoseFingerprint'])
    await refused(429, limited, operationId, bodyOf(description.operations.get(operationId).op))
})

test('live views answer and refuse as described', { ...needs(Ajv, addFormats), timeout: 60000 * slow }, async () => {
  const id = await acme.submit({ task_suite: { _micro_plan: [{ type: 'navigate', intent: 'Open', params: { url: `${site.url}/` } }, { type: 'wait', intent: 'Stay', params: { seconds: 100 } }] }, profile_id: 'live' })
  const at = `/v1/runs/${id}`
  await until(30000 * slow, 'the browser', async () => (await acme.events(id)).some((e) => e.message === 'the browser is up'))
  const view = (await fits(acme, 'getRunView', 'GET', `${at}/view?control=true`)).json
  await refused(422, acme, 'getRunView', undefined, {}, `${at}/view?control=perhaps`)
  const { lease } = (await fits(acme, 'takeOverRun', 'POST', `${at}/takeover`, {})).json
  await refused(409, acme, 'releaseRun', { lease: 'another' }, {}, `${at}/release`)
  assert.equal((await fits(acme, 'releaseRun', 'POST', `${at}/release`, { lease })).status, 200)
  for (const watch of ['watchRun', 'watchRunSocket']) {
    await refused(401, acme, watch)
    await refused(400, acme, watch, undefined, {}, pathOf(description.operations.get(watch).path, '-%20-'))
  }
  const watched = fits(acme, 'watchRun', 'GET', view.mjpeg_url)
  await acme.request('POST', `${at}/cancel`)
  assert.equal((await watched).status, 200)
  await refused(409, acme, 'watchRun', undefined, {}, view.mjpeg_url)
  await refused(409, acme, 'getRunView', undefined, {}, `${at}/view`)
  await refused(409, acme, 'takeOverRun', {}, {}, `${at}/takeover`)
})

test('pages and open routes answer as described when they are closed or not ready', needs(Ajv, addFormats), async () => {
  for (const [operationId, path] of [['openapi', '/openapi.json'], ['docs', '/docs'], ['redoc', '/redoc'], ['docsAsset', '/docs/style.css'],
    ['console', '/console'], ['consoleAsset', '/console/style.css']]) {
    const tag = (await acme.request('GET', path)).headers.get('etag')
    assert.equal((await fits(acme, operationId, 'GET', path, undefined, { 'If-None-Match': tag })).status, 304)
  }
  const bare = await startServer({ env: { MANTIS_ENABLE_DOCS_UI: '0', MANTIS_ENABLE_CONSOLE: '0', MANTIS_METRICS_TOKEN: 'm'.repeat(32), MANTIS_BROWSER: '/nowhere/browser' } })
  try {
    for (const operationId of ['docs', 'redoc', 'docsAsset', 'console', 'consoleAsset']) await refused(404, bare, operationId)
    for (const operationId of ['health', 'healthAlias']) await refused(503, bare, operationId)
    await refused(401, bare, 'metrics')
  } finally {
    await bare.stop()
  }
})

// Everything goes through; after the first chunk that holds `cutAfter` frames the connection is reset.
function cuttingProxy(port, cutAfter) {
  const state = { cuts: 0, connections: 0 }
  const open = new Set()
  const proxy = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1')
    let seen = ''
    state.connections++
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      client.write(chunk)
      seen += chunk
      if (state.cuts < 3 && seen.split('\nid: ').length > cutAfter) {
        state.cuts++
        client.destroy()
        upstream.destroy()
      }
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.end())
    for (const s of [client, upstream]) {
      s.on('error', () => {})
      open.add(s)
      s.on('close', () => open.delete(s))
    }
  })
  proxy.shut = () => { proxy.close(); for (const s of open) s.destroy() }
  return new Promise((resolve) => { proxy.listen(0, '127.0.0.1', () => resolve({ state, proxy, port: proxy.address().port })) })
}

test('an EventSource sees each event once, through cuts', { ...needs(eventsource), timeout: 120000 * slow }, async () => {
  const id = await acme.submit({ ...example, profile_id: 'es' })
  const { proxy, port, state } = await cuttingProxy(server.port, 2)
  const got = []
  const source = new eventsource.EventSource(`http://127.0.0.1:${port}/v1/runs/${id}/events?sse=true&steps=false`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, 'X-Mantis-Token': acme.token } }),
  })
  try {
    await within(100000 * slow, 'the terminal frame', new Promise((resolve, reject) => {
      source.addEventListener('terminal', resolve)
      server.child.ended.then(() => reject(new Error('mantis serve ended'))) // the source would ask for ever
      source.addEventListener('error', (e) => { if (e.code && e.code !== 200) reject(new Error(`${e.code} ${e.message}`)) })
      // names of events are those of their kind; new ones appear as they are learnt
      const seen = new Set(['terminal', 'phase'])
      const listen = (name) => { if (!seen.has(name)) { seen.add(name); source.addEventListener(name, (e) => got.push(e)) } }
      const dispatch = source.dispatchEvent.bind(source)
      source.dispatchEvent = (e) => { listen(e.type === 'open' || e.type === 'error' ? 'phase' : e.type); return dispatch(e) }
    }))
  } finally {
    source.close()
    proxy.shut()
  }
  const all = (await acme.request('GET', `/v1/runs/${id}/events`)).json.events
  assert.equal(state.cuts, 3)
  assert.deepEqual(got.map((e) => JSON.parse(e.data).seq ?? JSON.parse(e.data).ts), all.map((e) => e.seq ?? e.ts))
  assert.equal(new Set(got.map((e) => e.lastEventId)).size, all.length)
  const { result } = await acme.result(id)
  const truth = (await site.admin('GET', '/__env__/oracle?task_id=extract_listings')).rows
  assert.deepEqual(result.artifacts.find((a) => a.name === 'extracted_rows').data.map(rowKey), truth.map(rowKey))
})

// Described for callers, but nothing in this build gives them yet, or only with more than a test should make.
const UNSEEN = [
  'chatCompletions 200', 'chatCompletions 402', 'chatCompletions 502', 'chatCompletions 504', // a model server: raw_chat.test.mjs
  'getRunVideo 200', 'getRunVideo 206', 'getRunVideo 304', 'getRunVideo 416', // recordings: recording.test.mjs
  'getRunArtifact 206', 'getRunArtifact 304', 'getRunArtifact 416', // the same answers to the same headers
  'getRunScreenshot 206', 'getRunScreenshot 304', 'getRunScreenshot 416',
  'predict 402', 'predictAlias 402', 'cua 402', 'predict 502', 'predictAlias 502', // a model that writes plans: plan_text.test.mjs
  'putRecipe 409', // more recipes than a tenant may keep
  'watchRun 404', 'watchRun 429', 'watchRunSocket 101', 'watchRunSocket 404', 'watchRunSocket 409', 'watchRunSocket 429', // live.test.mjs, test_view
  'replayWebhook 200', // a delivery: tests of the webhooks
]

test('every status that is described was seen', needs(Ajv, addFormats), () => {
  const missing = []
  for (const [id, { op }] of description.operations)
    for (const status of Object.keys(op.responses))
      if (!description.seen.get(id)?.has(Number(status))) missing.push(`${id} ${status}`)
  assert.deepEqual(missing.sort(), [...UNSEEN].sort())
})
