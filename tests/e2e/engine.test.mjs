// The model server of a pod: a stand-in for llama-server and vLLM is started by `serve`, waited for, killed, started again
// and ended with it (serving.md sections 1.4 and 5).

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, processes, Server, slow, tempDir, until, within } from './lib/harness.mjs'
import { wait } from './lib/plans.mjs'

const beside = (name) => path.join(path.dirname(bin), 'tests', name)
const fake = process.env.FAKE_ENGINE || beside('fake_engine')
let models
before(() => {
  models = tempDir('models')
  execFileSync(process.env.MAKE_GGUF || beside('make_gguf'), [models])
  fs.copyFileSync(path.join(models, 'model.Q8_0.gguf'), path.join(models, 'challenger.gguf'))
})
after(() => fs.rmSync(models, { recursive: true, force: true }))

const freePort = () => new Promise((resolve) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)) })
})

// A server whose model server is the stand-in; `told` are the files that it is told by from the start.
async function withEngine(told, fn, env = {}) {
  const dir = tempDir('engine')
  const tell = (name, text = '') => fs.writeFileSync(path.join(dir, name), String(text))
  for (const name of [told].flat()) tell(...[name].flat())
  const server = new Server({ env: {
    MANTIS_BRAIN: 'holo3', MANTIS_HOLO3_MODEL_DIR: models, MANTIS_HOLO3_GGUF: 'holo3.Q8_0.gguf', MANTIS_LLAMA_SERVER: fake, MANTIS_LLAMA_PORT: String(await freePort()),
    MANTIS_MODEL_LOG: path.join(dir, 'engine.log'), FAKE_ENGINE_DIR: dir, SOME_API_KEY: 'k'.repeat(20), ...env } })
  const starts = () => { try { return fs.readFileSync(path.join(dir, 'starts'), 'utf8').trim().split('\n').map(JSON.parse) } catch { return [] } }
  const health = async () => { const r = await fetch(`${server.base}/health`); return { status: r.status, ...await r.json() } }
  const ready = (status = 200, ms = 5000) => until(ms * slow, `/health ${status}`, async () => { const h = await health(); return h.status === status && h })
  try {
    await server.start()
    await fn({ server, dir, tell, untell: (name) => fs.rmSync(path.join(dir, name)), starts, health, ready, pid: () => starts().at(-1).pid })
  } finally {
    try { await server.stop() } finally { fs.rmSync(dir, { recursive: true, force: true }) }
  }
}

// Neither running nor a zombie of somebody who forgot it.
const gone = (pid) => until(3000 * slow, `end of ${pid}`, () => !processes().some((p) => p.pid === pid))
const status = (server, args = []) => spawnSync(bin, ['engine', 'status', '--data-dir', server.dir, ...args], { encoding: 'utf8' })

test('serving 1.4 ready is after /health and one token, not before', async () => {
  await withEngine('no_token', async ({ server, dir, tell, untell, starts, health, ready }) => {
    await until(3000 * slow, 'a start', () => starts().length)
    const first = await health()
    assert.deepEqual([first.status, first.ok, first.model], [503, false, 'holo3'])
    assert.match(first.reason, /^the model server is not ready for \d+ s, of at most 360 s/)
    await until(3000 * slow, 'the reason', async () => (await health()).reason.includes('it answers 503 to /health'))
    assert.equal((await (await fetch(`${server.base}/v1/version`)).json()).ready, false)
    assert.match((await server.predict({ task_suite: wait(), detached: true })).json.detail, /^no run can be carried out now: the model server/)
    assert.match(status(server).stdout, /^brain +holo3\nstate +starting for \d+ s\nwaits +the model server is not ready/)
    assert.equal(status(server).status, 1)
    tell('loaded')
    await until(5000 * slow, 'a request for a token', async () => (await health()).reason?.includes('it answers 500 to a request for one token'))
    untell('no_token')
    assert.deepEqual(await ready(200, 6000), { status: 200, ok: true, model: 'holo3' })
    assert.equal((await (await fetch(`${server.base}/v1/version`)).json()).ready, true)
    const asked = JSON.parse(fs.readFileSync(path.join(dir, 'bodies'), 'utf8').split('\n')[0])
    assert.deepEqual([asked.model, asked.max_tokens, asked.messages.length], ['holo3', 1, 1])
    assert.equal(starts().length, 1)
    assert.equal(starts()[0].hidden, false, 'no setting and no key of ours is in its environment')
    assert.match(status(server).stdout, /state +ready/)
    assert.equal(status(server).status, 0)
  })
})

