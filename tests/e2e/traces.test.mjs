// Traces of real runs, and what is made of them: export, endings, secrets, label, convert, and the split between two
// models (promotion.md sections 2, 3, 4 and 10).

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, root, slow, startServer, tempDir, until } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'
import { holders } from './lib/secrets.mjs'

// ---- a form, an offer, a button -----------------------------------------------------------------------

const form = `<title>Sign in</title><form action="/offer" style="font:20px sans-serif">
  <label>Email <input name="e"></label><br><label>Password <input type="password" name="p"></label><br>
  <label>Code <input name="c"></label><br><button>Sign in</button></form>`
const pages = {
  '/form': form,
  '/offer': '<title>Offer</title><dl><dt>Name</dt><dd>Oak desk</dd><dt>Price</dt><dd>120</dd></dl>',
  '/note': '<title>Note</title><label style="font:20px sans-serif">Note <input name="n"></label>',
  '/pressed': '<title>Pressed</title><h1>Thank you</h1>',
}
const button = '<title>Button</title><style>body{margin:0}a{display:block;height:100vh;font:40px sans-serif}</style><a href="/pressed">Press me</a>'
let site, dir
before(async () => {
  dir = tempDir('traces')
  site = http.createServer((req, res) => { res.setHeader('content-type', 'text/html'); res.end(pages[req.url.split('?')[0]] ?? button) })
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${site.address().port}`
})
after(() => { site.closeAllConnections?.(); site.close(); fs.rmSync(dir, { recursive: true, force: true }) })

const step = (type, intent, more) => ({ type, intent, ...more })
const open = (page) => step('navigate', `Open ${page}`, { params: { url: `{{ENV_URL}}${page}` } })
const fill = (label, value) => step('fill_field', `Write it into "${label}"`, { params: { label, value } })
const press = step('holo3_step', 'Press the big button', { required: true })
const read = step('extract_data', 'Read the offer', { extract: { fields: [{ name: 'name' }, { name: 'price' }] } })
const plan = (...steps) => ({ task_suite: { steps } })

let exports = 0
const exporting = () => ({ MANTIS_TRACE_EXPORT_DIR: path.join(dir, `export-${++exports}`), MANTIS_TRACE_INCLUDE_SCREENSHOTS: 'Yes', MANTIS_ENV_URL: site.url })
const traceOf = (env, id, status, tenant = 'default') => until(10000 * slow, `trace of ${id} as ${status}`, () => {
  try {
    const trace = JSON.parse(fs.readFileSync(path.join(env.MANTIS_TRACE_EXPORT_DIR, tenant, `${id}.json`)))
    return trace.status === status && trace
  } catch (e) { if (e.code !== 'ENOENT') throw e } // half a file would be a SyntaxError
})
const mantis = (...args) => {
  const r = spawnSync(bin, args, { encoding: 'utf8', env: { PATH: process.env.PATH, MANTIS_REPO_ROOT: root } })
  return { code: r.status, out: r.stdout, err: r.stderr }
}
const row = (what, fn) => test(what, { timeout: 180000 * slow }, fn)

// ---- export -------------------------------------------------------------------------------------------

row('promotion 2 a run leaves a trace with its pictures and without its secrets', async () => {
  const env = exporting(), secrets = { password: 'harbor-lantern-42', answer: 'tin-whistle-77' }
  const server = await startServer({ env })
  try {
    const id = await server.submit({ user_input: secrets.answer, ...plan(open('/form'), fill('Email', 'dana@a.test'), fill('Password', secrets.password),
      step('request_user_input', 'What is the code?'), fill('Code', '{{user_input}}'), open('/note'), fill('Note', 'oak desk'), open('/offer'), read) })
    const status = await server.end(id), trace = await traceOf(env, id, 'completed')
    assert.equal(status.status, 'succeeded', JSON.stringify(status))
    assert.deepEqual([trace.schema_version, trace.run_id, trace.tenant_id, trace.variant, trace.step_count], [3, id, 'default', '', 9])
    assert.equal(trace.plan_signature, (await server.result(id)).result.plan_signature)
    const observed = trace.steps.map((s) => s.observed_outcome)
    assert.equal(observed[0], 'url changed; title changed')
    assert.match(observed[8], /1 row emitted/)
    assert.deepEqual(trace.steps[8].envelope.emitted_sample, [{ name: 'Oak desk', price: '120' }])
    assert.ok(trace.steps.filter((s) => s.type === 'fill_field').every((s) => s.last_action.action_type === 'type_text'), JSON.stringify(trace.steps))
    // what is typed on a page that shows a secret is not told
    assert.deepEqual(trace.steps.filter((s) => s.type === 'fill_field').map((s) => s.last_action.params.text), ['••••••', '••••••', '••••••', 'oak desk'])
    assert.ok(trace.steps.every((s) => s.envelope.verifier.status === 'pass'))
    const screens = fs.readdirSync(path.join(env.MANTIS_TRACE_EXPORT_DIR, 'default', `${id}_screens`)).sort()
    assert.deepEqual(screens, trace.steps.map((s) => `${String(s.step_index).padStart(4, '0')}.png`))
    assert.ok(trace.steps.every((s) => fs.existsSync(path.join(env.MANTIS_TRACE_EXPORT_DIR, 'default', s.envelope.screenshot_post_path))))
    assert.deepEqual(holders(env.MANTIS_TRACE_EXPORT_DIR, secrets), [])
  } finally { await server.stop() }
})

row('promotion 2 a run that was cancelled, and one whose server was killed, leave theirs', async () => {
  const env = exporting(), wait = step('wait', 'Wait', { params: { seconds: 10 } })
  const server = await startServer({ env: { ...env, MANTIS_RUNTIME_CONCURRENCY: '2' } })
  try {
    const cancelled = await server.submit({ profile_id: 'a', ...plan(open('/offer'), wait, wait, wait) })
    const killed = await server.submit({ profile_id: 'b', ...plan(open('/offer'), wait, read) })
    for (const id of [cancelled, killed])
      await until(30000 * slow, 'first step', async () => (await server.events(id)).some((e) => e.kind === 'step_end'))
    await server.predict({ action: 'cancel', run_id: cancelled })
    assert.equal((await traceOf(env, cancelled, 'cancelled')).steps[0].type, 'navigate')
    await server.kill('SIGKILL')
    await server.start()
    const status = await server.end(killed), trace = await traceOf(env, killed, 'completed')
    assert.equal(status.status, 'succeeded')
    assert.deepEqual(trace.steps.map((s) => s.type), ['navigate', 'wait', 'extract_data'])
  } finally { await server.stop() }
})

// ---- with models --------------------------------------------------------------------------------------

// The screen is one that holo3 is sent as it is.
const screen = { MANTIS_DISPLAY_WIDTH: '1288', MANTIS_DISPLAY_HEIGHT: '728' }
const asked = 'big button'
const click = { when: asked, times: 1, text: 'It is the only one.\nPredicted: title_changed', calls: [{ name: 'click', arguments: { x: 644, y: 364 } }] }
const done = { when: asked, calls: [{ name: 'done', arguments: { success: true, summary: 'pressed' } }] }
const seen = { when: 'Somebody says that this task is done', text: '{"valid": true, "reason": "it shows"}' }
const model = (name) => {
  const own = path.join(dir, name)
  fs.mkdirSync(own)
  return startModelServer(own, { models: ['holo3'], rules: [seen, ...Array(4).fill([click, { ...done, times: 1 }]).flat(), { text: 'hi' }] })
}
const calls = (server) => server.sent().filter((l) => l.method === 'POST' && JSON.stringify(l.body).includes(asked) && l.body.messages?.[0]?.role === 'system')
const serveModel = async (env) => {
  const server = await startServer({ env: { MANTIS_BRAIN: 'holo3', ...screen, ...env } })
  await until(10000 * slow, 'ready', async () => (await fetch(`${server.base}/health`)).status === 200)
  return server
}

row('promotion 4 a trace becomes the row that the model would be asked', async () => {
  const env = exporting(), served = await model('one'), server = await serveModel({ ...env, MANTIS_MODEL_URL: served.url })
  try {
    const id = await server.submit(plan(open('/'), press)), exported = env.MANTIS_TRACE_EXPORT_DIR
    await server.end(id)
    const trace = await traceOf(env, id, 'completed')
    assert.deepEqual(trace.steps[1].last_action.params, { x: 644, y: 364, button: 'left' })
    assert.equal(trace.steps[1].predicted_outcome, 'title_changed')
    const labelled = path.join(dir, 'labelled'), rows = path.join(dir, 'rows.jsonl')
    assert.equal(mantis('trace', 'label', exported, '-o', path.join(exported, 'out')).code, 2)
    const label = mantis('trace', 'label', exported, '-o', labelled, '--json')
    assert.deepEqual([label.code, JSON.parse(label.out)], [0, { [`default/${id}.json`]: { positive: 2, negative: 0, neutral: 0 } }])
    const convert = mantis('trace', 'convert', '--traces', labelled, '--output', rows, '--screenshots-root', exported, '--screen-width', '1288', '--screen-height', '728')
    assert.deepEqual([convert.code, convert.out], [0, 'traces_kept=1 samples_written=1\n'], convert.err)
    const sample = JSON.parse(fs.readFileSync(rows, 'utf8'))
    assert.equal(sample.conversations[0].value, calls(served)[0].body.messages[0].content)
    assert.deepEqual(sample.conversations[1], { from: 'human', value: '<image>\nTask: Press the big button\nScreen size: 1288x728 pixels' })
    assert.equal(sample.conversations[2].value, 'title_changed.\nclick(x=644, y=364)')
    assert.equal(sample.image, path.join(exported, 'default', `${id}_screens`, '0001.png'))
    // for people: a table, and a page that asks nobody for anything
    const file = path.join(labelled, 'default', `${id}.json`), page = path.join(dir, 'page.html')
    assert.match(mantis('trace', 'review', file).out, /1 {2}positive {3}success_with_observed_d… {2}holo3_step/)
    assert.equal(mantis('trace', 'review', file, '--html', page).code, 0)
    assert.equal(fs.readFileSync(page, 'utf8').match(/<img [^>]*src="data:image\/png;base64,/g).length, 2)
    assert.doesNotMatch(fs.readFileSync(page, 'utf8'), /(src|href)="?(https?:|\/\/)/)
  } finally { await server.stop(); await served.stop() }
})

row('promotion 8 trace commands say what is wrong by their exit code', async () => {
  const empty = path.join(dir, 'empty'), bad = path.join(dir, 'bad.json')
  fs.mkdirSync(empty)
  fs.writeFileSync(bad, '{"steps"')
  const link = path.join(dir, 'link.json')
  fs.symlinkSync(bad, link)
  const codes = [
    [['label', path.join(dir, 'none'), '-o', empty], 1, /none/],
    [['label', empty, '-o', path.join(dir, 'o')], 0, /no traces/],
    [['label', bad, '-o', path.join(dir, 'o')], 1, /bad\.json/],
    [['review', bad], 1, /bad\.json/],
    [['review', path.join(dir, 'none')], 1, /none/],
    [['convert', '--traces', empty, '--output', path.join(dir, 'x'), '--keep-labels', ''], 1, /--keep-labels/],
    [['convert', '--traces', empty, '--output', path.join(dir, 'x')], 2, /^$/],
    [['convert', '--traces', empty], 2, /--output/],
    [['convert', '--traces', empty, '--output', path.join(dir, 'x'), '--keep-labels', 'positive,good'], 2, /no label 'good': positive, negative or neutral/],
    [['convert', '--traces', empty, '--output', path.join(dir, 'x'), '--min-reward', 'nan'], 2, /--min-reward takes a number/],
    [['convert', '--traces', empty, '--output', path.join(dir, 'x'), '--max-steps-per-trajectory', '-1'], 2, /--max-steps-per-trajectory takes/],
    [['convert', '--rollouts', empty, '--output', path.join(dir, 'x')], 1, /cannot read '.*empty': Is a directory/],
    [['label', link, '-o', path.join(dir, 'o')], 1, /link\.json' is a symbolic link, which is not followed/],
    [['convert', '--output', path.join(dir, 'x')], 2, /--traces/],
  ]
  for (const [args, code, says] of codes) {
    const r = mantis('trace', ...args)
    assert.equal(r.code, code, `${args.join(' ')}: ${r.err}`)
    assert.match(r.err, says, args.join(' '))
  }
  // of a directory, what cannot be read (root reads it, and finds no JSON) is passed over
  const mixed = path.join(dir, 'mixed'), out = path.join(dir, 'of-mixed')
  fs.mkdirSync(mixed)
  fs.writeFileSync(path.join(mixed, 'a.json'), '{', { mode: 0 })
  fs.writeFileSync(path.join(mixed, 'b.json'), '{"run_id":"b","steps":[{"success":true,"intent":"Wait","last_action":{"action_type":"wait"},"observed_outcome":"url changed"}]}')
  const label = mantis('trace', 'label', mixed, '-o', out)
  assert.deepEqual([label.code, label.out.match(/1 files labelled, 1 skipped/) !== null], [0, true], label.out + label.err)
  fs.writeFileSync(path.join(out, 'a.json'), '{', { mode: 0 })
  const convert = mantis('trace', 'convert', '--traces', out, '--output', path.join(dir, 'mixed.jsonl'), '--no-require-screenshot')
  assert.deepEqual([convert.code, convert.out], [0, 'traces_kept=1 samples_written=1\n'], convert.err)
})

// ---- a split between two models -----------------------------------------------------------------------

const bucket = (salt, key) => (crypto.createHash('sha1').update(`${salt}:${key}`).digest().readUInt32BE(0) % 10000) / 100

row('promotion 10 a workflow asks one of two models for ever, and everything says which', async () => {
  const env = exporting(), champion = await model('champion'), challenger = await model('challenger')
  const server = await serveModel({ ...env, MANTIS_MODEL_URL: champion.url, MANTIS_SHADOW_CANDIDATE_URL: `${challenger.url}/v1/`, MANTIS_SHADOW_CANDIDATE_PCT: '50', MANTIS_SHADOW_SALT: 'roll-a' })
  try {
    const side = (w) => (bucket('roll-a', `default__${w}`) < 50 ? 'candidate' : 'baseline')
    const names = [...Array(50).keys()].map((n) => `w${n}`)
    const flows = [names.find((w) => side(w) === 'candidate'), names.find((w) => side(w) === 'baseline')]
    for (const workflow_id of [...flows, flows[0]]) {
      const before = [champion, challenger].map((s) => calls(s).length), want = side(workflow_id)
      const id = await server.submit({ workflow_id, profile_id: workflow_id, ...plan(open('/'), press) })
      const status = await server.end(id), trace = await traceOf(env, id, 'completed')
      assert.deepEqual([status.status, status.variant, trace.variant], ['succeeded', want, want])
      const more = [champion, challenger].map((s, i) => calls(s).length - before[i])
      assert.ok(want === 'candidate' ? !more[0] && more[1] === 2 : more[0] === 2 && !more[1], `${want}: ${more}`)
      assert.ok(trace.costs.gpu >= 0 && trace.costs.claude === 0)
    }
    const metrics = await (await fetch(`${server.base}/metrics`)).text()
    assert.match(metrics, /mantis_shadow_runs_total\{tenant_id="default",variant="candidate",status="completed"\} 2/)
    assert.match(metrics, /mantis_shadow_runs_total\{tenant_id="default",variant="baseline",status="completed"\} 1/)
    assert.match(metrics, /mantis_shadow_steps_total\{tenant_id="default",variant="candidate",outcome="success"\} 4/)
  } finally { await server.stop(); await champion.stop(); await challenger.stop() }
})

row('promotion 10 an address that is none is refused at the start', async () => {
  const r = spawnSync(bin, ['serve', '--check', '--data-dir', path.join(dir, 'check')], { encoding: 'utf8', env: { PATH: process.env.PATH, MANTIS_SHADOW_CANDIDATE_URL: 'ftp://a.test' } })
  assert.notEqual(r.status, 0)
  assert.match(r.stdout + r.stderr, /MANTIS_SHADOW_CANDIDATE_URL takes an http or https address/)
})
