// clients/python and clients/typescript: what they send is described, what they promise holds, and both
// do the main job against the real server.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { promisify } from 'node:util'
import { LEFT_OUT, Mantis, MantisError, OPERATIONS, RunFailed, RunTimeout, verifyWebhookSignature } from '../../clients/typescript/mantis.mjs'
import { typesOf } from '../../tools/openapi_types.mjs'
import { root, slow, startServer, startSite, tempDir } from './lib/harness.mjs'
import { fromNpm, needs, npmDir } from './lib/npm.mjs'
import { Description } from './lib/openapi.mjs'

const typescript = await fromNpm('typescript')
const pythonDir = path.join(root, 'clients/python')
const tsDir = path.join(root, 'clients/typescript')
const run = promisify(execFile)

async function python(code, arg = '', env = {}) {
  const head = `import json, sys\nsys.path.insert(0, ${JSON.stringify(pythonDir)})\nimport mantis_client\nfrom mantis_client import *\n`
  return (await run('python3', ['-B', '-c', head + code, arg], { timeout: 120000 * slow, env: { PATH: process.env.PATH, ...env } })).stdout
}

let site, server, description
before(async () => {
  site = await startSite('marketplace')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
  description = new Description((await server.request('GET', '/openapi.json')).json)
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

// ---- a server that answers from a list, or anything that every method can unwrap --------------------

const ANY = {
  run_id: 'r', phase: 'complete', status: 'succeeded', terminal: true, polling_backoff_ms_hint: 1, result_ready: true, result: null,
  events: [], deliveries: [], recipes: [], shipped: [], data: [], deleted: true, schema: {}, ok: true,
}
const json = (body, status = 200, headers = {}) => ({ status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })
const sse = (...lines) => ({ status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: lines.map((l) => `${l}\n`).join('') })
const event = (cursor, n) => [`id: ${cursor}`, 'event: step_end', `data: {"n": ${n}}`, '']
const TERMINAL = ['event: terminal', 'data: {"phase": "complete"}', '']

async function scripted(answers, use) {
  const calls = []
  const fake = http.createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    const url = new URL(req.url, 'http://x')
    calls.push({ method: req.method, path: decodeURI(url.pathname), query: Object.fromEntries(url.searchParams), all: req.headers, body: body ? JSON.parse(body) : undefined })
    const answer = answers ? answers.shift() : url.searchParams.get('sse') ? sse(...TERMINAL) : json(ANY)
    if (!answer) return req.socket.destroy()
    res.writeHead(answer.status, answer.headers)
    res.end(answer.body)
  })
  await new Promise((resolve) => { fake.listen(0, '127.0.0.1', resolve) })
  const slept = []
  const base = `http://127.0.0.1:${fake.address().port}`
  try {
    return await use({ base, calls, slept, mantis: new Mantis(`${base}/v1/`, 't0ken', { sleep: async (ms) => { slept.push(ms) } }) })
  } finally {
    fake.closeAllConnections()
    fake.close()
  }
}

// ---- what they send ----------------------------------------------------------------------------------

function held(calls, operations) {
  const reached = new Set()
  for (const call of calls) {
    // those of any call; the others are an operation's own
    const headers = Object.fromEntries(Object.entries(call.all).filter(([k]) => ['idempotency-key', 'last-event-id', 'x-request-id', 'traceparent'].includes(k)))
    const { operationId, complaints } = description.complaintsOfCall({ ...call, headers })
    assert.deepEqual(complaints, [])
    assert.ok(call.path === '/health' || call.all['x-mantis-token'] === 't0ken')
    reached.add(operationId)
  }
  assert.deepEqual([...reached].sort(), Object.keys(operations).sort())
}

