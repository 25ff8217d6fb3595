// POST /v1/chat/completions with a model server behind it (http-api.md section 7): the npm package `openai`, as it
// comes, talks through `mantis serve` with its two headers; bytes are the same on both sides; faults are what they are.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import test, { after, before } from 'node:test'
import { slow, tempDir, until, within } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'
import { fromNpm, needs } from './lib/npm.mjs'
import { Description } from './lib/openapi.mjs'
import { roomy } from './lib/plans.mjs'
import { TenantServer } from './lib/tenants.mjs'

const openai = await fromNpm('openai')
const [ajv, addFormats] = [await fromNpm('ajv/dist/2020.js'), await fromNpm('ajv-formats')]
const Ajv = ajv?.default ?? ajv
const OpenAI = openai?.OpenAI ?? openai
const key = 'sk-of-the-model-server'
const words = 'The total is 12, I am sure: “ok”.'
const secretWords = 'my-card-number-is-4711'
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const many = Array.from({ length: 100 }, (_, i) => `w${i} `).join('')
const script = {
  key,
  rules: [
    { when: 'twice limited', times: 2, status: 429, retry_after: 1, message: 'too many' },
    { when: 'limited once', times: 1, status: 429, retry_after: 7, message: 'too many' },
    { when: 'once overloaded', times: 1, status: 529, message: 'overloaded' },
    { when: 'slow', text: 'late', delay_ms: 400 },
    { when: 'paced', text: many, pace_ms: 5 },
    { when: 'cut', text: 'one two three four five six', fault: 'cut' },
    { when: 'bad', text: words, fault: 'bad_json' },
    { when: 'empty', fault: 'empty_choices' },
    { when: ['weather', 'Paris'], thinking: 'I ask', calls: [{ name: 'weather', arguments: { city: 'Paris', days: 3, note: 'é "x"' } }] },
    { when: 'picture', text: 'a dot' },
    { when: 'limited', text: 'after all' },
    { when: 'overloaded', text: 'after all' },
    { when: 'think', thinking: 'first this, then that', text: words },
    { text: words },
  ],
}

let dir, model, wire, scripted, raw
before(async () => {
  dir = tempDir('raw-chat')
  model = await startModelServer(dir, script)
  wire = await startWire()
  scripted = await serve(model.url, { MANTIS_MODEL_NAME: 'served-holo3' })
  raw = await serve(`${wire.url}/v1`, { MANTIS_MODEL_NAME: 'served/"holo"' })
})
after(async () => {
  for (const s of [scripted, raw]) await s?.stop()
  assert.equal(await model?.stop(), 0)
  wire?.stop()
  fs.rmSync(dir, { recursive: true, force: true })
})

// `mantis serve` in front of a model server that runs already.
async function serve(url, env = {}) {
  const tenants = { acme: roomy, tight: { rate_limit_per_minute: 1 }, reader: { ...roomy, scopes: ['status'] } }
  const server = new TenantServer(tenants, { env: { MANTIS_BRAIN: 'holo3', MANTIS_MODEL_URL: url, MANTIS_MODEL_KEY_SECRET: 'model_key', ...env } })
  server.secret('model_key', key)
  return server.start()
}

// A model server whose every byte a test decides: answers[name] = (req, res, body) => ..., for calls with the header
// `x-test: name`; of(name): what it was sent.
async function startWire() {
  const seen = []
  const answers = {}
  const server = http.createServer((req, res) => {
    const parts = []
    req.on('data', (d) => parts.push(d)).on('end', () => {
      const body = Buffer.concat(parts)
      if (req.url === '/health') return res.end('{}')
      const name = req.headers['x-test']
      if (name) seen.push({ name, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders, body })
      const answer = answers[name] ?? ((_, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[{}]}'))
      answer(req, res, body)
    })
  })
  server.keepAliveTimeout = 60000
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, answers, of: (name) => seen.filter((s) => s.name === name), stop: () => { server.closeAllConnections(); server.close() } }
}

// ---- callers ---------------------------------------------------------------------------------------------

const client = (server, more = {}) => new OpenAI({ apiKey: 'unused', baseURL: `${server.base}/v1`, maxRetries: 0, defaultHeaders: { Authorization: 'Api-Key gateway-key', 'X-Mantis-Token': server.tokens.acme }, ...more })
const ask = (content, more = {}) => ({ model: 'holo3', messages: [{ role: 'user', content }], ...more })
const last = () => model.sent().filter((line) => line.path === '/v1/chat/completions').at(-1)

