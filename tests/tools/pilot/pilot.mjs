// pilot.mjs - a model for tests that sees: it gets what a real one gets, a request with its pictures, reads the words on
// them (tesseract) and acts by simple rules on what the request asks. It plays a model of each dialect:
//
//   node pilot.mjs --model holo3|fara|claude [--port N] [--faults NAME,...] [--record FILE] [--stay]
//
// POST /v1/chat/completions answers as that model's server (for claude: /v1/messages), POST /v1/messages as a reader that
// is asked by tools; GET /v1/models, /health. It prints its address and ends when its standard input does. The record has
// one JSON object a line: what each answer was, and which faults happened.

import fs from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import { goal, next } from './brain.mjs'
import { answer, heard, history, reply, space } from './dialects.mjs'
import { Faults } from './faults.mjs'
import { answerTo } from './questions.mjs'
import { see } from './see.mjs'

const text = (value = '') => ({ type: 'string', default: value })
const { values: options } = parseArgs({ strict: false, options: { model: text(), port: text('0'), faults: text(), record: text(), stay: { type: 'boolean' } } })
const record = (line) => { if (options.record) fs.appendFileSync(options.record, JSON.stringify(line) + '\n') }

function happened() {
  if (!options.record || !fs.existsSync(options.record)) return []
  return fs.readFileSync(options.record, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l).fault)
}

const wanted = options.faults.split(',').filter(Boolean), before = happened()
const faults = new Faults(wanted.filter((f) => !before.includes(f)), (fault) => record({ fault }))

// --- answers -------------------------------------------------------------------------------------------

function schemaOf(body, text) {
  const tool = body.tools?.find((t) => t.input_schema)
  if (tool) return tool.input_schema
  const told = /JSON schema:\n(\{.*\})/s.exec(text)
  return told ? JSON.parse(told[1]) : {}
}

const spoken = (api) => (api === 'anthropic' ? 'claude' : options.model)

// The points of an answer, as the model says points.
function say(model, screen, value) {
  if (Array.isArray(value)) return value.map((v) => say(model, screen, v))
  if (typeof value !== 'object' || value === null) return value
  const { box, ...rest } = value
  return rest.x ? { ...rest, ...space(model, screen).say(rest) } : rest
}

function question(api, body, request, screens) {
  const model = spoken(api), screen = screens.at(-1)
  const value = answerTo({ ...request, schema: schemaOf(body, request.text), screens, mean: (p) => (screen ? space(model, screen).mean(p) : p) })
  record({ question: request.tool ?? request.text.slice(0, 60), text: request.text, value })
  if (value === null) return null
  if (value.act) return reply(model, screen, faults.point(value.act), false)
  if (!request.tool) return answer(api, null, say(model, screen, faults.advice(value)))
  if (!value.listings) return answer(api, request.tool, say(model, screen, faults.point(value)))
  const listings = value.listings.map((c) => say(model, screen, faults.card(c)))
  return answer(api, request.tool, { ...value, listings })
}

function turn(api, request, screens) {
  const model = spoken(api), screen = screens.at(-1)
  const meant = next(screen, goal(request.text), history(model, request, screen)), done = faults.instead(meant)
  record({ action: done, meant, text: request.text })
  return reply(model, screen, done, true)
}

// One token, to see whether it is there.
const ping = (api, body) => (body.max_tokens <= 16 && !body.tools ? answer(api, null, 'ok') : null)

async function respond(api, body) {
  const request = heard(body)
  const simple = request.images.length ? null : ping(api, body)
  if (simple) return simple
  const screens = []
  for (const image of request.images) screens.push(await see(image))
  return request.acts && !request.tool ? turn(api, request, screens) : question(api, body, request, screens)
}

// --- the server ----------------------------------------------------------------------------------------

const apis = { '/chat/completions': 'openai', '/messages': 'anthropic' }

async function bodyOf(req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks))
}

function send(res, status, value, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))
}

const refuse = (res, status, message, headers) => send(res, status, { type: 'error', error: { type: 'error', message } }, headers)

async function serve(req, res) {
  const route = req.url.replace(/^\/v1/, ''), api = apis[route]
  if (route === '/health') return send(res, 200, { status: 'ok' })
  if (route === '/models') return send(res, 200, { object: 'list', data: [{ id: 'pilot', object: 'model' }] })
  if (!api) return refuse(res, 404, `there is no ${route}`)
  const body = await bodyOf(req)
  const wrong = heard(body).images.length ? faults.before() : null
  if (wrong === 'crash') process.exit(1)
  if (wrong) return refuse(res, wrong, 'too many requests', { 'Retry-After': '1' })
  const value = await respond(api, body)
  return value ? send(res, 200, value) : refuse(res, 400, 'the pilot does not know this question')
}

const server = http.createServer((req, res) => serve(req, res).catch((error) => {
  record({ error: String(error.stack) })
  refuse(res, 500, error.message)
}))
server.listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
if (!options.stay) process.stdin.on('end', () => process.exit(0)).resume()