test('python: every operation has a method, and all that methods send is described', { timeout: 60000 * slow }, async () => {
  const { operations, left } = JSON.parse(await python('print(json.dumps({"operations": mantis_client.OPERATIONS, "left": sorted(mantis_client.LEFT_OUT), "missing": [m for m in mantis_client.OPERATIONS.values() if not callable(getattr(Mantis, m))]}))'))
  assert.deepEqual([...Object.keys(operations), ...left].sort(), [...description.operations.keys()].sort())
  await scripted(null, async ({ base, calls }) => {
    await python(`
m = Mantis(sys.argv[1], "t0ken")
m.submit({"micro": "p"}, max_cost=1); m.dry_run({"micro": "p"}); m.run({"micro": "p"}); m.phase("r"); m.status("r"); m.result("r")
m.cancel("r", "why"); m.pause("r", "why"); m.resume("r", "x"); m.logs("r"); m.graph_learn("find", start_url="http://x"); m.queue()
m.list_runs(status=["failed", "halted"], limit=3, before="2026-01-01T00:00:00Z")
m.cua("do", start_url="http://x", max_steps=3); m.fingerprint("http://x"); m.events("r", "c"); list(m.stream_events("r", since="c"))
m.artifacts("r"); m.artifact("r", "leads.csv"); m.video("r", raw=True); m.recipes(); m.recipe("n"); m.put_recipe("n", {}); m.delete_recipe("n")
m.webhooks(state="dead", limit=3); m.run_webhooks("r"); m.replay_webhook("d"); m.replay_run_webhooks("r")
m.steps("r", 3); m.screenshot("r", "final.png"); m.view("r", control=True); m.take_over("r", take=True); m.release("r", "0" * 32, "x"); m.usage()
m.health(); m.version(); m.models(); m.chat([]); m.metrics(); m.openapi()`, base)
    held(calls, operations)
  })
})

test('typescript: every operation has a method, and all that methods send is described', { timeout: 60000 * slow }, async () => {
  assert.deepEqual([...Object.keys(OPERATIONS), ...LEFT_OUT].sort(), [...description.operations.keys()].sort())
  for (const name of Object.values(OPERATIONS)) assert.equal(typeof Mantis.prototype[name], 'function', name)
  await scripted(null, async ({ mantis: m, calls }) => {
    await m.submit({ micro: 'p' }, { max_cost: 1 })
    await m.dryRun({ micro: 'p' })
    await m.run({ micro: 'p' })
    for (const name of ['phase', 'status', 'result', 'logs', 'artifacts', 'runWebhooks', 'replayRunWebhooks', 'recipe', 'deleteRecipe', 'replayWebhook'])
      await m[name]('r')
    await m.cancel('r', 'why')
    await m.pause('r', 'why')
    await m.resume('r', 'x')
    await m.graphLearn('find', { startUrl: 'http://x' })
    await m.cua('do', { start_url: 'http://x', max_steps: 3 })
    await m.fingerprint('http://x')
    await m.events('r', 'c')
    for await (const e of m.streamEvents('r', { since: 'c' })) assert.equal(e.event, 'terminal')
    await m.artifact('r', 'leads.csv')
    await m.video('r', { raw: true })
    await m.steps('r', 3)
    await m.screenshot('r', 'final.png')
    await m.view('r', { control: true })
    await m.takeOver('r', { take: true })
    await m.release('r', '0'.repeat(32), 'x')
    await m.usage()
    await m.putRecipe('n', {})
    await m.webhooks({ state: 'dead', limit: 3 })
    await m.listRuns({ status: ['failed', 'halted'], limit: 3, before: '2026-01-01T00:00:00Z' })
    await m.chat([])
    for (const name of ['queue', 'recipes', 'health', 'version', 'models', 'metrics', 'openapi']) await m[name]()
    held(calls, OPERATIONS)
  })
})

test('typescript: the types of documents are those of the description', () => {
  assert.equal(fs.readFileSync(path.join(tsDir, 'schema.d.mts'), 'utf8'), typesOf(description.document),
    'node tools/openapi_types.mjs OPENAPI_JSON > clients/typescript/schema.d.mts')
})

