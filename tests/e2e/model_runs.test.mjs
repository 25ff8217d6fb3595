// Runs that a model drives: a real Chromium and mantis serve, the scripted model server in the model's place, the
// gateway between them (brains.md sections 1, 2, 4, 10; agent-loop.md section 17; serving.md section 1).

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { root, slow, startServer, tempDir, until, victim } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'
import { files, holders, knock, sanitized, Watch } from './lib/secrets.mjs'

// ---- a page with one button ---------------------------------------------------------------------------

const offer = '<title>Offer</title><dl><dt>Name</dt><dd>Oak desk</dd><dt>Price</dt><dd>120</dd></dl>'
const button = `<title>Button</title><style>body{margin:0}a{display:block;height:100vh;background:#cdc;font:40px sans-serif}</style>
  <a href="/pressed">Press me</a>`
const pages = { '/offer': offer, '/pressed': '<title>Pressed</title><h1>Thank you</h1>' }
let site
before(async () => {
  site = http.createServer((req, res) => { res.setHeader('content-type', 'text/html'); res.end(pages[req.url] ?? button) })
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${site.address().port}`
})
after(() => { site.closeAllConnections?.(); site.close() })

const step = (type, intent, more) => ({ type, intent, ...more })
const open = (page) => step('navigate', `Open ${page}`, { params: { url: `{{ENV_URL}}${page}` } })
const press = step('holo3_step', 'Press the big button', { required: true })
const read = step('extract_data', 'Read the offer', { extract: { fields: [{ name: 'name' }, { name: 'price' }] } })
const where = step('extract_url', 'Read the address')
const plan = (...steps) => ({ task_suite: { steps } })
// A row first, then what the model is needed for: the row is kept whatever becomes of the rest.
const rowFirst = { ...plan(open('/offer'), read, open('/'), press), compute_backend: 'browser_use_plane' }

// ---- who plays the model ------------------------------------------------------------------------------

const key = `sk-test-${crypto.randomBytes(12).toString('hex')}`
const click = { calls: [{ name: 'click', arguments: { x: 644, y: 364 } }] }
const done = { calls: [{ name: 'done', arguments: { success: true, summary: 'pressed' } }] }
const leftClick = { calls: [{ name: 'computer', arguments: { action: 'left_click', coordinate: [644, 364] } }] }
const asked = 'big button'

// The screen is one that holo3 is sent as it is: sides are multiples of 28.
const screen = { MANTIS_DISPLAY_WIDTH: '1288', MANTIS_DISPLAY_HEIGHT: '728' }

// Profiles of this test: ours at another address, and given up sooner.
function profiles(dir, url) {
  fs.mkdirSync(path.join(dir, 'profiles'))
  for (const name of ['holo3', 'claude']) {
    const profile = JSON.parse(fs.readFileSync(path.join(root, 'profiles', `${name}.json`)))
    Object.assign(profile.endpoint, { base_url: `${url}/v1`, attempts: 2 })
    fs.writeFileSync(path.join(dir, 'profiles', `${name}.json`), JSON.stringify(profile))
  }
  return path.join(dir, 'profiles')
}

// A model that is only a file: docs/brains.md.
function tapper(dir) {
  const profile = { name: 'tapper', also: ['tapper-b'], api: 'openai_chat', endpoint: { base_url: 'http://127.0.0.1:9/v1', model: 'tapper-3b' }, coordinates: 'per_mille', prompt: { system: 'tapper_system' },
    replies: ['native', 'keyword'], actions: { tap: 'click' } }
  fs.writeFileSync(path.join(dir, 'profiles/tapper.json'), JSON.stringify(profile))
  fs.writeFileSync(path.join(dir, 'tapper_system.txt'), 'Tap on the screen.')
}

// `brain` as holo3 is the pod's own model (MANTIS_MODEL_URL); claude is asked at its profile's address.
async function withModel(brain, rules, fn, more = {}) {
  const dir = tempDir('models', '/var/tmp') // not below /tmp: a run has a /tmp of its own
  fs.chmodSync(dir, 0o755)
  fs.mkdirSync(path.join(dir, 'secrets'))
  const script = { key, models: ['holo3'], rules: [...rules, { when: 'Hello', text: 'hi' }] }
  const model = await startModelServer(dir, script)
  for (const name of ['model_key', 'anthropic_api_key']) fs.writeFileSync(path.join(dir, 'secrets', name), `${key}\n`)
  const pod = brain !== 'claude' ? { MANTIS_MODEL_URL: model.url, MANTIS_MODEL_KEY_SECRET: 'model_key', MANTIS_MODEL_TAG: 'arm-b' } : {}
  const MANTIS_PROFILES_DIR = profiles(dir, model.url)
  tapper(dir)
  const server = await startServer({ env: { MANTIS_BRAIN: brain, MANTIS_ENV_URL: site.url, MANTIS_SECRETS_DIR: path.join(dir, 'secrets'),
    MANTIS_PROFILES_DIR, MANTIS_PROMPTS_DIR: dir, ...screen, ...pod, ...more.env }, token: more.token })
  // turns: neither the first hello nor the question whether a done shows on the screen
  const calls = () => model.sent().filter((l) => l.method === 'POST' && !/"Hello"|Somebody says that this task is done/.test(JSON.stringify(l.body)))
  try {
    await until(10000 * slow, 'ready', async () => (await fetch(`${server.base}/health`)).status === 200)
    await fn({ server, model, calls, dir })
  } finally {
    try { await server.stop() } finally { await model.stop(); fs.rmSync(dir, { recursive: true, force: true }) }
  }
}

const run = async (server, body, ms = 60000) => {
  const id = await server.submit(body)
  const status = await server.end(id, ms)
  return { id, status, result: (await server.result(id)).result }
}
const header = (call, name) => Object.entries(call.headers).find(([k]) => k.toLowerCase() === name)?.[1]
const row = (what, fn) => test(what, { timeout: 180000 * slow }, fn)

// ---- runs that get there ------------------------------------------------------------------------------

row('brains 2 holo3 presses a button it sees, through the gateway to the pod\'s server', async () => {
  await withModel('holo3', [{ when: asked, times: 1, ...click, usage: { input: 900, output: 20, cached: 700 } }, { when: asked, ...done }], async ({ server, calls }) => {
    const { status, result } = await run(server, plan(open('/'), press, where))
    assert.equal(status.status, 'succeeded', JSON.stringify(result.step_details))
    assert.equal(result.step_details[2].data, `URL:${site.url}/pressed`)
    assert.equal(calls().length, 2)
    assert.deepEqual([calls()[0].body.model, header(calls()[0], 'authorization')], ['holo3', `Bearer ${key}`])
    assert.deepEqual([result.model, result.model_tag, status.model_tag], ['holo3', 'arm-b', 'arm-b'])
    // the pod's model costs seconds, and nothing by the token
    assert.ok(result.costs.gpu > 0 && result.costs.gpu < 0.01, JSON.stringify(result.costs))
    assert.deepEqual([result.costs.claude, result.costs.total], [0, result.costs.gpu])
    const metrics = await (await fetch(`${server.base}/metrics`)).text()
    assert.match(metrics, /mantis_model_info\{model="holo3",model_tag="arm-b"\} 1/)
    assert.match(metrics, /mantis_model_server_up\{model="holo3"\} 1/)
  })
})

row('agent-loop 17 tokens that the server had kept are told apart in the sub-goal\'s event', async () => {
  await withModel('holo3', [{ when: asked, times: 1, ...click, usage: { input: 900, output: 20, cached: 700 } }, { when: asked, ...done, usage: { input: 1000, output: 10, cached: 950 } }], async ({ server }) => {
    const { id } = await run(server, plan(open('/'), press))
    const ended = (await server.events(id)).find((e) => e.kind === 'subgoal')
    assert.deepEqual([ended.detail.input_tokens, ended.detail.cached_tokens, ended.detail.output_tokens], [250, 1650, 30])
  })
})

row('brains 4 claude presses it with its computer tool, and each call is counted once', async () => {
  const usage = { input: 3000, output: 100, cached: 1000 }
  await withModel('claude', [{ when: asked, times: 1, ...leftClick, usage }, { when: asked, ...done, usage }], async ({ server, calls }) => {
    const { status, result } = await run(server, { ...plan(open('/'), press, where), compute_backend: 'browser_use_plane' })
    assert.equal(status.status, 'succeeded', JSON.stringify(result.step_details))
    assert.equal(result.step_details[2].data, `URL:${site.url}/pressed`)
    assert.equal(calls().length, 2)
    assert.equal(header(calls()[0], 'x-api-key'), key)
    assert.match(header(calls()[0], 'anthropic-beta'), /^computer-use-/)
    const paid = result.claude_cost_by_path.by_path['brain::claude-opus-4-7']
    assert.deepEqual([paid.calls, paid.output_tokens, result.costs.gpu, result.model], [2, 200, 0, 'claude'])
    const { 'verify_done::claude-opus-4-7': question } = result.claude_cost_by_path.by_path
    assert.equal(question.calls, 1)
    assert.ok(Math.abs(result.costs.claude - paid.cost_usd - question.cost_usd) < 1e-6 && paid.cost_usd > 0, JSON.stringify(result.costs))
    assert.equal(result.model_tag, undefined)
  })
})

row('tenancy 5 a tenant whose own Anthropic key is required pays with it, or not at all', async () => {
  const token = crypto.randomBytes(32).toString('hex')
  const keys = JSON.stringify({ tenant_keys: { [token]: { tenant_id: 'acme', anthropic_secret_name: 'key_acme', anthropic_required: true } } })
  await withModel('claude', [{ when: asked, ...done }], async ({ server, calls, dir }) => {
    fs.writeFileSync(path.join(dir, 'secrets/anthropic_api_key'), 'the shared one')
    const refused = await server.predict({ ...plan(open('/'), press), detached: true })
    assert.equal(refused.status, 400, refused.text)
    assert.match(refused.json.detail, /anthropic_required.*'key_acme' is not there/)
    fs.writeFileSync(path.join(dir, 'secrets/key_acme'), key)
    await run(server, plan(open('/'), press))
    assert.equal(header(calls()[0], 'x-api-key'), key)
  }, { token, env: { MANTIS_API_TOKEN: '', MANTIS_TENANT_KEYS_JSON: keys } })
})

for (const name of ['tapper', 'tapper-b']) row(`brains 1 a model that is only a file of the operator drives a run, behind MANTIS_MODEL_URL, as ${name}`, async () => {
  await withModel(`chat:${name}`, [{ when: asked, times: 1, text: 'tap(x=500, y=500)' }, { when: asked, text: 'done(success=True, summary="the page says thank you")' }], async ({ server, calls }) => {
    const { status, result } = await run(server, plan(open('/'), press, where))
    assert.equal(status.status, 'succeeded', JSON.stringify(result.step_details))
    assert.equal(result.step_details[2].data, `URL:${site.url}/pressed`)
    assert.deepEqual([result.model, calls()[0].body.model, calls().length], [name, 'tapper-3b', 2])
    assert.ok(result.costs.gpu > 0 && result.costs.claude === 0, 'paid by the second, like one of ours')
  })
})

row('brains 2 a 429 is waited for as its Retry-After says', async () => {
  await withModel('holo3', [{ when: asked, times: 1, status: 429, retry_after: 2, message: 'slow down' }, { when: asked, times: 1, ...click }, { when: asked, ...done }], async ({ server, calls }) => {
    const { status, result } = await run(server, plan(open('/'), press))
    assert.equal(status.status, 'succeeded', JSON.stringify(result.step_details))
    assert.equal(calls().length, 3)
    assert.ok(result.wall_time_breakdown.think >= 2, JSON.stringify(result.wall_time_breakdown))
    assert.ok(result.costs.gpu < 0.001, 'waiting costs nothing')
  })
})

// ---- and runs that do not -----------------------------------------------------------------------------

row('brains 1 a model server that dies in the middle ends the run as brain_unreachable, its rows kept', async () => {
  await withModel('holo3', [{ when: asked, ...click, delay_ms: 30000 }], async ({ server, model, calls }) => {
    const id = await server.submit(rowFirst)
    await until(30000 * slow, 'a call', () => calls().length)
    await model.stop()
    const status = await server.end(id, 120000)
    const { result } = await server.result(id)
    assert.equal(status.terminal_status, 'halted', JSON.stringify(status))
    assert.deepEqual([status.halt_reason, status.failure_class, result.step_details.at(-1).failure_class], Array(3).fill('brain_unreachable'), JSON.stringify(status))
    assert.match(result.step_details.at(-1).data, /'holo3'/)
    assert.equal(result.viable, 1)
  })
})

row('agent-loop 17 a call that could pass the cap is not made: budget_cap, the rows kept', async () => {
  const usage = { input: 10000, output: 2000 } // 0.30 USD; at worst a call may cost some 0.40, with the shortest answer 0.29
  await withModel('claude', [{ when: asked, ...leftClick, usage }], async ({ server, calls }) => {
    const { status, result } = await run(server, { ...rowFirst, max_cost: 0.55 })
    assert.equal(status.halt_reason ?? result.halt_reason, 'budget_cap', JSON.stringify(status))
    assert.equal(result.step_details.at(-1).failure_class, 'budget_cap')
    assert.match(result.step_details.at(-1).data, /^budget_cap:the call may cost 0\.\d+ USD; of the run's 0\.55 USD 0\.3000 are spent/)
    assert.equal(calls().length, 1)
    assert.ok(result.costs.total > 0.29 && result.costs.total <= 0.55)
    assert.equal(result.viable, 1)
  })
})

row('http-api 5 a cancel ends a slow call within 2 s, at the model server too', async () => {
  await withModel('holo3', [{ when: asked, ...click, delay_ms: 60000 }], async ({ server, model, calls }) => {
    const id = await server.submit(rowFirst)
    await until(30000 * slow, 'a call', () => calls().length)
    const begun = Date.now()
    await server.predict({ action: 'cancel', run_id: id, reason: 'enough' })
    const status = await server.end(id, 10000)
    const took = Date.now() - begun
    assert.equal(status.terminal_status, 'cancelled')
    assert.ok(took < 2500 * slow, `${took} ms`)
    await until(2000 * slow, 'the end of the call', () => model.sent().some((l) => l.ended === 'aborted'))
    const result = await until(3000 * slow, 'the result', async () => (await server.result(id)).result)
    assert.equal(result.viable, 1)
  })
})

row('agent-loop 17 calls that broke off are in the run\'s costs: its worker killed in one, the run cancelled in the next', async () => {
  await withModel('claude', [{ when: asked, ...leftClick, delay_ms: 60000 }], async ({ server, calls }) => {
    const id = await server.submit(rowFirst)
    await until(30000 * slow, 'a call', () => calls().length)
    process.kill(victim(server.child.pid, 'worker').pid, 'SIGKILL')
    await until(60000 * slow, 'the call of the next worker', () => calls().length > 1)
    await server.predict({ action: 'cancel', run_id: id })
    await server.end(id, 10000)
    const result = await until(5000 * slow, 'the result', async () => (await server.result(id)).result)
    const { by_path, totals } = result.claude_cost_by_path
    const lost = by_path['unanswered::claude-opus-4-7']
    assert.equal(lost.calls, 2, JSON.stringify(by_path))
    assert.ok(lost.cost_usd > 0.4 && Math.abs(result.costs.total - totals.cost_usd) < 1e-9, JSON.stringify(result.costs)) // each at its worst case
    assert.deepEqual([result.viable, result.costs.total], [1, result.costs.claude])
  })
})

// A minute is the shortest cap there is: it passes while the other rows run.
let capped
before(() => { capped = timeCap(); capped.catch(() => {}) })
row('plans 9.4 the time cap ends a slow call within 2 s', () => capped)

async function timeCap() {
  await withModel('holo3', [{ when: asked, ...click, delay_ms: 110000 }], async ({ server, model, calls }) => {
    const id = await server.submit({ ...rowFirst, max_time_minutes: 1 })
    await until(30000 * slow, 'a call', () => calls().length)
    const status = await server.end(id, 100000)
    const { result } = await server.result(id)
    assert.deepEqual([status.status, result.halt_reason, result.viable], ['halted', 'time_cap', 1], JSON.stringify(status))
    const up = (await server.events(id)).find((e) => /browser is up/.test(e.message)).ts // from then on the run's time counts
    const took = (Date.parse(status.finished_at) - (typeof up === 'number' ? up * 1000 : Date.parse(up))) / 1000
    assert.ok(took > 59 && took < 63 * slow, `${took} s`)
    assert.ok(model.sent().some((l) => l.ended === 'aborted'))
  })
}

// ---- secrets ------------------------------------------------------------------------------------------

row('tenancy 8 neither key nor credential is in a file, a log, an environment or a command line', async () => {
  if (process.getuid() !== 0) { console.error('\n*** SKIPPED: only root can look for the credential in a worker\'s memory ***\n'); return }
  await withModel('holo3', [{ when: asked, times: 1, ...click }, { when: asked, ...done, delay_ms: 3000 }], async ({ server, calls, dir }) => {
    const id = await server.submit(rowFirst)
    await until(30000 * slow, 'the second call', () => calls().length > 1)
    const watch = new Watch(server, { key })
    await until(5000 * slow, 'the credential', () => watch.credentials.size)
    const knocks = () => [...watch.credentials.values()].map((taken) => knock(server, 'holo3', taken))
    assert.deepEqual(knocks(), [200])
    const status = await server.end(id, 60000)
    assert.equal(status.status, 'succeeded')
    assert.deepEqual(await watch.stop(), [])
    assert.ok(['mantis', 'mantis-worker', 'Xvfb', 'chromium'].every((name) => watch.seen.has(name)), [...watch.seen].join())
    assert.ok(files(server.dir).some((f) => f.endsWith('mantis.db')))
    assert.deepEqual([holders(server.dir, watch.search), watch.search.in(Buffer.from(server.child.log))], [[], []])
    assert.deepEqual(knocks(), [401], 'it opens nothing any more')
    assert.ok(fs.existsSync(path.join(dir, 'secrets/model_key')))
  })
})

// A core of it would hold every key. Beside it a program that may be dumped, so that it is known that one would have been written.
test('tenancy 8 a server that crashes leaves no core, however large one may be', { timeout: 60000 * slow }, async () => {
  const dir = tempDir('core', '/var/tmp'), anyhow = ['env', '-C', dir, 'prlimit', '--core=unlimited']
  const cores = () => fs.readdirSync(dir).filter((name) => /^core/.test(name))
  spawnSync(anyhow[0], [...anyhow.slice(1), 'sh', '-c', 'kill -ABRT $$'])
  if (sanitized() || !cores().length) { console.error('\n*** SKIPPED: no core would be written here ***\n'); return }
  for (const name of cores()) fs.rmSync(path.join(dir, name))
  const server = await startServer({ env: { ANTHROPIC_API_KEY: key }, wrap: anyhow })
  assert.equal((await server.kill('SIGABRT')).signal, 'SIGABRT')
  assert.deepEqual(cores(), [])
  fs.rmSync(server.dir, { recursive: true })
  fs.rmSync(dir, { recursive: true })
})
