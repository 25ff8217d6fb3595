// Words that a model makes a plan of: plan_text with a key, from the POST to the run and its cost, and the
// same on the command line. The model is a scripted server; everything else is real.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, root, slow, startServer, startSite, tempDir, until, within } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'
import { TenantServer } from './lib/tenants.mjs'

const key = 'sk-ant-e2e-0123456789'
const plan = (...steps) => JSON.stringify({ shapes: ['inspect'], steps })
const open = (url) => ({ type: 'navigate', intent: `Open ${url}`, params: { url } })

let dir, site, model, server, env

// The source tree's profile at the scripted server's address.
function profilesFor(url) {
  const file = JSON.parse(fs.readFileSync(path.join(root, 'profiles/claude.json')))
  file.endpoint.base_url = `${url}/v1`
  const profiles = fs.mkdtempSync(path.join(dir, 'profiles-'))
  fs.writeFileSync(path.join(profiles, 'claude.json'), JSON.stringify(file))
  return profiles
}

before(async () => {
  dir = tempDir('plan-text')
  site = await startSite('shop')
  model = await startModelServer(dir, {
    rules: [
      { when: ['THE STEP', 'Have the basket'], times: 1, calls: [{ name: 'record_recovery', arguments: { mode: 'insert_steps', reasoning: 'pay first', inserted_steps: [{ type: 'submit', intent: 'Press it', params: { label: 'Pay now' } }] } }] },
      { when: ['THE STEP', 'Open the basket'], calls: [{ name: 'record_recovery', arguments: { mode: 'edit_step', reasoning: 'it is called Cart here', edited_step: { params: { label: 'Cart' } } } }] },
      { when: 'once overloaded', times: 1, status: 529, message: 'overloaded' },
      { when: 'twice as slow', text: plan(open('https://slow.test/')), delay_ms: 700 },
      { when: 'say nothing', fault: 'silence' },
      { when: 'refuse me', text: 'I would rather\nnot do this.' },
      { when: 'once cut', times: 1, text: 'half of it', fault: 'cut' },
      { when: 'once garbled', times: 1, text: 'Sorry, no plan.' },
      { when: 'click it', text: plan(open('https://a.test/'), { type: 'click', intent: 'Click "Buy"' }) },
      { when: 'lead astray', text: plan(open('https://evil.test/')) },
      { when: 'the shop', text: 'Here it is:\n```json\n' + plan(open(site.url)) + '\n```', usage: { input: 2000, output: 100 } },
      { text: plan(open('https://a.test/')) },
    ],
  })
  env = { MANTIS_PROFILES_DIR: profilesFor(model.url) }
  server = await startServer({ env: { ...env, ANTHROPIC_API_KEY: key } })
})
after(async () => {
  await server?.stop()
  await site?.stop()
  await model?.stop()
  fs.rmSync(dir, { recursive: true, force: true })
})

// Calls that the model got whose text holds these words.
const calls = (words) => model.sent().filter((line) => line.method && JSON.stringify(line.body).includes(words))
const look = (text, more = {}, to = server) => to.predict({ plan_text: text, dry_run: true, ...more })
const types = (r) => r.json.task_suite._micro_plan.map((s) => s.type)

test('brains 9 equal text makes no second call', async () => {
  const first = await look('Have a look around, would you')
  assert.equal(first.status, 200, first.text)
  assert.deepEqual(types(first), ['navigate'])
  assert.equal(calls('Have a look around').length, 1)
  assert.equal(calls('Have a look around')[0].body.model, 'claude-opus-4-7')
  const again = await look('Have a look around, would you')
  assert.equal(again.json.task_suite._plan_signature, first.json.task_suite._plan_signature)
  assert.match(first.json.task_suite._plan_hash, /^[0-9a-f]{32}$/)
  assert.ok(fs.existsSync(path.join(server.dir, `tenants/default/plan_cache/decomposed_${first.json.task_suite._plan_hash}.json`)))
  assert.equal(calls('Have a look around').length, 1)
  await look('Have a look around, would you?')
  assert.equal(calls('Have a look around').length, 2)
})