test('serving 5 the recorded command is the one of mantis engine argv, on the loopback address', async () => {
  await withEngine('loaded', async ({ server, starts, ready }) => {
    await ready()
    const said = JSON.parse(spawnSync(bin, ['engine', 'argv', '--json'], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: models, ...server.env } }).stdout)
    const { argv } = starts()[0]
    assert.deepEqual(argv.slice(0, 5), [fake, '-m', path.join(models, 'holo3.Q8_0.gguf'), '--host', '127.0.0.1'])
    assert.deepEqual(argv, said.argv)
  })
})

// What the stand-in was really started with, for every row of the table: it dies at once, and serve with it.
test('serving 5 row 1: the command that is recorded, for every combination of section 2.2', { timeout: 120000 * slow }, async () => {
  const adapter = path.join(models, 'adapter.gguf'), peft = path.join(models, 'peft')
  fs.mkdirSync(peft)
  const llama = (gguf, more) => ['-m', path.join(models, gguf), '--host', '127.0.0.1', '--port', 'PORT', '-ngl', '99', '-c', '8192', '-ub', '2048', '--fit', 'off', '--mmproj',
    path.join(models, 'mmproj-f16.gguf'), '--jinja', '--flash-attn', 'on', ...more]
  const gemma4 = (...lora) => llama('model.Q8_0.gguf', ['--reasoning-budget', '512', '--parallel', '1', ...lora])
  const fara = (...lora) => ['--model', models, '--served-model-name', 'model', '--host', '127.0.0.1', '--port', 'PORT', '--trust-remote-code', '--gpu-memory-utilization', '0.90', '--max-model-len', '32768',
    '--dtype', 'auto', '--enable-auto-tool-choice', '--tool-call-parser', 'hermes', ...lora]
  const modules = (name) => ['--enable-lora', '--lora-modules', `${name}=${peft}`, '--max-lora-rank', '64']
  const rows = [['holo3', {}, llama('holo3.Q8_0.gguf', ['--parallel', '1'])]]
  for (const blank of [{}, { MANTIS_LORA_ADAPTER: '' }, { MANTIS_LORA_ADAPTER: '  ' }]) rows.push(['gemma4', blank, gemma4()], ['fara', blank, fara()])
  for (const [scale, lora] of [[undefined, ['--lora', adapter]], ['1.0', ['--lora', adapter]], ['0.5', ['--lora-scaled', `${adapter}:0.5`]], ['0', ['--lora-scaled', `${adapter}:0`]]])
    for (const name of [undefined, 'arm-b']) rows.push(['gemma4', { MANTIS_LORA_ADAPTER: adapter, MANTIS_LORA_SCALE: scale, MANTIS_LORA_NAME: name }, gemma4(...lora)])
  for (const scale of [undefined, '0.5'])
    for (const name of [undefined, 'arm-b']) rows.push(['fara', { MANTIS_LORA_ADAPTER: peft, MANTIS_LORA_SCALE: scale, MANTIS_LORA_NAME: name }, fara(...modules(name ?? 'challenger'))])
  for (const [brain, set, wanted] of rows) {
    const env = Object.fromEntries(Object.entries({ MANTIS_BRAIN: brain, MANTIS_GEMMA4_MODEL_DIR: models, MANTIS_GEMMA4_GGUF: 'model.Q8_0.gguf', MANTIS_FARA_MODEL_DIR: models, MANTIS_VLLM_SERVER: fake, ...set })
      .filter(([, v]) => v !== undefined))
    await withEngine('die', async ({ server, starts }) => {
      assert.equal((await within(10000 * slow, 'the end of serve', server.child.ended)).code, 1)
      const { argv } = starts()[0]
      assert.equal(server.child.log.split('a challenger is served').length - 1, set.MANTIS_LORA_ADAPTER?.trim() ? 1 : 0, JSON.stringify(set))
      assert.deepEqual(argv.map((word, i) => argv[i - 1] === '--port' ? 'PORT' : word), [fake, ...wanted], JSON.stringify([brain, set]))
      const said = spawnSync(bin, ['engine', 'argv', '--json'], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: models, ...server.env } })
      assert.deepEqual(argv, JSON.parse(said.stdout).argv, said.stderr)
    }, env)
  }
  assert.equal(rows.length, 19)
})

