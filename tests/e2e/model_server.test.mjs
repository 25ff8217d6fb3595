// The scripted model server is one to those who know the real ones: the npm packages `openai` and
// `@anthropic-ai/sdk`, as they come, complete a chat, a streamed chat, a tool call and an image call,
// and take its faults for what they are.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, slow, tempDir } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'
import { fromNpm, needs } from './lib/npm.mjs'

const openai = await fromNpm('openai')
const anthropic = await fromNpm('@anthropic-ai/sdk')
const OpenAI = openai?.OpenAI ?? openai, Anthropic = anthropic?.Anthropic ?? anthropic

const words = 'The total is 12, I am sure: “ok”.'
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const script = {
  key: 'k-scripted',
  models: ['holo3', 'claude-scripted'],
  rules: [
    { when: 'twice limited', times: 2, status: 429, retry_after: 1, message: 'too many' },
    { when: 'once overloaded', times: 1, status: 529, message: 'overloaded' },
    { when: 'slow', text: 'late', delay_ms: 400 },
    { when: 'paced', text: 'one two three four five six seven eight', pace_ms: 100 },
    { when: 'cut', text: 'one two three four five six', fault: 'cut' },
    { when: 'bad', text: words, fault: 'bad_json' },
    { when: 'empty', fault: 'empty_choices' },
    { when: 'never', fault: 'silence' },
    { when: ['weather', 'Paris'], thinking: 'I ask', calls: [{ name: 'weather', arguments: { city: 'Paris', days: 3, note: 'é "x"' } }] },
    { when: 'picture', text: 'a dot' },
    { when: 'limited', text: 'after all' },
    { when: 'overloaded', text: 'after all' },
    { when: 'think', thinking: 'first this, then that', text: words },
    { when: 'Total', text: words, usage: { input: 100, output: 20, cached: 40 } },
    { when: 'count', text: 'yes' },
  ],
}

let dir, server, chat, claude
before(async () => {
  dir = tempDir('model-server')
  server = await startModelServer(dir, script)
  if (openai) chat = new OpenAI({ apiKey: script.key, baseURL: `${server.url}/v1`, maxRetries: 0 })
  if (anthropic) claude = new Anthropic({ apiKey: script.key, baseURL: server.url, maxRetries: 0 })
})
after(async () => {
  assert.equal(await server?.stop(), 0)
  fs.rmSync(dir, { recursive: true, force: true })
})

