// Runs that a model drives: a real Chromium and mantis serve, the scripted model server in the model's place, the
// gateway between them (brains.md sections 1, 2, 4, 10; agent-loop.md section 17; serving.md section 1).

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { descendants, root, slow, startServer, tempDir, until, victim } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'

// ---- a page with one button ---------------------------------------------------------------------------

let site
before(async () => {
  site = http.createServer((req, res) => {
    res.setHeader('content-type', 'text/html')
    if (req.url === '/pressed') res.end('<title>Pressed</title><h1>Thank you</h1>')
    else res.end(`<title>Button</title><style>body{margin:0}a{display:block;height:100vh;background:#cdc;font:40px sans-serif}</style>
      <a href="/pressed">Press me</a>`)
  })
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${site.address().port}`
})
after(() => { site.closeAllConnections?.(); site.close() })

const step = (type, intent, more) => ({ type, intent, ...more })
const press = (more = {}) => ({
  compute_backend: 'browser_use_plane',
  task_suite: { steps: [
    step('navigate', 'Open the page', { params: { url: '{{ENV_URL}}/' } }),
    step('extract_url', 'Read the address'),
    step('holo3_step', 'Press the big button', { required: true }),
    step('extract_url', 'Read the address again'),
  ] },
  ...more,
})

// ---- who plays the model ------------------------------------------------------------------------------

const key = `sk-test-${crypto.randomBytes(12).toString('hex')}`
const click = { calls: [{ name: 'click', arguments: { x: 644, y: 364 } }] }
const done = { calls: [{ name: 'done', arguments: { success: true, summary: 'pressed' } }] }
const computer = { calls: [{ name: 'computer', arguments: { action: 'left_click', coordinate: [644, 364] } }] }

// The screen is one that holo3 is sent as it is: sides are multiples of 28.
const screen = { MANTIS_DISPLAY_WIDTH: '1288', MANTIS_DISPLAY_HEIGHT: '728' }

// Profiles of this test: ours with another address.
function profiles(dir, url) {
  fs.mkdirSync(path.join(dir, 'profiles'))
  for (const [name, base] of [['holo3', url], ['claude', url]]) {
    const profile = JSON.parse(fs.readFileSync(path.join(root, 'profiles', `${name}.json`)))
    profile.endpoint.base_url = `${base}/v1`
    fs.writeFileSync(path.join(dir, 'profiles', `${name}.json`), JSON.stringify(profile))
  }
  return path.join(dir, 'profiles')
}

// env may be a function of the model server's address and a directory.
async function withModel(brain, rules, fn, env = () => ({})) {
  const dir = tempDir('models', '/var/tmp')
  fs.chmodSync(dir, 0o755)
  fs.mkdirSync(path.join(dir, 'secrets'))
  const model = await startModelServer(dir, { key, model: brain === 'claude' ? 'claude-sonnet-4-6' : 'holo3', models: ['holo3'], rules: [...rules, { when: 'Hello', text: 'hi' }] })
  for (const name of ['model_key', 'hai_api_key', 'anthropic_api_key']) fs.writeFileSync(path.join(dir, 'secrets', name), `${key}\n`)
  const server = await startServer({ env: {
    MANTIS_BRAIN: brain, MANTIS_ENV_URL: site.url, MANTIS_SECRETS_DIR: path.join(dir, 'secrets'), ...screen, MANTIS_PROFILES_DIR: profiles(dir, model.url),
    ...(brain === 'holo3' ? { MANTIS_MODEL_URL: model.url, MANTIS_MODEL_KEY_SECRET: 'model_key', MANTIS_MODEL_TAG: 'arm-b' } : {}), ...env(model.url, dir) } })
  const asked = () => model.sent().filter((l) => l.method === 'POST' && !JSON.stringify(l.body).includes('"Hello"'))
  try {
    await until(10000 * slow, 'ready', async () => (await fetch(`${server.base}/health`)).status === 200)
    await fn({ server, model, asked, dir })
  } finally {
    try { await server.stop() } finally { await model.stop(); fs.rmSync(dir, { recursive: true, force: true }) }
  }
}

const steps = async (server, id) => (await server.result(id)).result.step_details

// ---- rows ---------------------------------------------------------------------------------------------

test('brains 2 holo3 presses a button it sees, on the pod\'s server', { timeout: 120000 * slow }, async () => {
  await withModel('holo3', [{ when: 'big button', times: 1, ...click }, { when: 'big button', ...done }], async ({ server, asked }) => {
    const id = await server.submit(press())
    const s = await server.end(id, 60000)
    const result = (await server.result(id)).result
    assert.equal(s.status, 'succeeded', JSON.stringify(result.step_details))
    assert.equal(result.step_details[3].data, `URL:${site.url}/pressed`)
    assert.equal(asked().length, 2)
    assert.equal(asked()[0].body.model, 'holo3')
    assert.equal(asked()[0].headers.authorization ?? asked()[0].headers.Authorization, `Bearer ${key}`)
    assert.deepEqual([result.model, result.model_tag], ['holo3', 'arm-b'])
  })
})