test('typescript: a strict compiler accepts what a user writes, and not what is wrong', { ...needs(typescript), timeout: 120000 * slow }, async () => {
  const dir = tempDir('types')
  const compile = async (body) => {
    const file = path.join(dir, 'use.mts')
    fs.writeFileSync(file, `import { Mantis, RunFailed, verifyWebhookSignature } from ${JSON.stringify(path.join(tsDir, 'mantis.mjs'))}\nconst m = new Mantis('http://x', 't', { retries: 2 })\n${body}\n`)
    return run(process.execPath, [path.join(npmDir, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--module', 'nodenext',
      '--target', 'es2022', '--lib', 'es2022,dom,dom.asynciterable', file], { timeout: 60000 * slow }).then(() => 'fine', (e) => e.stdout)
  }
  try {
    assert.equal(await compile(`const { run_id: id } = await m.submit({ micro: 'p' }, { max_cost: 1 })
      for await (const e of m.streamEvents(id)) { const said: string = e.data.summary; void said }
      const done = await m.waitForCompletion(id, { raiseOnFailure: true })
      const rows: number = done.result!.viable; void rows
      if (!(await verifyWebhookSignature('', '', 's'))) throw new RunFailed(done)`), 'fine')
    assert.match(await compile("await m.submit({ micro: 'p' }, { max_kost: 1 })"), /max_kost/)
    assert.match(await compile("const n: number = (await m.phase('r')).run_id"), /TS2322/)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
})

// ---- what they promise -----------------------------------------------------------------------------------

test('python: its own tests pass', { timeout: 60000 * slow }, async () => {
  const { stderr } = await run('python3', ['-B', '-W', 'error', '-m', 'unittest', 'discover', '-s', pythonDir], { timeout: 50000 * slow })
  assert.match(stderr, /\nOK\n$/)
})

test('typescript: a busy server is asked again with the same key after the time it names', () =>
  scripted([json({ detail: 'busy' }, 429, { 'Retry-After': '6' }), json({ detail: 'starting' }, 503), json({ run_id: 'r1' })], async ({ mantis, calls, slept }) => {
    assert.equal((await mantis.submit({ micro: 'a' })).run_id, 'r1')
    assert.equal(new Set(calls.map((c) => c.all['idempotency-key'])).size, 1)
    assert.deepEqual([calls.length, slept[0]], [3, 6000])
  }))

test('typescript: a lost answer is asked for again only where that is safe', () =>
  scripted([null, json({ run_id: 'r1' }), null], async ({ mantis, calls }) => {
    await mantis.submit({ micro: 'a' })
    assert.equal(calls[0].all['idempotency-key'], calls[1].all['idempotency-key'])
    await assert.rejects(mantis.fingerprint(), (e) => e instanceof MantisError && e.status === 0)
    assert.equal(calls.length, 3)
  }))

test('typescript: a refusal carries status and detail', () =>
  scripted([json({ detail: "'max_cost' must be more than 0" }, 400)], async ({ mantis, slept }) => {
    await assert.rejects(mantis.submit({ micro: 'a' }), { status: 400, detail: "'max_cost' must be more than 0" })
    assert.deepEqual(slept, [])
  }))

test('typescript: waiting goes at the pace of the server, ends with the result, and knows failure and deadline', async () => {
  const phase = { run_id: 'r1', phase: 'running', terminal: false, polling_backoff_ms_hint: 1500 }
  const done = { ...phase, phase: 'halted', terminal: true }
  const document = { run_id: 'r1', status: 'halted', halt_reason: 'budget_cap', result_ready: true, result: {} }
  await scripted([json(phase), json(done), json({ ...document, result_ready: false }), json(done), json(document)], async ({ mantis, slept }) => {
    assert.deepEqual(await mantis.waitForCompletion('r1'), document)
    assert.deepEqual(slept, [1500, 200])
  })
  await scripted([json(done), json(document)], ({ mantis }) =>
    assert.rejects(mantis.waitForCompletion('r1', { raiseOnFailure: true }), (e) => e instanceof RunFailed && e.message === 'run r1 halted: budget_cap'))
  await scripted([json(phase)], ({ mantis }) => assert.rejects(mantis.waitForCompletion('r1', { timeoutMs: 0 }), RunTimeout))
})

test('typescript: a stream that breaks off goes on behind the last event', () =>
  scripted([
    sse('event: phase', 'data: {"phase": "running"}', '', ...event('t1#1', 1), ': ping', ...event('t2#2', 2), 'id: t3#3'),
    sse('event: phase', 'data: {"phase": "running"}', '', ...event('t3#3', 3), 'event: timeout', 'data: {"reason": "max_stream_seconds"}', ''),
    null,
    sse(...event('t4#4', 4), ...TERMINAL),
  ], async ({ mantis, calls }) => {
    const got = []
    for await (const e of mantis.streamEvents('r1')) got.push(e.data.n ?? e.event)
    assert.deepEqual(got, ['phase', 1, 2, 3, 4, 'terminal'])
    assert.deepEqual(calls.map((c) => c.all['last-event-id']), [undefined, 't2#2', 't3#3', 't3#3'])
  }))

test('both tell a signature from a forged or an old one', { timeout: 30000 * slow }, async () => {
  const body = '{"run_id":"r1","ü":1}'
  const mac = (text) => crypto.createHmac('sha256', 's').update(text).digest('hex')
  const plain = `sha256=${mac(body)}`
  const timed = `t=1000,v1=${mac(`1000.${body}`)}`
  const cases = [[body, plain, 's', 0, true], [`${body} `, plain, 's', 0, false], [body, plain, 'x', 0, false], [body, '', 's', 0, false], [body, null, 's', 0, false],
    [body, timed, 's', 1200, true], [body, timed, 's', 1301, false], [body, timed.replace('t=1000', 't=1001'), 's', 1200, false], [body, 't=,v1=', 's', 0, false]]
  for (const [b, signature, secret, now, wanted] of cases)
    assert.equal(await verifyWebhookSignature(b, signature, secret, { nowMs: now * 1000 }), wanted, `${signature} ${now}`)
  const said = await python('print(json.dumps([verify_webhook_signature(b.encode(), s, k, now=n) for b, s, k, n, _ in json.loads(sys.argv[1])]))', JSON.stringify(cases))
  assert.deepEqual(JSON.parse(said), cases.map((c) => c[4]))
})

// ---- the main job, for real ----------------------------------------------------------------------------

test('typescript: submit, follow, wait, fetch', { timeout: 120000 * slow }, async () => {
  const mantis = new Mantis(server.base, server.token)
  assert.equal((await mantis.health()).ok, true)
  const { run_id: id } = await mantis.submit({ micro: 'plans/example/extract_listings.json' }, { max_cost: 2, profile_id: 'ts' })
  const followed = []
  for await (const e of mantis.streamEvents(id, { timeoutMs: 100000 * slow })) if (e.id) followed.push(e.data)
  assert.deepEqual(followed, await mantis.events(id))
  const done = await mantis.waitForCompletion(id, { raiseOnFailure: true, timeoutMs: 10000 * slow })
  assert.equal(done.result.viable, 3)
  assert.ok((await mantis.artifacts(id)).some((a) => a.name === 'leads.csv'))
  assert.match(new TextDecoder().decode(await mantis.artifact(id, 'leads.csv')), /^status,year,make,model,price,/)
  await mantis.putRecipe('ts_recipe', { fields: [{ name: 'title' }] })
  assert.ok((await mantis.recipes()).includes('ts_recipe'))
  assert.equal(await mantis.deleteRecipe('ts_recipe'), true)
  assert.deepEqual(await mantis.webhooks(), [])
})

test('python: submit, follow, wait, fetch', { timeout: 120000 * slow }, async () => {
  const said = JSON.parse(await python(`
m = Mantis.from_env()
run_id = m.submit({"micro": "plans/example/extract_listings.json"}, max_cost=2, profile_id="py")["run_id"]
followed = [e["data"] for e in m.stream_events(run_id, timeout=100) if e["id"]]
done = m.wait_for_completion(run_id, timeout=10, raise_on_failure=True)
m.put_recipe("py_recipe", {"fields": [{"name": "title"}]})
print(json.dumps({"same": followed == m.events(run_id), "n": len(followed), "viable": done["result"]["viable"], "csv": m.artifact(run_id, "leads.csv").decode()[:6],
  "recipes": m.recipes(), "deleted": m.delete_recipe("py_recipe"), "status": m.status(run_id)["status"]}))`, '', { MANTIS_ENDPOINT: server.base, MANTIS_API_TOKEN: server.token }))
  assert.ok(said.n > 3)
  assert.ok(said.recipes.includes('py_recipe'))
  delete said.recipes
  delete said.n
  assert.deepEqual(said, { same: true, viable: 3, csv: 'status', deleted: true, status: 'succeeded' })
})