const ask = (content, more = {}) => ({ model: 'holo3', messages: [{ role: 'user', content }], ...more })
const tell = (content, more = {}) => ({ model: 'claude-scripted', max_tokens: 100, messages: [{ role: 'user', content }], ...more })
const tool = { name: 'weather', description: 'of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } }
const last = () => server.sent().filter((line) => line.method).at(-1)
const raw = (body, headers = {}) => fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${script.key}`, ...headers } })

// ---- openai ------------------------------------------------------------------------------------------

test('openai: a chat, with usage and llama-server\'s timings', needs(openai), async () => {
  const reply = await chat.chat.completions.create(ask('Total?'))
  assert.equal(reply.choices[0].message.content, words)
  assert.equal(reply.choices[0].finish_reason, 'stop')
  assert.deepEqual({ ...reply.usage }, { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, prompt_tokens_details: { cached_tokens: 40 } })
  assert.equal(reply.timings.cache_n, 40)
  assert.equal(reply.timings.prompt_n, 60)
  assert.equal(reply.timings.predicted_n, 20)
  assert.deepEqual((await chat.models.list()).data.map((m) => m.id), script.models)
})

test('openai: a streamed chat comes in many pieces and says the same', needs(openai), async () => {
  const stream = await chat.chat.completions.create(ask('please think', { stream: true, stream_options: { include_usage: true } }))
  let text = '', thinking = '', usage, pieces = 0, finish
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    thinking += chunk.choices[0]?.delta.reasoning_content ?? ''
    finish = chunk.choices[0]?.finish_reason ?? finish
    usage = chunk.usage ?? usage
    pieces++
  }
  assert.equal(text, words)
  assert.equal(thinking, 'first this, then that')
  assert.equal(finish, 'stop')
  assert.ok(pieces > 10 && usage.total_tokens > 0)
})

test('openai: a tool call, whole and streamed', needs(openai), async () => {
  const body = ask('the weather in Paris', { tools: [{ type: 'function', function: tool }] })
  const call = (await chat.chat.completions.create(body)).choices[0].message.tool_calls[0]
  assert.equal(call.function.name, 'weather')
  assert.deepEqual(JSON.parse(call.function.arguments), script.rules[8].calls[0].arguments)
  const whole = await chat.chat.completions.stream(body).finalChatCompletion()
  assert.equal(whole.choices[0].finish_reason, 'tool_calls')
  assert.deepEqual(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments), script.rules[8].calls[0].arguments)
  assert.equal(last().body.tools[0].function.name, 'weather')
})

test('openai: an image call', needs(openai), async () => {
  const parts = [{ type: 'text', text: 'what picture is it?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }]
  const reply = await chat.chat.completions.create(ask(parts))
  assert.equal(reply.choices[0].message.content, 'a dot')
  assert.ok(reply.usage.prompt_tokens >= 1000 && reply.usage.prompt_tokens < 1100)
  assert.equal(last().body.messages[0].content[1].image_url.url, `data:image/png;base64,${png}`)
  assert.equal(last().rule, 9)
})

test('openai: faults are what they are said to be', needs(openai), async () => {
  const patient = new OpenAI({ apiKey: script.key, baseURL: `${server.url}/v1`, maxRetries: 2 })
  const begun = Date.now()
  assert.equal((await patient.chat.completions.create(ask('twice limited'))).choices[0].message.content, 'after all')
  assert.ok(Date.now() - begun >= 1900, 'Retry-After is what is waited for')
  await assert.rejects(new OpenAI({ apiKey: 'other', baseURL: `${server.url}/v1`, maxRetries: 0 }).chat.completions.create(ask('Total')), (e) => e.status === 401)
  await assert.rejects(chat.chat.completions.create(ask('nobody wrote this')), (e) => e.status === 500 && /no rule/.test(e.message))
  assert.deepEqual((await chat.chat.completions.create(ask('empty'))).choices, [])
  await assert.rejects(chat.chat.completions.create(ask('bad')))
  await assert.rejects(chat.chat.completions.create(ask('cut')))
  const partial = async () => {
    let text = ''
    try {
      for await (const chunk of await chat.chat.completions.create(ask('cut', { stream: true }))) text += chunk.choices[0]?.delta.content ?? ''
    } catch (error) { return { text, error } }
    return { text }
  }
  const { text, error } = await partial()
  assert.ok(error && text.startsWith('one ') && !text.includes('six'), `${text} ${error}`)
  await assert.rejects(chat.chat.completions.create(ask('never'), { timeout: 300 }), (e) => e.constructor.name === 'APIConnectionTimeoutError')
})

// ---- Anthropic ---------------------------------------------------------------------------------------

test('anthropic: a message, with usage', needs(anthropic), async () => {
  const reply = await claude.messages.create(tell('Total?'))
  assert.deepEqual(reply.content.map((b) => [b.type, b.text]), [['text', words]])
  assert.equal(reply.stop_reason, 'end_turn')
  assert.deepEqual([reply.usage.input_tokens, reply.usage.cache_read_input_tokens, reply.usage.output_tokens], [60, 40, 20])
  assert.equal(last().headers['anthropic-version'], '2023-06-01')
  assert.deepEqual((await claude.models.list()).data.map((m) => m.id), script.models)
})

test('anthropic: a streamed message is the same message', needs(anthropic), async () => {
  const stream = claude.messages.stream(tell('please think'))
  let texts = 0
  stream.on('text', () => { texts++ })
  const reply = await stream.finalMessage()
  assert.ok(texts > 5)
  assert.deepEqual(reply.content.map((b) => [b.type, b.thinking ?? b.text]), [['thinking', 'first this, then that'], ['text', words]])
  assert.ok(reply.content[0].signature)
})

test('anthropic: a tool call, whole and streamed', needs(anthropic), async () => {
  const body = tell('the weather in Paris', { tools: [{ name: tool.name, description: tool.description, input_schema: tool.parameters }] })
  for (const reply of [await claude.messages.create(body), await claude.messages.stream(body).finalMessage()]) {
    const call = reply.content.find((b) => b.type === 'tool_use')
    assert.equal(call.name, 'weather')
    assert.deepEqual(call.input, script.rules[8].calls[0].arguments)
    assert.equal(reply.stop_reason, 'tool_use')
  }
})

test('anthropic: an image call', needs(anthropic), async () => {
  const reply = await claude.messages.create(tell([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }, { type: 'text', text: 'what picture is it?' }]))
  assert.equal(reply.content[0].text, 'a dot')
  assert.equal(last().body.messages[0].content[0].source.data, png)
})

test('anthropic: faults are what they are said to be', needs(anthropic), async () => {
  const patient = new Anthropic({ apiKey: script.key, baseURL: server.url, maxRetries: 2 })
  assert.equal((await patient.messages.create(tell('once overloaded'))).content[0].text, 'after all')
  await assert.rejects(new Anthropic({ apiKey: 'other', baseURL: server.url, maxRetries: 0 }).messages.create(tell('Total')), (e) => e.status === 401 && /authentication_error/.test(e.message))
  assert.deepEqual((await claude.messages.create(tell('empty'))).content, [])
  await assert.rejects(claude.messages.create(tell('cut')))
  await assert.rejects(claude.messages.stream(tell('cut')).finalMessage())
})

// ---- what only a test sees ---------------------------------------------------------------------------

test('prompts of one slot are kept: what they have in common is not read again', async () => {
  const long = 'count '.repeat(200)
  const tokens = async (body) => { const { usage, timings } = await (await raw(body)).json(); return [usage.prompt_tokens, timings.cache_n] }
  const [first] = await tokens(ask(long, { id_slot: 3 }))
  assert.ok(first > 250)
  const [, again] = await tokens(ask(`${long} more`, { id_slot: 3 }))
  assert.ok(again > 250)
  assert.ok((await tokens(ask(long, { id_slot: 4 })))[1] < 10)
  assert.equal((await tokens(ask(long, { id_slot: 3, cache_prompt: false })))[1], 0)
})

test('a slow answer is slow, and one who leaves is written down', async () => {
  const begun = Date.now()
  assert.equal((await (await raw(ask('slow'))).json()).choices[0].message.content, 'late')
  assert.ok(Date.now() - begun >= 400)
  const reply = await raw(ask('paced', { stream: true }))
  const reader = reply.body.getReader()
  await reader.read()
  await reader.cancel()
  const { n } = last()
  const end = Date.now() + 5000 * slow
  while (!server.sent().some((line) => line.n === n && line.ended === 'aborted')) {
    assert.ok(Date.now() < end, 'the end of the exchange is not in the record')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})

test('health: 503 while it loads, then 200; a wrong script is refused', async () => {
  const own = path.join(dir, 'own')
  fs.mkdirSync(own)
  const loading = await startModelServer(own, { loading_ms: 700, rules: [] })
  try {
    const first = await fetch(`${loading.url}/health`)
    assert.equal(first.status, 503)
    assert.equal((await first.json()).error.message, 'Loading model')
    const end = Date.now() + 5000 * slow
    let health
    while ((health = await fetch(`${loading.url}/health`)).status !== 200) assert.ok(Date.now() < end)
    assert.deepEqual(await health.json(), { status: 'ok' })
    assert.equal((await fetch(`${loading.url}/v2/models`)).status, 404)
  } finally {
    assert.equal(await loading.stop(), 0)
  }
  const program = process.env.MODEL_SERVER || path.join(path.dirname(bin), 'tests/model_server')
  for (const [text, says] of [['{"rules":[{"wehn":"x"}]}', /rules\[0\]: there is no field 'wehn'/], ['{"rules":[{"fault":"odd"}]}', /no fault 'odd'/]]) {
    fs.writeFileSync(path.join(own, 'wrong.json'), text)
    const r = spawnSync(program, [path.join(own, 'wrong.json')], { encoding: 'utf8', timeout: 10000 })
    assert.equal(r.status, 1)
    assert.match(r.stderr, says)
  }
})