test('serving 1.4 a crash: 503 at once, started again, ready again', async () => {
  await withEngine('loaded', async ({ server, starts, health, ready, pid }) => {
    await ready()
    const old = pid()
    process.kill(old, 'SIGKILL')
    const h = await ready(503, 5000)
    assert.match(h.reason, /^the model server (ended and is started again in \d+ s|is not ready).*was killed by signal 9/)
    await ready(200, 6000)
    assert.equal(starts().length, 2)
    assert.notEqual(pid(), old)
    assert.equal(JSON.parse(status(server, ['--json']).stdout).failures, 1)
  })
})

test('serving 1.4 a crash loop: five failures, then serve ends with the last lines', { timeout: 60000 * slow }, async () => {
  await withEngine('loaded', async ({ server, tell, starts, ready, pid }) => {
    await ready()
    tell('die')
    process.kill(pid(), 'SIGKILL')
    const how = await within(30000 * slow, 'the end of serve', server.child.ended)
    assert.deepEqual(how, { code: 1, signal: null })
    assert.equal(starts().length, 5, 'the one that was killed and four that died')
    assert.match(server.child.log, /the model server was given up: it exited with status 3; its last lines:/)
    assert.match(server.child.log, /loading the model\\nerror: not enough memory on the GPU/)
  })
})

test('serving 1.4 one that dies before it was ready ends serve with its last lines, at most 20000 bytes', async () => {
  await withEngine([['chatty', 2000], 'die'], async ({ server, dir, starts }) => {
    assert.equal((await within(5000 * slow, 'the end of serve', server.child.ended)).code, 1)
    assert.equal(starts().length, 1)
    const said = server.child.log.split('\n').filter((l) => l.includes('"mantis.engine"') && l.includes('line ')).map((l) => JSON.parse(l).msg).join('')
    assert.ok(said.length > 15000 && said.length <= 20000, `${said.length}`)
    assert.match(said, /^line \d+ of a model server that says much\n[^]*line 2000 of [^]*not enough memory on the GPU/)
    const file = fs.readFileSync(path.join(dir, 'engine.log'), 'utf8')
    assert.match(file, /^line 1 of/, 'the whole of it is in the file')
    assert.equal(fs.statSync(path.join(dir, 'engine.log')).mode & 0o777, 0o600)
  })
})

test('serving 1.4 one that is not ready in time ends serve, which names the variable', async () => {
  await withEngine([], async ({ server, pid }) => {
    assert.equal((await within(6000 * slow, 'the end of serve', server.child.ended)).code, 1)
    assert.match(server.child.log, /given up: it was not ready within 2 s \(MANTIS_MODEL_START_TIMEOUT_S\)/)
    await gone(pid())
  }, { MANTIS_MODEL_START_TIMEOUT_S: '2' })
})

test('serving 1.4 the port is taken: another one, and nobody is killed', async () => {
  const holder = http.createServer((req, res) => res.writeHead(200).end('{}'))
  await new Promise((resolve) => holder.listen(0, '0.0.0.0', resolve))
  const { port } = holder.address()
  try {
    await withEngine('loaded', async ({ server, starts, ready }) => {
      await ready()
      const { argv } = starts()[0]
      assert.notEqual(argv[argv.indexOf('--port') + 1], String(port))
      assert.match(server.child.log, new RegExp(`port ${port} is taken: the model server listens on \\d+ \\(MANTIS_LLAMA_PORT\\)`))
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
    }, { MANTIS_LLAMA_PORT: String(port) })
  } finally { holder.close() }
})

for (const [signal, told] of [['SIGTERM', []], ['SIGTERM', ['helper']], ['SIGTERM', ['deaf']], ['SIGKILL', []]])
  test(`serving 1.4 ${signal} of serve leaves no model server ${told}`, async () => {
    await withEngine(['loaded', ...told], async ({ server, dir, ready, pid }) => {
      await ready()
      const helper = told.includes('helper') ? Number(fs.readFileSync(path.join(dir, 'helper.pid'), 'utf8')) : 0
      const how = await server.kill(signal)
      assert.deepEqual(how, signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal })
      await gone(pid())
      if (helper) await gone(helper)
    })
  })