test('plans 14 a dry run of words that a model read costs 0.015 more', async () => {
  const words = await look('Have a look at the weather')
  const steps = await server.predict({ task_suite: { steps: [open('https://a.test/')] }, dry_run: true })
  const more = words.json.cost_estimate.claude_usd - steps.json.cost_estimate.claude_usd
  assert.ok(Math.abs(more - 0.015) < 1e-9, String(more))
})

test('agent-loop 17 what the call cost is the run\'s', { timeout: 120000 * slow }, async () => {
  const run = await server.submit({ plan_text: 'Have a look at the shop' })
  const status = await server.end(run)
  assert.equal(status.status, 'succeeded', JSON.stringify(status))
  const { result } = await server.result(run)
  const spent = result.costs.claude_cost_by_path ?? result.claude_cost_by_path
  const usd = (2000 * 15 + 100 * 75) / 1e6
  assert.ok(Math.abs(result.costs.claude - usd) < 1e-9, JSON.stringify(result.costs))
  assert.equal(spent.by_path['decompose::claude-opus-4-7'].calls, 1)
  const second = await server.submit({ plan_text: 'Have a look at the shop' })
  await server.end(second)
  assert.equal((await server.result(second)).result.costs.claude, 0) // it was there already
  assert.equal(calls('Have a look at the shop').length, 1)
})

test('agent-loop 17 calls for a plan that broke off are the run\'s, too', { timeout: 120000 * slow }, async () => {
  const run = await server.submit({ plan_text: 'Have a look at the shop, once cut' })
  assert.equal((await server.end(run)).status, 'succeeded')
  const { result } = await server.result(run)
  const { by_path } = result.claude_cost_by_path
  assert.deepEqual([by_path['decompose::claude-opus-4-7']?.calls, by_path['unanswered::claude-opus-4-7']?.calls], [1, 1], JSON.stringify(by_path))
  const usd = (2000 * 15 + 100 * 75) / 1e6
  assert.ok(result.costs.claude > usd + 1.2, JSON.stringify(result.costs)) // all that the cut one may have written
  assert.equal(result.costs.total, result.costs.claude)
})