// One call on a connection of its own: {status, headers, body} of exactly the bytes that came; cut: they broke off.
function post(server, body, { headers = {}, onResponse, tenant = 'acme' } = {}) {
  return new Promise((resolve, reject) => {
    const req = http.request(`${server.base}/v1/chat/completions`, { method: 'POST', agent: false, headers: { 'X-Mantis-Token': server.tokens[tenant], 'Content-Type': 'application/json', ...headers } }, (res) => {
      const parts = []
      const end = (cut) => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts), cut })
      onResponse?.(res, req)
      res.on('data', (d) => parts.push(d)).on('end', () => end(!res.complete)).on('error', () => end(true))
    })
    req.on('error', reject)
    req.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
}
const wired = (name, body = ask(name), more = {}) => post(raw, body, { ...more, headers: { 'x-test': name, ...more.headers } })

const ready = (server) => until(5000 * slow, 'the model server', async () => (await post(server, ask('Total'))).status === 200)

const counters = async (server) => {
  const text = (await server.as('acme').request('GET', '/metrics')).text
  return Object.fromEntries([...text.matchAll(/^mantis_chat_completions_total\{tenant_id="acme",outcome="(\w+)"\} (\d+)$/gm)].map((m) => [m[1], Number(m[2])]))
}

// Runs fn, and says which counters moved by how much.
async function counted(server, fn) {
  const before = await counters(server)
  await fn()
  const now = await counters(server)
  return Object.fromEntries(Object.entries(now).map(([k, v]) => [k, v - (before[k] ?? 0)]).filter(([, v]) => v))
}

const comesToCount = (server, before, outcome) => until(3000 * slow, `one more ${outcome}`, async () => (await counters(server))[outcome] === (before[outcome] ?? 0) + 1)

test('both are ready', async () => {
  for (const server of [scripted, raw]) await ready(server)
})

// ---- the openai client -----------------------------------------------------------------------------------

test('openai through serve: a chat; the model server sees its own key, its own name, and neither token', needs(openai), async () => {
  assert.deepEqual(await counted(scripted, async () => {
    const reply = await client(scripted).chat.completions.create(ask('Total?'), { headers: { Cookie: 'a=b', 'X-Forwarded-For': '10.0.0.1', 'Proxy-Authorization': 'Basic x' } })
    assert.equal(reply.choices[0].message.content, words)
    assert.equal(reply.choices[0].finish_reason, 'stop')
    assert.equal(reply.timings.predicted_n, reply.usage.completion_tokens)
    assert.match(reply._request_id, /^[0-9a-f]{16}$/)
  }), { ok: 1 })
  const { body, headers } = last()
  assert.equal(body.model, 'served-holo3')
  const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]))
  assert.equal(lower.authorization, `Bearer ${key}`)
  assert.match(lower['user-agent'], /OpenAI/)
  assert.equal(lower['x-stainless-lang'], 'js')
  for (const name of ['x-mantis-token', 'cookie', 'x-forwarded-for', 'proxy-authorization', 'accept-encoding']) assert.equal(lower[name], undefined, name)
})

test('openai through serve: a streamed chat comes in many pieces and says the same', needs(openai), async () => {
  const stream = await client(scripted).chat.completions.create(ask('please think', { stream: true, stream_options: { include_usage: true } }))
  let text = '', thinking = '', usage, pieces = 0
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    thinking += chunk.choices[0]?.delta.reasoning_content ?? ''
    usage = chunk.usage ?? usage
    pieces++
  }
  assert.equal(text, words)
  assert.equal(thinking, 'first this, then that')
  assert.ok(pieces > 10 && usage.total_tokens > 0)
})

test('openai through serve: a tool call, whole and streamed', needs(openai), async () => {
  const body = ask('the weather in Paris', { tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }] })
  const wanted = script.rules.find((r) => r.calls).calls[0].arguments
  const whole = await client(scripted).chat.completions.create(body)
  const streamed = await client(scripted).chat.completions.stream(body).finalChatCompletion()
  for (const reply of [whole, streamed]) {
    assert.equal(reply.choices[0].finish_reason, 'tool_calls')
    assert.deepEqual(JSON.parse(reply.choices[0].message.tool_calls[0].function.arguments), wanted)
  }
  assert.equal(last().body.tools[0].function.name, 'weather')
})