test('serving 1.4 SIGTERM while it is still loading ends both', async () => {
  await withEngine([], async ({ server, starts, pid }) => {
    await until(3000 * slow, 'a start', () => starts().length)
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null })
    await gone(pid())
  })
})

test('serving 2.1 MANTIS_MODEL_TAG is in version, models and status; gemma4 is gemma4-cua', async () => {
  await withEngine('loaded', async ({ server, ready }) => {
    await ready()
    const version = await (await fetch(`${server.base}/v1/version`)).json()
    assert.deepEqual([version.model, version.model_tag], ['gemma4-cua', 'arm-b'])
    assert.deepEqual((await (await fetch(`${server.base}/v1/models`)).json()).data, [{ id: 'gemma4-cua', object: 'model', owned_by: 'mantis', tag: 'arm-b' }])
    assert.match(status(server).stdout, /^brain +gemma4-cua, tag arm-b\n/)
  }, { MANTIS_BRAIN: 'gemma4', MANTIS_GEMMA4_MODEL_DIR: models, MANTIS_GEMMA4_GGUF: 'model.Q8_0.gguf', MANTIS_MODEL_TAG: 'arm-b' })
})

test('serving 2.1 MANTIS_MODEL_TAG tells arms apart with any brain: version, models, status, result, trace, metrics', async () => {
  const server = await new Server({ env: { MANTIS_BRAIN: 'page', MANTIS_MODEL_TAG: 'arm-c' } }).start()
  try {
    const get = async (route) => (await server.request('GET', route)).json
    const id = await server.submit({ task_suite: wait(0) })
    await server.end(id)
    assert.deepEqual([(await get('/v1/version')).model_tag, (await get('/v1/models')).data[0].tag], ['arm-c', 'arm-c'])
    for (const action of ['status', 'result', 'reasoning_trace']) assert.equal((await server.predict({ action, run_id: id })).json.model_tag, 'arm-c', action)
    assert.equal((await server.result(id)).result.model_tag, 'arm-c')
    assert.equal((await get(`/v1/runs/${id}/events`)).model_tag, 'arm-c')
    const metrics = await (await fetch(`${server.base}/metrics`)).text()
    assert.match(metrics, /^mantis_model_info\{model="page",model_tag="arm-c"\} 1$/m)
    assert.doesNotMatch(metrics, /^mantis_model_server_up/m)
  } finally { await server.stop() }
})

test('serving 1.3 Fara: the stand-in as vLLM, called by the name of its adapter', async () => {
  const adapter = tempDir('peft')
  fs.writeFileSync(path.join(adapter, 'adapter_config.json'), '{"r": 16}')
  await withEngine('loaded', async ({ server, dir, starts, ready }) => {
    await ready()
    assert.equal((await (await fetch(`${server.base}/health`)).json()).model, 'fara')
    assert.equal(JSON.parse(fs.readFileSync(path.join(dir, 'bodies'), 'utf8').split('\n')[0]).model, 'challenger')
    assert.deepEqual(starts()[0].argv.slice(-5), ['--enable-lora', '--lora-modules', `challenger=${adapter}`, '--max-lora-rank', '64'])
    assert.match((await (await fetch(`${server.base}/v1/version`)).json()).model_tag, /-[0-9a-f]{8}$/)
    assert.match(server.child.log, /a challenger is served: mantis-e2e-peft-/)
  }, { MANTIS_BRAIN: 'fara', MANTIS_FARA_MODEL_DIR: models, MANTIS_VLLM_SERVER: fake, MANTIS_LORA_ADAPTER: adapter })
  fs.rmSync(adapter, { recursive: true })
})

// ---- a server that runs already ------------------------------------------------------------------------

async function otherServer() {
  const seen = { health: 200, chat: 200, requests: [] }
  const s = http.createServer((req, res) => {
    const parts = []
    req.on('data', (d) => parts.push(d)).on('end', () => {
      seen.requests.push({ url: req.url, key: req.headers.authorization, body: parts.length ? JSON.parse(Buffer.concat(parts)) : null })
      const ok = req.url === '/health' ? seen.health : seen.chat
      res.writeHead(ok, { 'Content-Type': 'application/json' }).end('{"choices":[{}]}')
    })
  })
  seen.listen = (port = 0) => new Promise((resolve) => s.listen(port, '127.0.0.1', resolve))
  seen.close = () => new Promise((resolve) => { s.close(resolve); s.closeAllConnections?.() })
  await seen.listen()
  seen.port = s.address().port
  return seen
}