test('agent-loop 17 a plan that may cost more than its run is not asked for', async () => {
  const refused = await server.predict({ plan_text: 'Have a look at something dear', max_cost: 0.3, detached: true })
  assert.equal(refused.status, 402, refused.text)
  assert.match(refused.json.detail, /the call may cost 1\.\d+ USD; of the run's 0\.30 USD 0\.0000 are spent/)
  assert.equal(calls('something dear').length, 0)
  assert.equal((await look('Have a look at something dear', { max_cost: 5 })).status, 200)
})

test('agent-loop 17 a plan is asked for in as many tokens as the run\'s money pays', async () => {
  const run = await server.submit({ plan_text: 'Have a look at the shop for one dollar', max_cost: 1 })
  assert.equal((await server.end(run)).status, 'succeeded')
  const [{ body }] = calls('for one dollar')
  assert.ok(body.max_tokens > 4096 && body.max_tokens < 16384, String(body.max_tokens))
})

test('tenancy 7 plans that no run came of are paid from the tenant\'s day', async () => {
  const many = new TenantServer({ poor: { max_cost_per_day: 2.8 } }, { env: { ...env, ANTHROPIC_API_KEY: key } })
  await many.start()
  const headers = { 'X-Mantis-Token': many.tokens.poor, 'Content-Type': 'application/json' }
  const ask = (text, signal) => fetch(`${many.base}/v1/predict`, { method: 'POST', signal, headers, body: JSON.stringify({ plan_text: text, dry_run: true }) })
  try {
    for (const n of [1, 2]) { // each may have cost 1.25 USD
      const gone = new AbortController()
      const waiting = ask(`Please say nothing to the poor ${n}`, gone.signal).catch((error) => error.name)
      await until(5000 * slow, 'the call', () => calls(`to the poor ${n}`).length)
      gone.abort()
      assert.equal(await waiting, 'AbortError')
      await until(5000 * slow, 'its end', () => model.sent().filter((line) => line.ended === 'aborted').some((line) => line.n === calls(`to the poor ${n}`)[0].n))
    }
    const refused = await ask('Have a look for the poor')
    const { detail } = await refused.json()
    assert.equal(refused.status, 402, detail)
    assert.match(detail, /may cost 1\.\d+ USD; max_cost_per_day allows 2\.80/)
    assert.equal(calls('for the poor').length, 0)
  } finally {
    await many.stop()
  }
})

test('brains 9 callers who want the same at once wait for one call', async () => {
  const text = 'Do this twice as slow as ever'
  const both = await Promise.all([look(text), look(text), look(text)])
  assert.deepEqual(both.map((r) => r.status), [200, 200, 200])
  assert.equal(calls(text).length, 1)
})

test('brains 9 a slow model holds up nobody else, and a caller who hangs up ends the call', async () => {
  const gone = new AbortController()
  const waiting = fetch(`${server.base}/v1/predict`, {
    method: 'POST', signal: gone.signal,
    headers: { 'X-Mantis-Token': server.token, 'Content-Type': 'application/json' },
    body: JSON.stringify({ plan_text: 'Please say nothing at all', dry_run: true }),
  }).catch((error) => error.name)
  await until(5000 * slow, 'the call', () => calls('say nothing at all').length)
  for (let i = 0; i < 5; i++) {
    const begun = Date.now()
    assert.equal((await server.request('GET', '/health')).status, 200)
    assert.ok(Date.now() - begun < 1000 * slow)
  }
  const { n } = calls('say nothing at all')[0]
  gone.abort()
  assert.equal(await waiting, 'AbortError')
  await until(2000 * slow, 'the end of the call', () => model.sent().some((line) => line.n === n && line.ended === 'aborted'))
})

test('brains 9 an overloaded model is asked again', async () => {
  const r = await look('It is once overloaded, then not')
  assert.equal(r.status, 200, r.text)
  assert.equal(calls('once overloaded').length, 2)
})

test('brains 9 words instead of a plan: 502 with how they begin, and nothing is kept', async () => {
  const r = await look('Do refuse me')
  assert.equal(r.status, 502)
  assert.match(r.json.detail, /^'plan_text': .*holds no plan.*'I would rather not do this\.'/)
  assert.ok(!server.child.log.includes('I would rather'), 'what a model wrote is no line of the log')
  assert.equal((await look('It is once garbled, then not')).status, 502)
  assert.equal((await look('It is once garbled, then not')).status, 200)
})

test('plans 11 a plan that does more than a read-only text asks for is refused with step and type', async () => {
  const r = await look('Just read what it costs; click it not')
  assert.equal(r.status, 400)
  assert.match(r.json.detail, /read-only contract violated.*step 1 is 'click'/)
  assert.match(calls('Just read what it costs')[0].body.messages[0].content[0].text, /^HARD CONSTRAINT/)
})

test('plans 1 a prose file named by micro is read by the model as well', async () => {
  const repo = fs.mkdtempSync(path.join(dir, 'repo-'))
  for (const name of ['profiles', 'prompts', 'sites']) fs.symlinkSync(path.join(root, name), path.join(repo, name))
  fs.mkdirSync(path.join(repo, 'plans'))
  fs.writeFileSync(path.join(repo, 'plans/words.txt'), 'Have a look from a file')
  const own = await startServer({ env: { ...env, ANTHROPIC_API_KEY: key, MANTIS_REPO_ROOT: repo } })
  try {
    const r = await own.predict({ micro: 'plans/words.txt', dry_run: true })
    assert.equal(r.status, 200, r.text)
    assert.equal(calls('Have a look from a file').length, 1)
  } finally {
    await own.stop()
  }
})

test('http-api 15 one key, one call, whatever becomes of what is kept', async () => {
  const body = { plan_text: 'Have a look at the shop, by a key', run_id: 'by-key' }
  const headers = { 'Idempotency-Key': 'k1' }
  const first = await server.predict(body, headers)
  assert.equal(first.status, 200, first.text)
  await server.end('by-key')
  fs.rmSync(path.join(server.dir, 'tenants/default/plan_cache'), { recursive: true })
  const again = await server.predict(body, headers)
  assert.equal(again.headers.get('Idempotency-Replayed'), 'true')
  assert.equal(again.json.run_id, 'by-key')
  assert.equal(calls('by a key').length, 1)
})

test('design 5.5 no key in a log or a file', async () => {
  await look('Have a last look')
  assert.ok(!server.child.log.includes(key))
  const walk = (at) => fs.readdirSync(at, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? walk(path.join(at, e.name)) : e.isFile() ? [path.join(at, e.name)] : [])
  for (const file of walk(server.dir)) assert.ok(!fs.readFileSync(file).includes(key), file)
  const kept = walk(path.join(server.dir, 'tenants/default/plan_cache'))
  assert.ok(kept.every((file) => (fs.statSync(file).mode & 0o777) === 0o600))
})

test('plans 11 without a key words are read by the rules', async () => {
  const plain = await startServer({ env })
  const before = model.sent().length
  try {
    const r = await look('Go to https://b.test/ and click "Pricing".', {}, plain)
    assert.equal(r.status, 200, r.text)
    assert.deepEqual(types(r), ['navigate', 'click'])
    assert.equal((await look('Have a look around, would you', {}, plain)).status, 400)
    assert.equal(model.sent().length, before)
  } finally {
    await plain.stop()
  }
})

test('plans 11 MANTIS_DECOMPOSE_MODEL=rules asks no model', async () => {
  const plain = await startServer({ env: { ...env, ANTHROPIC_API_KEY: key, MANTIS_DECOMPOSE_MODEL: 'rules' } })
  try {
    assert.equal((await look('Have a look around, would you', {}, plain)).status, 400)
  } finally {
    await plain.stop()
  }
})

test('tenancy 5 every tenant pays with its own key, and keeps its own plans', async () => {
  const many = new TenantServer({
    acme: { anthropic_secret_name: 'anthropic_acme', allowed_domains: ['a.test'] },
    beta: {},
    own: { anthropic_secret_name: 'anthropic_own', anthropic_required: true },
  }, { env: { ...env, ANTHROPIC_API_KEY: 'shared-key' } })
  fs.writeFileSync(path.join(many.secrets, 'anthropic_acme'), 'acme-key\n')
  await many.start()
  const as = (name) => ({ predict: (body) => many.request('POST', '/v1/predict', body, { 'X-Mantis-Token': many.tokens[name] }) })
  const used = (words) => calls(words).map((line) => line.headers['x-api-key'])
  try {
    assert.equal((await look('Would you keep tenants apart', {}, as('acme'))).status, 200)
    assert.equal((await look('Would you keep tenants apart', {}, as('beta'))).status, 200)
    assert.deepEqual(used('Would you keep tenants apart'), ['acme-key', 'shared-key'])
    assert.equal((await look('Would you keep tenants apart', {}, as('own'))).status, 400) // no key of its own: the rules
    fs.writeFileSync(path.join(many.secrets, 'anthropic_own'), 'own-key')
    assert.equal((await look('Would you keep tenants apart', {}, as('own'))).status, 200) // looked up with every call
    assert.equal(used('Would you keep tenants apart')[2], 'own-key')
    // the allowlist holds for the words, before they are sent anywhere, and for what the model makes of them
    assert.equal((await look('Look at https://evil.test/ for tenants', {}, as('acme'))).status, 403)
    assert.equal(calls('evil.test/ for tenants').length, 0)
    const astray = await look('Let the model lead astray', {}, as('acme'))
    assert.equal(astray.status, 403, astray.text)
    assert.match(astray.text, /evil\.test/)
  } finally {
    await many.stop()
  }
})

test('http-api 4.1 a caller who is refused has no model asked, and a token is taken once', async () => {
  const many = new TenantServer({ few: { rate_limit_per_minute: 2 } }, { env: { ...env, ANTHROPIC_API_KEY: key } })
  await many.start()
  const few = { predict: (body) => many.request('POST', '/v1/predict', body, { 'X-Mantis-Token': many.tokens.few }) }
  try {
    const first = await look('Would you spare a token', {}, few)
    assert.equal(first.status, 200, first.text)
    assert.equal(first.headers.get('X-RateLimit-Remaining'), '1')
    assert.equal((await look('Would you spare another token', {}, few)).status, 200)
    const refused = await look('Would you spare a third token', {}, few)
    assert.equal(refused.status, 429)
    assert.ok(Number(refused.headers.get('Retry-After')) > 0)
    assert.equal(calls('spare a third token').length, 0)
  } finally {
    await many.stop()
  }
})

test('brains 9 a model that cannot be reached is 503, one that refuses the key 502', { timeout: 60000 * slow }, async () => {
  const strict = await startModelServer(fs.mkdtempSync(path.join(dir, 'strict-')), { key: 'another', rules: [{ text: 'x' }] })
  const down = await startServer({ env: { ANTHROPIC_API_KEY: key, MANTIS_PROFILES_DIR: profilesFor(strict.url) } })
  try {
    const refused = await look('Have a look', {}, down)
    assert.equal(refused.status, 502)
    assert.match(refused.json.detail, /ANTHROPIC_API_KEY/)
    assert.ok(!refused.text.includes(key))
    await strict.stop()
    const gone = await look('Have a look', {}, down)
    assert.equal(gone.status, 503)
    assert.match(gone.json.detail, /did not answer \(4 calls\)/)
  } finally {
    await strict.stop()
    await down.stop()
  }
})

test('cli 11.1 who waits for a model is told when the server stops', async () => {
  const ending = await startServer({ env: { ...env, ANTHROPIC_API_KEY: key } })
  const waiting = look('Please say nothing while you stop', {}, ending)
  await until(5000 * slow, 'the call', () => calls('nothing while you stop').length)
  const begun = Date.now()
  const stopped = ending.stop()
  const r = await within(5000 * slow, 'an answer', waiting)
  assert.equal(r.status, 503)
  await stopped
  assert.ok(Date.now() - begun < 5000 * slow)
})

// ---- on the command line ---------------------------------------------------------------------------

// {code, out, err} of `mantis plan ...`
function mantis(args, more = {}) {
  const child = spawn(bin, ['plan', ...args], {
    cwd: dir, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: dir, MANTIS_DATA_DIR: path.join(dir, 'data'), MANTIS_REPO_ROOT: root, MANTIS_SECRETS_DIR: path.join(dir, 'none'), ...env, ...more },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (d) => { said.out += d })
  child.stderr.on('data', (d) => { said.err += d })
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, ...said })))
}