test('openai through serve: an image call, and one of 15 MB', needs(openai), async () => {
  const image = (data) => [{ type: 'text', text: 'what picture is it?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }]
  const reply = await client(scripted).chat.completions.create(ask(image(png)))
  assert.equal(reply.choices[0].message.content, 'a dot')
  assert.equal(last().body.messages[0].content[1].image_url.url, `data:image/png;base64,${png}`)
  const large = Buffer.alloc(15 << 20, 'A').toString()
  assert.equal((await client(scripted).chat.completions.create(ask(image(large)))).choices[0].message.content, 'a dot')
  assert.equal(last().body.messages[0].content[1].image_url.url.length, large.length + 22)
})

test('openai shows what was wrong: 401, 403, 429, 400, 413', needs(openai), async () => {
  const fails = (tenant, body) => client(scripted, { defaultHeaders: { 'X-Mantis-Token': scripted.tokens[tenant] ?? tenant } }).chat.completions.create(body).then(() => assert.fail(), (e) => e)
  const no = await fails('no-such-token', ask('Total'))
  assert.deepEqual([no.constructor.name, no.status, no.type, no.code], ['AuthenticationError', 401, 'authentication_error', 'unauthorized'])
  const scope = await fails('reader', ask('Total'))
  assert.ok(scope.constructor.name === 'PermissionDeniedError' && /lacks the scope 'run'/.test(scope.message), scope.message)
  await client(scripted, { defaultHeaders: { 'X-Mantis-Token': scripted.tokens.tight } }).chat.completions.create(ask('Total'))
  const limited = await fails('tight', ask('Total'))
  assert.ok(limited.constructor.name === 'RateLimitError' && /rate_limit_per_minute \(1\)/.test(limited.message), limited.message)
  assert.ok(Number(limited.headers.get('retry-after')) >= 1)
  const large = await fails('acme', ask('x'.repeat(20 << 20)))
  assert.ok(large.status === 413 && /takes at most 20971520/.test(large.message), large.message)
  const { status, body } = await post(scripted, '{"model": "holo3", "messages": [}')
  const { detail, error } = JSON.parse(body)
  assert.equal(status, 400)
  assert.match(detail, /^request body is not valid JSON: line 1 column \d+/)
  assert.deepEqual(error, { message: detail, type: 'invalid_request_error', param: null, code: 'invalid' })
})

// ---- the same bytes --------------------------------------------------------------------------------------

test('the scripted server\'s stream is the same through serve, byte for byte', async () => {
  const same = (bytes) => bytes.toString('latin1').replace(/chatcmpl-\d+/g, 'chatcmpl-N').replace(/"created":\d+/g, '"created":N')
  const body = ask('please think', { model: 'served-holo3', stream: true, cache_prompt: false, stream_options: { include_usage: true } })
  const direct = Buffer.from(await (await fetch(`${model.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${key}` } })).arrayBuffer())
  const through = await post(scripted, body)
  assert.equal(through.headers['content-type'], 'text/event-stream')
  assert.equal(same(through.body), same(direct))
  assert.ok(direct.length > 1000 && !through.cut)
})

test('odd bytes of a stream are the same, however they are cut', async () => {
  const bytes = Buffer.concat([Buffer.from('\ufeff: hello\r\n\r\ndata: {"a": "é“\u0000'), Buffer.from([0xff, 0xfe, 0x80, 0, 13, 10, 13]), Buffer.alloc(100000, 'data: x\n\n'), Buffer.from('event: end\rdata: [DONE]\n\n\n')])
  wire.answers.odd = async (req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'set-cookie': 'a=b', 'keep-alive': 'timeout=3', 'x-upstream': '1' })
    for (let i = 0; i < bytes.length; i += 7919) {
      res.write(bytes.subarray(i, i + 7919))
      await new Promise(setImmediate)
    }
    res.end()
  }
  const r = await wired('odd')
  assert.ok(r.body.equals(bytes))
  assert.equal(r.headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.equal(r.headers['x-accel-buffering'], 'no')
  for (const name of ['set-cookie', 'keep-alive', 'x-upstream', 'content-length']) assert.equal(r.headers[name], undefined, name)
})

