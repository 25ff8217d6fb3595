// The inner loop around a model, from /v1/cua to a real Chromium by pixels alone: the scripted model server plays the
// model, and its record shows what was asked (agent-loop.md 6, 7 and 15, brains.md 7 and 8).

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { root, slow, startServer, tempDir, until } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'

// Three bands, so that a point in the middle of each is hit whatever the browser shows above the page.
const band = 'display:block;box-sizing:border-box;width:100%;border:0;font:30px sans-serif;'
const form = `<title>Sign in</title><style>body{margin:0}input{${band}height:30vh}button{${band}height:40vh}</style>
  <form method="post" action="/in"><input name="email" aria-label="Email"><input name="password" type="password" aria-label="Password"><button>Sign in</button></form>`
// A picture whose hash does not hang on single pixels: the loop detector compares them.
const dead = '<title>Dead</title><style>body{margin:0;height:100vh;background:linear-gradient(90deg,#000,#fff)}</style><h1>Nothing here can be pressed</h1>'
let site
before(async () => {
  site = http.createServer((req, res) => {
    let body = ''
    req.on('data', (d) => { body += d })
    req.on('end', () => {
      if (req.method === 'POST') site.posted.push(Object.fromEntries(new URLSearchParams(body)))
      res.setHeader('content-type', 'text/html')
      res.end(req.url === '/in' ? '<title>Inbox</title><h1>Good morning, Ann</h1>' : req.url === '/dead' ? dead : form)
    })
  })
  site.posted = []
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${site.address().port}`
})
after(() => { site.closeAllConnections?.(); site.close() })

const key = `sk-test-${crypto.randomBytes(12).toString('hex')}`
const at = (x, y) => ({ calls: [{ name: 'click', arguments: { x, y } }] })
const done = (success, summary) => ({ calls: [{ name: 'done', arguments: { success, summary } }] })
const turn = '[Frame CURRENT]'
// What is asked besides the next action, by words of prompts/ask_*.txt.
const asks = { values: 'has to be typed or chosen in a form', focus: 'Does an input field have the focus', submit: 'Where is the button that sends it', claim: 'Somebody says that this task is done',
  director: 'goes round in circles' }
const answer = (which, value, more) => ({ when: asks[which], text: JSON.stringify(value), ...more })

// The screen is one that holo3 is sent as it is: sides are multiples of 28.
async function withModel(brain, rules, fn) {
  const dir = tempDir('loop', '/var/tmp') // not below /tmp: a run has a /tmp of its own
  fs.chmodSync(dir, 0o755)
  for (const d of ['secrets', 'profiles']) fs.mkdirSync(path.join(dir, d))
  const model = await startModelServer(dir, { key, models: ['holo3'], rules: [...rules, { when: 'Hello', text: 'hi' }] })
  for (const name of ['model_key', 'hai_api_key', 'anthropic_api_key']) fs.writeFileSync(path.join(dir, 'secrets', name), `${key}\n`)
  for (const name of ['holo3', 'claude']) {
    const profile = JSON.parse(fs.readFileSync(path.join(root, 'profiles', `${name}.json`)))
    Object.assign(profile.endpoint, { base_url: `${model.url}/v1`, attempts: 1 })
    profile.tools.use = 'always'
    fs.writeFileSync(path.join(dir, 'profiles', `${name}.json`), JSON.stringify(profile))
  }
  const server = await startServer({ env: { MANTIS_BRAIN: brain, MANTIS_SECRETS_DIR: path.join(dir, 'secrets'), MANTIS_PROFILES_DIR: path.join(dir, 'profiles'),
    MANTIS_DISPLAY_WIDTH: '1288', MANTIS_DISPLAY_HEIGHT: '728', ...(brain === 'holo3' ? { MANTIS_MODEL_URL: model.url, MANTIS_MODEL_KEY_SECRET: 'model_key' } : {}) } })
  const calls = () => model.sent().filter((l) => l.method === 'POST' && !JSON.stringify(l.body).includes('"Hello"'))
  const asked = (words) => calls().filter((c) => JSON.stringify(c.body).includes(words)).length
  try {
    await until(10000 * slow, 'ready', async () => (await fetch(`${server.base}/health`)).status === 200)
    await fn({ server, calls, asked })
  } finally {
    try { await server.stop() } finally { await model.stop(); fs.rmSync(dir, { recursive: true, force: true }) }
  }
}
const cua = async (server, body) => {
  const r = await server.request('POST', '/v1/cua', body)
  assert.equal(r.status, 200, r.text)
  return r.json
}
const healed = (result) => result.healing_events.map((e) => `${e.kind}/${e.by}`)
const row = (what, fn) => test(what, { timeout: 180000 * slow }, fn)

row('agent-loop 7.1 a login by pixels alone: the loop fills the form, sends it, and a false done before it is refused', async () => {
  const rules = [
    answer('values', [{ label: 'email', value: 'ann@x.test' }, { label: 'password', value: 'harbor-9' }]),
    answer('focus', { focused: true, label: 'email', type: 'email' }, { times: 1 }),
    answer('focus', { focused: true, label: '', type: 'password' }),
    answer('submit', { found: true, x: 644, y: 600, label: 'Sign in' }),
    answer('claim', { valid: true, reason: 'a greeting' }),
    { when: turn, times: 1, ...done(true, 'signed in') }, // nothing was typed yet
    { when: turn, times: 1, ...at(644, 200) }, { when: turn, times: 1, ...at(644, 350) }, { when: turn, times: 1, ...at(20, 600) },
    { when: turn, ...done(true, 'signed in') },
  ]
  await withModel('holo3', rules, async ({ server, asked }) => {
    const result = await cua(server, { instruction: 'Sign in as ann@x.test with password harbor-9', start_url: `${site.url}/`, max_steps: 12 })
    assert.deepEqual([result.success, result.termination_reason, result.mode], [true, 'done', 'pure_cua'], JSON.stringify(result))
    assert.deepEqual(site.posted, [{ email: 'ann@x.test', password: 'harbor-9' }])
    assert.deepEqual(result.done_rejections_by_reason, { pending_form_values: 1 })
    assert.deepEqual(healed(result), ['done_rejected/pending_form_values', 'substitution/force-fill', 'substitution/force-fill', 'substitution/force-submit'])
    assert.deepEqual(['values', 'focus', 'submit', 'claim'].map((q) => asked(asks[q])), [1, 2, 1, 1])
    const turns = (await server.events(result.run_id)).filter((e) => e.kind === 'turn')
    assert.ok(!JSON.stringify(turns).includes('harbor-9'), 'typed text is not told')
  })
})

row('agent-loop 7.4 clicks in circles are broken by the director, a Claude behind the same gateway', async () => {
  const rules = [
    { when: asks.director, text: JSON.stringify({ action_type: 'scroll', direction: 'down', rationale: 'there may be more below' }) },
    answer('values', []),
    { when: turn, times: 6, ...at(644, 400) }, { when: turn, ...done(false, 'nothing can be pressed') },
  ]
  await withModel('holo3', rules, async ({ server, calls }) => {
    const result = await cua(server, { instruction: 'Press the red button', start_url: `${site.url}/dead`, max_steps: 12, loop_recovery: false })
    assert.deepEqual([result.success, result.termination_reason], [false, 'done_failed'])
    const told = (await server.events(result.run_id)).filter((e) => ['turn', 'question'].includes(e.kind)).map((e) => [e.summary, e.detail.frame_hash, e.detail.observed_state?.url, e.detail.why])
    assert.ok(healed(result).includes('substitution/director'), JSON.stringify(told))
    const director = calls().find((c) => JSON.stringify(c.body).includes(asks.director))
    assert.deepEqual([director.body.model, director.body.max_tokens], ['claude-sonnet-4-5', 400])
    assert.ok(result.claude_cost_by_path.by_path['director::claude-sonnet-4-5'].calls >= 1)
  })
})

row('brains 7 a ladder asks the fallback after two replies that nobody can read', async () => {
  const rules = [
    answer('values', []),
    { when: turn, times: 2, text: 'hm' },
    { when: turn, calls: [{ name: 'done', arguments: { success: false, summary: 'there is no button' } }] },
  ]
  await withModel('ladder:chat:holo3,claude', rules, async ({ server, calls }) => {
    const result = await cua(server, { instruction: 'Press the red button', start_url: `${site.url}/dead`, max_steps: 8 })
    assert.deepEqual([result.success, result.termination_reason], [false, 'done_failed'], JSON.stringify(result))
    assert.deepEqual(healed(result), ['brain_escalation/ladder'])
    const turns = calls().filter((c) => JSON.stringify(c.body).includes(turn))
    assert.deepEqual(turns.map((c) => c.body.model), ['holo3-35b-a3b', 'holo3-35b-a3b', 'claude-opus-4-7'])
    const metrics = await (await fetch(`${server.base}/metrics`)).text()
    assert.match(metrics, /mantis_brain_escalation_total\{tenant_id="[^"]+",from_brain="primary",to_brain="fallback"\} 1/)
  })
})