test('plans 14 plan init asks the model with the task and the address', async () => {
  const made = await mantis(['init', 'https://www.a-b.test/x', '--task', 'Would you note the opening hours'], { ANTHROPIC_API_KEY: key })
  assert.ok([0, 2].includes(made.code), made.err)
  const file = path.join(dir, 'a_b_test_plan.json')
  assert.equal(JSON.parse(fs.readFileSync(file)).steps[0].type, 'navigate')
  assert.match(made.out, /navigate/)
  assert.match(made.err, /note: claude-opus-4-7 was asked.*USD/)
  assert.match(calls('opening hours')[0].body.messages[0].content[0].text, /Would you note the opening hours\n\nTarget URL: https:\/\/www\.a-b\.test\/x/)
  const again = await mantis(['init', 'https://www.a-b.test/x', '--task', 'Would you note the closing hours'], { ANTHROPIC_API_KEY: key })
  assert.equal(again.code, 1) // the file is there, so nothing is paid for
  assert.equal(calls('closing hours').length, 0)
  const dear = await mantis(['init', 'https://www.a-b.test/x', '--overwrite', '--max-cost', '0.3', '--task', 'Would you note the dear hours'], { ANTHROPIC_API_KEY: key })
  assert.equal(dear.code, 1)
  assert.match(dear.err, /the call may cost 1\.\d+ USD; of 0\.30 USD/)
  assert.equal(calls('dear hours').length, 0)
})