test('an answer is the same, byte for byte, with its status', async () => {
  const text = ' {"a" : 1e400, "b":18446744073709551615,\n "a": "\\ud800", "é":[ ] } '
  for (const status of [200, 201, 400, 418, 500, 529]) {
    wire.answers[`as-it-is-${status}`] = (req, res) => res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'retry-after': '3', connection: 'close', server: 'them' }).end(text)
    const r = await wired(`as-it-is-${status}`)
    assert.equal(r.status, status)
    assert.equal(r.body.toString(), text)
    assert.deepEqual([r.headers['content-type'], r.headers['retry-after'], r.headers.server], ['application/json; charset=utf-8', '3', undefined])
  }
})

for (const [what, sent, got] of [
  ['nothing is changed without the id', ' {"messages" : [ ],"n":1e400,"seed":18446744073709551615,"x":"\\ud800 \\/","x":{"model":"holo3"}}\n'],
  ['another model stays', '{"model":"holo3 ","messages":[]}'],
  ['the id becomes the served name, and only there', '{ "m":"\\"model\\":\\"holo3\\"", "messages":[{"model":"holo3","content":"\\\\\\"},\\"model\\":\\"holo3\\""}],\t"model" :\n"holo3" , "é":"model"}',
    '{ "m":"\\"model\\":\\"holo3\\"", "messages":[{"model":"holo3","content":"\\\\\\"},\\"model\\":\\"holo3\\""}],\t"model" :\n"served/\\"holo\\"" , "é":"model"}'],
  ['an id and a key that are written with escapes', '{"mod\\u0065l":"h\\u006flo3","messages":[]}', '{"mod\\u0065l":"served/\\"holo\\"","messages":[]}'],
])
  test(`the body goes on byte for byte: ${what}`, async () => {
    const name = `body-${what.replace(/\W/g, '')}`
    assert.equal((await wired(name, sent)).status, 200)
    assert.equal(wire.of(name)[0].body.toString(), got ?? sent)
    assert.equal(wire.of(name)[0].url, '/v1/chat/completions')
  })

test('a body of two models is refused: two readers could differ', async () => {
  const r = await wired('twice', '{"model":"holo3","messages":[],"mod\\u0065l":"other"}')
  assert.equal(r.status, 400)
  assert.match(JSON.parse(r.body).detail, /'model'/)
  assert.deepEqual(wire.of('twice'), [])
})

test('headers: what belongs to one connection, names a caller or the way here stays here; the rest goes on', async () => {
  const stays = { authorization: 'Api-Key x', cookie: 'a=b', 'accept-encoding': 'gzip, br', te: 'trailers', upgrade: 'h2c', forwarded: 'for=1', 'x-forwarded-for': '1', 'X-Forwarded-Host': 'h', 'x-forwarded-proto': 'https', 'proxy-authorization': 'x', 'Proxy-Connection': 'x', 'keep-alive': '5', 'x-one': 'hop', trailer: 'x-t' }
  const goes = { 'openai-organization': 'org', 'x-request-id': 'abc-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', accept: 'text/event-stream', 'user-agent': 'me/1', 'x-empty': '', 'x-two': ['1', '2'] }
  await wired('headers', ask('x'), { headers: { ...stays, ...goes, connection: 'close, X-One', 'content-type': 'text/plain' } })
  const { headers, rawHeaders } = wire.of('headers')[0]
  for (const [name, value] of Object.entries(goes)) assert.equal(headers[name.toLowerCase()], Array.isArray(value) ? value.join(', ') : value, name)
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase())
  assert.equal(headers.authorization, `Bearer ${key}`)
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers.host, new URL(wire.url).host)
  assert.equal(new Set(names.filter((n) => n !== 'x-two')).size, names.length - 2, `${names}`)
  for (const name of ['x-mantis-token', 'cookie', 'accept-encoding', 'te', 'upgrade', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'proxy-authorization', 'proxy-connection', 'keep-alive', 'x-one', 'trailer', 'connection', 'transfer-encoding'])
    assert.ok(!names.includes(name) || (name === 'connection' && headers.connection === 'keep-alive'), name)
})

// ---- faults ----------------------------------------------------------------------------------------------