test('MANTIS_MODEL_URL: used instead, with its key, never started and never ended; 503 when it dies, 200 when it is back', async () => {
  const other = await otherServer()
  const secrets = tempDir('secrets')
  fs.writeFileSync(path.join(secrets, 'model_key'), 'sk-of-the-model\n')
  other.health = 503
  await withEngine([], async ({ server, starts, health, ready }) => {
    await until(3000 * slow, 'the reason', async () => (await health()).reason?.includes('it answers 503 to /health'))
    other.health = 404 // a server without that route
    await ready()
    assert.ok(other.requests.every((r) => r.key === 'Bearer sk-of-the-model'))
    assert.deepEqual([...new Set(other.requests.map((r) => r.url))], ['/health', '/v1/chat/completions'])
    await other.close()
    await ready(503, 5000)
    await other.listen(other.port)
    await ready(200, 5000)
    assert.deepEqual(starts(), [])
    assert.ok(!server.child.log.includes('sk-of-the-model'))
    assert.ok(!status(server, ['--json']).stdout.includes('sk-of-the-model'))
    assert.equal(JSON.parse(status(server, ['--json']).stdout).engine, 'external')
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null })
    assert.equal((await fetch(`http://127.0.0.1:${other.port}/health`)).status, 404, 'it still runs')
  }, { MANTIS_MODEL_URL: `http://127.0.0.1:${other.port}/v1/`, MANTIS_MODEL_KEY_SECRET: 'model_key', MANTIS_SECRETS_DIR: secrets })
  await other.close()
  fs.rmSync(secrets, { recursive: true })
})

// What /health says of a server that does not take us, and what is to be done about it.
for (const [what, told, key, says] of [
  ['a key that it does not take', { chat: 401 }, true, /it answers 401 to a request for one token: it does not take the key in the secret 'model_key' \(MANTIS_MODEL_KEY_SECRET\)$/],
  ['a key that may not', { chat: 403 }, true, /it answers 403 to a request for one token: it does not take the key in the secret 'model_key' \(MANTIS_MODEL_KEY_SECRET\)$/],
  ['a key that even /health asks for', { health: 401 }, true, /it answers 401 to \/health: it does not take the key in the secret 'model_key'/],
  ['no key', { chat: 401 }, false, /it answers 401 to a request for one token: it asks for a key: put it into a secret, and name that in MANTIS_MODEL_KEY_SECRET$/],
  ['a model that it does not know', { chat: 404 }, false, /it answers 404 to a request for one token: it knows no model 'holo3' \(MANTIS_MODEL_NAME\), or MANTIS_MODEL_URL is not its address$/],
])
  test(`MANTIS_MODEL_URL and ${what}: not ready, and /health says what to do`, async () => {
    const other = Object.assign(await otherServer(), told)
    const secrets = tempDir('secrets')
    fs.writeFileSync(path.join(secrets, 'model_key'), 'sk-of-the-model\n')
    await withEngine([], async ({ server, health, ready }) => {
      const { reason, ok } = await until(5000 * slow, 'the reason', async () => { const h = await health(); return says.test(h.reason) && h })
      assert.ok(ok === false && !reason.includes('sk-of'))
      assert.match((await server.predict({ task_suite: wait(), detached: true })).json.detail, /^no run can be carried out now: the model server/)
      Object.assign(other, { health: 200, chat: 200 }) // mended there: nothing has to be started again
      await ready(200, 8000)
    }, { MANTIS_MODEL_URL: `http://127.0.0.1:${other.port}`, MANTIS_SECRETS_DIR: secrets, ...(key ? { MANTIS_MODEL_KEY_SECRET: 'model_key' } : {}) })
    await other.close()
    fs.rmSync(secrets, { recursive: true })
  })