test('plans 13 validate, dry-run and walk of words ask the model once', async () => {
  fs.writeFileSync(path.join(dir, 'words.txt'), 'Would you look at the opening times')
  const secrets = fs.mkdtempSync(path.join(dir, 'secrets-'))
  fs.writeFileSync(path.join(secrets, 'anthropic_api_key'), key)
  const by = { MANTIS_SECRETS_DIR: secrets }
  const json = await mantis(['validate', 'words.txt', '--json'], by)
  assert.equal(JSON.parse(json.out).step_count, 1, json.err)
  assert.match((await mantis(['dry-run', 'words.txt'], by)).out, /\[00\] navigate/)
  assert.match((await mantis(['walk', 'words.txt'], by)).out, /completed/)
  assert.equal(calls('opening times').length, 1)
  for (const no of [['--no-model'], ['--model', 'rules']]) {
    const refused = await mantis(['dry-run', 'words.txt', ...no], by)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /is not understood/)
  }
  assert.equal((await mantis(['dry-run', 'words.txt'])).code, 1) // no key
  assert.equal(calls('opening times').length, 1)
})

test('plans 14 plan init tells what a model wrote instead of a plan', async () => {
  const r = await mantis(['init', 'https://a.test/', '--task', 'refuse me please', '--output', 'no.json', '--anthropic-api-key', key])
  assert.equal(r.code, 1)
  assert.match(r.err, /I would rather not do this/)
  assert.ok(!fs.existsSync(path.join(dir, 'no.json')))
})