test('429 with Retry-After is passed on, and the client waits for it; 529 too', needs(openai), async () => {
  const begun = Date.now()
  const moved = await counted(scripted, async () => {
    assert.equal((await client(scripted, { maxRetries: 2 }).chat.completions.create(ask('twice limited'))).choices[0].message.content, 'after all')
    assert.ok(Date.now() - begun >= 1900)
    assert.equal((await client(scripted, { maxRetries: 1 }).chat.completions.create(ask('once overloaded'))).choices[0].message.content, 'after all')
  })
  assert.deepEqual(moved, { ok: 2, status_4xx: 2, status_5xx: 1 })
  const r = await post(scripted, ask('limited once'))
  assert.deepEqual([r.status, r.headers['retry-after'], JSON.parse(r.body).error.message], [429, '7', 'too many'])
})

test('a slow answer, empty choices: passed on', needs(openai), async () => {
  const begun = Date.now()
  assert.equal((await client(scripted).chat.completions.create(ask('slow'))).choices[0].message.content, 'late')
  assert.ok(Date.now() - begun >= 400)
  assert.deepEqual((await client(scripted).chat.completions.create(ask('empty'))).choices, [])
})

test('an answer that is cut or is no JSON is 502, a stream that is cut is cut', needs(openai), async () => {
  assert.deepEqual(await counted(scripted, async () => {
    for (const [words_, says] of [['cut', /the model server: http:\/\/127\.0\.0\.1:\d+: /], ['bad', /chatcmpl/]]) {
      const e = await client(scripted).chat.completions.create(ask(words_)).then(() => assert.fail(), (error) => error)
      assert.deepEqual([e.status, e.type], [502, 'upstream_error'])
      assert.match(e.message, says)
    }
  }), { upstream_error: 2 })
  const before = await counters(scripted)
  let text = '', error
  try {
    for await (const chunk of await client(scripted).chat.completions.create(ask('cut', { stream: true }))) text += chunk.choices[0]?.delta.content ?? ''
  } catch (e) { error = e }
  assert.ok(error && text.startsWith('one ') && !text.includes('six'), `${text} ${error}`)
  await comesToCount(scripted, before, 'upstream_error')
  const r = await post(scripted, ask('cut', { stream: true }))
  assert.ok(r.cut && r.status === 200 && r.body.includes('one '))
})