// A server that is named is waited for, asked by its name and behind /v1/chat/completions, whatever the brain. Runs of
// brains that ask no model do not wait for it.
for (const [brain, waits, name, calls] of [['openai', true, undefined, 'default'], ['chat:opencua', true, 'my-cua', 'my-cua'], ['ladder:page,chat:openai', true, undefined, 'default'],
  ['page', false, undefined, undefined], ['claude', false, 'theirs', 'theirs'], ['none', false, undefined, undefined]])
  test(`MANTIS_MODEL_URL with the brain ${brain}: ${waits ? 'ready when it is' : 'ready at once'}, and behind /v1/chat/completions`, async () => {
    const other = Object.assign(await otherServer(), { health: 503 })
    const chat = (server) => server.request('POST', '/v1/chat/completions', { messages: [] })
    await withEngine([], async ({ server, starts, health, ready }) => {
      await until(5000 * slow, 'a look', () => other.requests.length)
      if (waits) assert.match((await health()).reason, /^the model server is not ready/)
      else await ready()
      const early = await chat(server)
      assert.equal(early.status, 503)
      assert.match(early.json.detail, /^the model server is not ready .*it answers 503 to \/health/)
      other.health = 200
      await until(8000 * slow, 'an answer', async () => (await chat(server)).status === 200)
      await ready()
      const token = other.requests.find((r) => r.body?.max_tokens === 1)
      assert.equal(token.body.model, calls)
      assert.deepEqual(starts(), [])
      const told = JSON.parse(status(server, ['--json']).stdout)
      assert.deepEqual([told.engine, told.brain, told.ready], ['external', brain, true])
      assert.equal(server.child.log.includes('runs of this brain do not ask it'), !waits)
      assert.equal((await (await fetch(`${server.base}/v1/version`)).json()).model_tag, 'arm-c')
    }, { MANTIS_BRAIN: brain, MANTIS_MODEL_URL: `http://127.0.0.1:${other.port}`, MANTIS_MODEL_TAG: 'arm-c', ...(name ? { MANTIS_MODEL_NAME: name } : {}) })
    await other.close()
  })

test('one of ours that the self-test refuses is ended, and serve with it', async () => {
  await withEngine('loaded', async ({ server, starts, pid }) => {
    assert.equal((await within(40000 * slow, 'the end of serve', server.child.ended)).code, 1)
    assert.equal(starts().length, 1)
    assert.match(server.child.log, /the model server was given up: the self-test: .*\(MANTIS_SELFTEST=strict\)/)
    await gone(pid())
  }, { MANTIS_SELFTEST: 'strict', MANTIS_SELFTEST_TIMEOUT_S: '30' })
})

// ---- what ends a start ---------------------------------------------------------------------------------