// ---- in a run ----------------------------------------------------------------------------------------

const missing = (intent) => ({ steps: [open(site.url), { type: 'wait', intent: 'w', params: { seconds: 0 } },
  { type: 'submit', intent, required: true, params: { label: 'Zebra crossing', kind: 'nav_link' } }] })

test('agent-loop 9.4 where the rules know nothing a model decides, and what pays is not pressed', { timeout: 120000 * slow }, async () => {
  const run = await server.submit({ task_suite: missing('Open the basket') })
  const status = await server.end(run)
  assert.equal(status.status, 'succeeded', JSON.stringify(status))
  const { result } = await server.result(run)
  assert.match(result.step_details.at(-1).data, /Cart/)
  assert.ok(result.healing_events.some((h) => h.kind === 'replace_step' && /called Cart/.test(h.reason)))
  const [call] = calls('Open the basket')
  assert.equal(call.body.model, 'claude-haiku-4-5-20251001')
  assert.equal(call.body.messages[0].content[0].type, 'image')
  assert.equal(call.headers['x-api-key'], key)
  assert.equal(Object.keys(result.claude_cost_by_path.by_path).filter((k) => k.startsWith('recovery::')).length, 1)
  const refused = await server.submit({ task_suite: missing('Have the basket') })
  assert.equal((await server.end(refused)).status, 'halted')
  const events = await server.events(refused)
  assert.ok(events.some((e) => e.kind === 'refused' && /would commit/.test(e.message)), JSON.stringify(events.slice(-8)))
})

test('agent-loop 9.4 without a key the rules are alone', { timeout: 60000 * slow }, async () => {
  const plain = await startServer({ env })
  const before = model.sent().length
  try {
    const run = await plain.submit({ task_suite: missing('Open the basket') })
    assert.equal((await plain.end(run)).status, 'halted')
    assert.equal(model.sent().length, before)
    assert.ok(!(await plain.events(run)).some((e) => e.kind === 'unanswered'))
  } finally {
    await plain.stop()
  }
})

// ---- one instruction ---------------------------------------------------------------------------------

test('brains 9 /v1/cua with decompose: the intents as an ordered list behind the instruction', { timeout: 60000 * slow }, async () => {
  const mock = await startServer({ env: { ...env, ANTHROPIC_API_KEY: key, MANTIS_BRAIN: 'mock' } })
  try {
    const instruct = (body) => mock.request('POST', '/v1/cua', { instruction: 'Kindly look', start_url: site.url, ...body })
    const plain = await instruct({})
    assert.equal(plain.status, 200, plain.text)
    assert.equal(calls('Kindly look').length, 0)
    const split = await instruct({ decompose: true })
    assert.equal(split.status, 200, split.text)
    assert.equal(split.json.instruction, 'Kindly look')
    assert.equal(calls('Kindly look').length, 1)
    assert.ok(split.json.costs.claude > 0, JSON.stringify(split.json.costs))
    assert.match(split.json.step_details[0].intent, /^Kindly look\n\nDo this in order/)
    await instruct({ decompose: true, detached: true })
    assert.equal(calls('Kindly look').length, 1)
    const astray = await instruct({ instruction: 'refuse me', decompose: true })
    assert.equal(astray.status, 502)
    assert.match(astray.json.detail, /^'decompose': /)
  } finally {
    await mock.stop()
  }
})