test('what is no JSON is told in the contract\'s words', async () => {
  const page = `<html>${'é'.repeat(2000)}`
  for (const [name, status, type, body, wanted, says] of [
    ['page-200', 200, 'text/html', page, 502, /^<html>é{400,}$/], ['page-503', 503, 'text/html', page, 503, /^<html>é+$/], ['text-404', 404, 'text/plain', `no ${key} here`, 404, /^no \*{22} here$/],
    ['nothing', 200, 'application/json', '', 502, /answered 200 without a body/], ['half', 200, 'application/json', '{"choices":[', 502, /^\{"choices":\[$/], ['redirect', 307, 'text/html', 'moved', 502, /^moved$/],
    ['latin', 200, 'text/plain', Buffer.from([0x41, 0xe9, 0x42]), 502, /^A\ufffdB$/]]) {
    wire.answers[name] = (req, res) => res.writeHead(status, { 'content-type': type, location: '/elsewhere' }).end(body)
    const r = await wired(name)
    const { error, ...more } = JSON.parse(r.body)
    assert.deepEqual([r.status, r.headers['content-type'], r.headers.location, more, Object.keys(error).sort(), error.type], [wanted, 'application/json', undefined, {}, ['message', 'type'], 'upstream_error'], name)
    assert.match(error.message, says)
    assert.ok([...error.message].length <= 1000)
  }
})

test('a huge answer passes; one of more than 32 MB is 502', async () => {
  const huge = (mb) => JSON.stringify({ choices: [], x: 'y'.repeat(mb << 20) })
  wire.answers.huge = (req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(huge(25))
  wire.answers.tooHuge = (req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(huge(40))
  assert.equal((await wired('huge')).body.length, huge(25).length)
  const r = await wired('tooHuge')
  assert.equal(r.status, 502)
  assert.match(JSON.parse(r.body).detail, /larger than 33554432 bytes/)
})

for (const [what, streams] of [['mid-stream', true], ['before there is an answer', false]])
  test(`a caller that leaves ${what} ends the call at the model server at once`, async () => {
    let asked, left
    const gone = new Promise((resolve) => { left = resolve })
    const begun = new Promise((resolve) => { asked = resolve })
    wire.answers[what] = (req, res) => {
      res.on('close', () => left(Date.now()))
      if (streams) res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      asked()
    }
    const before = await counters(raw)
    let leftAt
    if (streams) {
      await wired(what, ask(what), { onResponse: (res, req) => res.once('data', () => { leftAt = Date.now(); req.destroy() }) })
    } else {
      const req = http.request(`${raw.base}/v1/chat/completions`, { method: 'POST', agent: false, headers: { 'X-Mantis-Token': raw.tokens.acme, 'x-test': what } })
      req.on('error', () => {})
      req.end(JSON.stringify(ask(what)))
      await begun
      leftAt = Date.now()
      req.destroy()
    }
    assert.ok(await within(2000 * slow, 'the end of the call', gone) - leftAt < 500 * slow)
    await comesToCount(raw, before, streams ? 'ok' : 'status_4xx')
  })

test('the scripted server writes down that a streaming client left', needs(openai), async () => {
  const stream = await client(scripted).chat.completions.create(ask('paced', { stream: true }))
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
  const { n } = last()
  await until(3000 * slow, 'its end in the record', () => model.sent().some((line) => line.n === n && line.ended === 'aborted'))
})

// A wired answer of `total` bytes, written no faster than it is taken: `flow` says how much was, and whether it waits.
// (A single write would count as written whole, and up to 40 MB of it lie in the kernel's buffers.)
const flood = (flow, total, piece) => async (req, res) => {
  let go
  flow.socket = req.socket
  for (const end of ['drain', 'close']) res.on(end, () => go?.())
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (; flow.written < total && !res.destroyed; flow.written += piece.length)
    if (!res.write(piece)) {
      flow.waits = true
      await new Promise((resolve) => { go = resolve })
      flow.waits = false
    }
  res.end()
}
const waiting = (flow) => {
  let seen = -1
  return until(20000 * slow, 'the model server to wait', () => { const still = flow.waits && seen === flow.written; seen = flow.written; return still }, 300)
}

test('a caller that does not read makes the model server wait, and loses nothing', async () => {
  const total = 64 << 20, piece = Buffer.alloc(64 << 10), flow = { written: 0 }
  for (let i = 0; i < piece.length; i++) piece[i] = (i * 7) & 0xff
  wire.answers.flood = flood(flow, total, piece)
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${raw.child.pid}/status`, 'utf8'))[1])
  const before = memory()
  let response
  const reply = wired('flood', ask('flood'), { onResponse: (res) => { response = res; res.pause() } })
  await waiting(flow)
  assert.ok(flow.written < total / 2, `${flow.written} bytes were taken`)
  assert.ok(memory() - before < 4096, `${memory() - before} KB more`)
  response.resume()
  const { body, cut } = await within(60000 * slow, 'the rest', reply)
  assert.ok(!cut)
  assert.equal(body.length, total)
  for (let i = 0; i < total; i += piece.length) assert.ok(body.subarray(i, i + piece.length).equals(piece), `at ${i}`)
})

test('a model server that resets while its caller does not read costs no time, and the stream is cut', async () => {
  const total = 256 << 20, flow = { written: 0 }
  let response
  wire.answers.reset = flood(flow, total, Buffer.alloc(64 << 10, 'x'))
  const reply = wired('reset', ask('reset'), { onResponse: (res) => { response = res; res.pause() } })
  await waiting(flow)
  const cpu = () => { const f = fs.readFileSync(`/proc/${raw.child.pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(f[11]) + Number(f[12]) }
  flow.socket.resetAndDestroy()
  const before = cpu()
  await new Promise((resolve) => setTimeout(resolve, 1000)) // nothing is waited for: is it idle?
  assert.ok(cpu() - before <= 20, `${cpu() - before} ticks of 100 in a second`)
  response.resume()
  const { cut, body } = await within(20000 * slow, 'the end', reply)
  assert.ok(cut, 'the stream is cut')
  assert.ok(body.length < total, `${body.length} bytes came`)
})

test('64 streams at once, each its own', needs(openai), async () => {
  const one = async (i) => {
    let text = ''
    for await (const chunk of await client(scripted).chat.completions.create(ask(`paced ${i}`, { stream: true }))) text += chunk.choices[0]?.delta.content ?? ''
    return text
  }
  assert.deepEqual(await counted(scripted, async () => {
    for (const text of await Promise.all(Array.from({ length: 64 }, (_, i) => one(i)))) assert.equal(text, many)
  }), { ok: 64 })
})

test('a stream ends soon after its token does', async () => {
  const rest = { acme: roomy, tight: { rate_limit_per_minute: 1 }, reader: { ...roomy, scopes: ['status'] } }
  wire.answers.revoked = (req, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n') }
  raw.writeKeys({ ...rest, brief: roomy })
  const revoke = (res) => res.statusCode === 200 && res.once('data', () => raw.writeKeys(rest))
  const reply = await until(20000 * slow, 'the new token', async () => {
    const r = await post(raw, ask('revoked'), { tenant: 'brief', headers: { 'x-test': 'revoked' }, onResponse: revoke })
    return r.status === 200 && r
  })
  assert.ok(reply.cut)
  assert.match(raw.child.log, /chat stream cut after 9 bytes: the token is in force no more/)
})

// ---- without a model server ------------------------------------------------------------------------------

test('a model server that goes away: 502, then 503 with the reason, until it is back', needs(openai), async () => {
  const own = tempDir('raw-chat-own')
  let there = await startModelServer(own, script)
  const server = await serve(there.url)
  const { port } = new URL(there.url)
  const fails = () => client(server).chat.completions.create(ask('Total')).then((r) => ({ status: 200, r }), (e) => e)
  try {
    await until(5000 * slow, 'ready', async () => (await fails()).status === 200)
    const before = await counters(server)
    await there.stop()
    const first = await fails()
    assert.ok([502, 503].includes(first.status), `${first}`)
    const reason = await until(8000 * slow, '503', async () => { const e = await fails(); return e.status === 503 && e })
    assert.match(reason.message, /^503 the model server .*cannot reach http:\/\/127\.0\.0\.1:\d+/)
    assert.equal(reason.type, 'server_error')
    const now = await counters(server)
    assert.ok(now.upstream_error > (before.upstream_error ?? 0))
    assert.equal(now.ok, before.ok)
    there = await startModelServer(own, script, '--port', port)
    await until(8000 * slow, 'ready again', async () => (await fails()).status === 200)
  } finally {
    await server.stop()
    await there.stop()
    fs.rmSync(own, { recursive: true, force: true })
  }
})

test('SIGTERM lets an open stream go on for a while, then cuts it', async () => {
  const server = await serve(wire.url)
  try { await stopWhileOpen(server) } finally { await server.stop() }
})

async function stopWhileOpen(server) {
  wire.answers.open = (req, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n') }
  await ready(server)
  let first
  const some = new Promise((resolve) => { first = resolve })
  const reply = post(server, ask('open'), { headers: { 'x-test': 'open' }, onResponse: (res) => res.once('data', first) })
  await some
  const begun = Date.now()
  assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null })
  assert.ok(Date.now() - begun > 8000 && Date.now() - begun < 13000 * slow)
  assert.ok((await reply).cut)
}

// ---- what is told of it ----------------------------------------------------------------------------------

test('replies are as the description says', needs(Ajv, addFormats), async () => {
  const description = new Description((await raw.as('acme').request('GET', '/openapi.json')).json, Ajv, addFormats)
  for (const [name, status, tenant] of [['described', 200, 'acme'], ['page-200', 502, 'acme'], ['cut-short', 502, 'acme'], ['described', 403, 'reader'], ['described', 401, 'nobody']]) {
    wire.answers['cut-short'] = (req, res) => { res.writeHead(200, { 'content-length': '100' }).write('{'); setImmediate(() => req.socket.destroy()) }
    const reply = await raw.as(tenant).request('POST', '/v1/chat/completions', ask('x'), { 'x-test': name })
    assert.equal(reply.status, status, reply.text)
    assert.deepEqual(description.complaintsOfReply('chatCompletions', reply), [])
  }
})

test('the log has one line for a call, and no content, key or token', async () => {
  const body = JSON.stringify(ask(secretWords))
  await post(scripted, body, { headers: { 'x-request-id': 'call-for-the-log', authorization: 'Api-Key gateway-secret' } })
  const lines = await until(2000 * slow, 'the line', () => {
    const found = scripted.child.log.split('\n').filter((l) => l.includes('call-for-the-log'))
    return found.length && found
  })
  assert.deepEqual(lines.map((l) => JSON.parse(l).msg), [`v1/chat/completions tenant=acme upstream=${model.url}/v1/chat/completions bytes=${body.length}`])
  for (const server of [scripted, raw])
    for (const secret of [secretWords, key, words, 'gateway-secret', ...Object.values(server.tokens)]) assert.ok(!server.child.log.includes(secret), secret)
})