// Variable, value, brain, and what else is set; $M is the directory of the models.
const lora = { MANTIS_LORA_ADAPTER: '$M/adapter.gguf' }, peft = { MANTIS_LORA_ADAPTER: '/tmp' }
const cannot = [
  ['MANTIS_HOLO3_MODEL_DIR', '/nowhere'], ['MANTIS_HOLO3_GGUF', 'adapter.gguf'], ['MANTIS_HOLO3_GGUF', 'mmproj-f16.gguf'], ['MANTIS_HOLO3_GGUF', 'split-00002-of-00003.gguf'],
  ['MANTIS_HOLO3_GGUF', 'nowhere.gguf'], ['MANTIS_HOLO3_MMPROJ', 'model.Q8_0.gguf'], ['MANTIS_HOLO3_MMPROJ', 'nowhere.gguf'],
  ['MANTIS_LLAMA_SERVER', '/nowhere/llama-server'], ['MANTIS_LLAMA_SERVER', 'no-such-llama-server'], ['MANTIS_LLAMA_SERVER', '/tmp'], ['MANTIS_VLLM_SERVER', 'no-such-vllm', 'fara'],
  // non-.gguf, relative, volume, scale, a base that takes none, an unknown one
  ['MANTIS_LORA_ADAPTER', '/nowhere', 'gemma4'], ['MANTIS_LORA_ADAPTER', '/tmp', 'gemma4'], ['MANTIS_LORA_ADAPTER', 'x.gguf', 'gemma4'], ['MANTIS_LORA_ADAPTER', 'peft', 'fara'],
  ['MANTIS_LORA_ADAPTER', 'vol:/x.gguf', 'gemma4'], ['MANTIS_LORA_ADAPTER', 'vol-1.a:/peft', 'fara'], ['MANTIS_LORA_SCALE', 'half', 'gemma4', lora], ['MANTIS_LORA_SCALE', '0.5x', 'fara', peft],
  ['MANTIS_LORA_ADAPTER', '/x.gguf', 'page'], ['MANTIS_LORA_ADAPTER', '/x.gguf', 'claude'], ['MANTIS_LORA_ADAPTER', '/x.gguf', 'openai'], ['MANTIS_LORA_ADAPTER', '/x.gguf', 'mock'],
  ['MANTIS_BRAIN', 'holo4', 'holo4', lora],
  // what MUST be added: missing, with a challenger model, on Holo3, the name
  ['MANTIS_LORA_ADAPTER', '/nowhere.gguf', 'gemma4'], ['MANTIS_LORA_ADAPTER', '/nowhere', 'fara'], ['MANTIS_LORA_ADAPTER', '$M/adapter.gguf', 'gemma4', { MANTIS_GEMMA4_GGUF: 'challenger.gguf' }],
  ['MANTIS_LORA_ADAPTER', '/x.gguf'], ['MANTIS_LORA_ADAPTER', '$M/adapter.gguf'], ...['', 'a=b', 'a,b', 'model'].map((name) => ['MANTIS_LORA_NAME', name, 'fara', peft]),
  ['MANTIS_CHALLENGER_MODEL', '/m.gguf'], ['MANTIS_CHALLENGER_MODEL', '/m.gguf', 'holo3', { MANTIS_MODEL_URL: 'http://model' }], ['MANTIS_FARA_MODEL_DIR', '/nowhere', 'fara', { MANTIS_MODEL_TAG: 'arm-b' }],
  ['MANTIS_MODEL_URL', 'ftp://model'], ['MANTIS_MODEL_URL', 'http://user:password@model'], ['MANTIS_MODEL_KEY_SECRET', 'no_such_key', 'openai', { MANTIS_MODEL_URL: 'http://model' }],
  ['MANTIS_LORA_ADAPTER', '$M/adapter.gguf', 'gemma4', { MANTIS_MODEL_URL: 'http://model' }], ['MANTIS_LORA_ADAPTER', '/x.gguf', 'openai', { MANTIS_MODEL_URL: 'http://model' }],
]
const spelled = (more) => Object.entries(more).map(([k, v]) => ` ${k}=${v}`).join('')
for (const [name, said, brain = 'holo3', more = {}] of cannot)
  test(`serving 2.2 ${name}=${said} on ${brain}${spelled(more)} ends the start within 2 s, as --check does`, () => {
    const dir = tempDir('cannot')
    const there = (text) => text.replace('$M', models)
    const value = there(said)
    const set = Object.fromEntries(Object.entries(more).map(([k, v]) => [k, there(v)]))
    for (const more of [[], ['--check']]) {
      const begun = Date.now()
      const r = spawnSync(bin, ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', path.join(dir, 'data'), ...more], { encoding: 'utf8', timeout: 20000 * slow, env: {
        PATH: process.env.PATH, HOME: dir, MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT, MANTIS_BRAIN: brain, MANTIS_HOLO3_MODEL_DIR: models, MANTIS_HOLO3_GGUF: 'holo3.Q8_0.gguf',
        MANTIS_GEMMA4_MODEL_DIR: models, MANTIS_GEMMA4_GGUF: 'model.Q8_0.gguf', MANTIS_FARA_MODEL_DIR: models, MANTIS_LLAMA_SERVER: fake, MANTIS_VLLM_SERVER: fake, MANTIS_SECRETS_DIR: dir, ...set, [name]: value } })
      assert.equal(r.status, 1, r.stderr)
      assert.ok(Date.now() - begun < 2000 * slow)
      assert.match(r.stderr, new RegExp(`^error: .*${name}`))
      assert.ok(r.stderr.includes(name === 'MANTIS_LORA_NAME' ? `'${value}'` : value) || value.includes('password') || value.startsWith('ftp'), r.stderr)
      assert.ok(!r.stderr.includes('password@'))
      assert.ok(!fs.existsSync(path.join(dir, 'data')), 'nothing is made')
    }
    fs.rmSync(dir, { recursive: true })
  })
