// Does a model click where it means to: `mantis selftest` against the scripted model server, and `serve`, which is not ready
// before it (MANTIS_SELFTEST). The buttons are drawn by a real browser on a real display; the script clicks where they are.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, processes, root, Server, slow, tempDir, until, within } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'

const env = { PATH: process.env.PATH, HOME: '/tmp', MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT || root }
const hello = { when: 'Hello', text: 'Hi' } // the one token that readiness asks for

let dir, tmp // tmp: where it works, so that what it leaves is seen
before(() => {
  dir = tempDir('selftest')
  tmp = path.join(dir, 'tmp')
  fs.mkdirSync(tmp)
  fs.chmodSync(tmp, 0o711)
  env.TMPDIR = tmp
})
const nothingLeft = () => {
  assert.deepEqual(fs.readdirSync(tmp), [])
  assert.deepEqual(processes().filter((p) => p.args.some((a) => a.includes(tmp))), [])
}
after(() => {
  nothingLeft()
  fs.rmSync(dir, { recursive: true, force: true })
})

let serial = 0
async function withModel(rules, fn) {
  const own = path.join(dir, String(serial++))
  fs.mkdirSync(own)
  const model = await startModelServer(own, { rules: [hello, ...rules] })
  try { await fn(model) } finally { await model.stop() }
}

// What a person sees; not spawnSync: the model server's output must be read meanwhile.
function selftest(url, args = [], more = {}) {
  return new Promise((resolve) => {
    const child = spawn(bin, ['selftest', '--url', url, ...args], { env: { ...env, ...more } })
    let out = '', err = ''
    child.stdout.on('data', (d) => { out += d })
    child.stderr.on('data', (d) => { err += d })
    child.on('exit', (code) => resolve({ code, out, err, json: args.includes('--json') && out ? JSON.parse(out) : undefined }))
  })
}

// Where the buttons are, for a profile: the answer to a model that says nothing to the point.
const seen = {}
async function buttons(profile) {
  if (!seen[profile])
    await withModel([{ text: 'hm' }], async (model) => { seen[profile] = (await selftest(model.url, ['--profile', profile, '--json'])).json })
  return seen[profile]
}

// A model that points in pictures of its own size (w x h), off by so much.
const rulesFor = (targets, w, h, dx = 0, dy = 0, say = (x, y) => ({ text: `click(x=${x}, y=${y})` })) => targets.map(({ label, box: [x, y, bw, bh] }) => ({
  when: `labelled "${label}"`, ...say(Math.round((x + bw / 2 + dx) * w / 1280), Math.round((y + bh / 2 + dy) * h / 720)) }))
const fara = (x, y) => ({ calls: [{ name: 'computer_use', arguments: { action: 'left_click', coordinate: [x, y] } }] })

const claude = (x, y) => ({ calls: [{ name: 'computer', arguments: { action: 'left_click', coordinate: [x, y] } }] })

// ---- the command ---------------------------------------------------------------------------------------

// [profile, its points, code, verdict, words, advice]
const models = [
  ['holo3', [1288, 728], 0, 'fits', /8 of 8 inside the button/, /^$/],
  ['holo3', [1000, 1000], 1, 'other_space', /points in thousandths of the screen; the profile says .*1288x728 \(resized\)/, /"coordinates": "per_mille" in .*profiles\/holo3\.json/],
  ['holo3', [1288, 728, 40, 0], 1, 'shifted', /40 px to the right/, /cuts or pads/],
  ['holo3', [640, 360], 1, 'other_space', /pixels of a picture of 640x360/, /"fixed:640x360"/],
  ['fara', [1428, 896, 0, 0, fara], 0, 'fits', /8 of 8/, /^$/],
  ['claude', [1280, 720, 0, 0, claude], 0, 'fits', /8 of 8/, /^$/],
  ['claude', [1000, 1000, 0, 0, claude], 1, 'other_space', /the profile says pixels of the picture it is sent, 1280x720 \(screen\)/, /"per_mille"/],
  ['fara', [1280, 720, 0, 0, fara], 1, 'other_space', /the profile says pixels of a picture of 1428x896/, /coordinates/],
]
for (const [profile, points, code, verdict, words, advice] of models)
  test(`${profile} is asked for buttons and points in ${points.slice(0, 4)}: ${verdict}`, async () => {
    const { targets } = await buttons(profile)
    await withModel(rulesFor(targets, ...points), async (model) => {
      const [r, text] = await Promise.all([['--json'], []].map((more) => selftest(model.url, ['--profile', profile, ...more])))
      assert.equal(r.code, code, r.err + r.out)
      assert.deepEqual([r.json.verdict, r.json.ok, r.json.answered, r.json.clicks], [verdict, code === 0, 8, 8])
      assert.match(r.json.words, words)
      assert.match(r.json.advice, advice)
      if (verdict === 'fits') assert.ok(r.json.median_px <= 2 && r.json.max_px <= 2 && r.json.hits === 8, r.out)
      if (verdict === 'shifted') assert.ok(Math.abs(r.json.median_px - 40) <= 2, r.out)
      assert.equal(text.code, code)
      assert.match(text.out, new RegExp(`^profile +${profile}, points in [^]*verdict +${verdict}: `))
      assert.match(text.out, /Alder +90,163 +\d+,\d+ +\d+ /)
      const sent = model.sent().filter((line) => line.method === 'POST').at(-1).body.messages.at(-1).content.find((p) => p.type.startsWith('image'))
      const png = Buffer.from(sent.source?.data ?? sent.image_url.url.split(',')[1], 'base64')
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], profile === 'fara' ? [1428, 896] : [1280, 720])
    })
  })

test('what is no click is quoted, and exits with 1', async () => {
  await withModel([{ text: 'I would rather not.' }], async (model) => {
    const r = await selftest(model.url, ['--profile', 'holo3', '--json'])
    assert.deepEqual([r.code, r.json.verdict, r.json.clicks], [1, 'unread', 0])
    assert.match(r.json.words, /0 of 8 answers name a point to click; one says 'I would rather not\.'/)
  })
})

// It waits, so it begins with the first test.
let silence
before(() => { silence = givenUp(); silence.catch(() => {}) })
test('a server that is silent is given up in time, with 3', () => silence)

async function givenUp() {
  await withModel([{ fault: 'silence' }], async (model) => {
    const begun = Date.now()
    const r = await selftest(model.url, ['--profile', 'holo3', '--json', '--timeout', '12'])
    assert.deepEqual([r.code, r.json.verdict], [3, 'unasked'])
    assert.ok(Date.now() - begun < 16000 * slow)
    assert.match(r.json.words, /0 of 8 questions were answered: .*127\.0\.0\.1/)
  })
}

test('nobody listens, no browser, an unknown profile, a missing secret: said, with the codes of the help', async () => {
  const nobody = await selftest('http://127.0.0.1:9', ['--profile', 'holo3', '--json'])
  assert.deepEqual([nobody.code, nobody.json.verdict], [3, 'unasked'])
  const blind = await selftest('http://127.0.0.1:9', ['--profile', 'holo3', '--json'], { MANTIS_BROWSER: 'no-such-browser' })
  assert.equal(blind.code, 3)
  assert.match(blind.json.words, /the page of buttons cannot be shown: .*no-such-browser/)
  const unknown = await selftest('http://127.0.0.1:9', ['--profile', 'nimbus'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /error: there is no model profile 'nimbus'/)
  for (const brain of ['page', 'ladder:page,chat:holo3', 'script:/tmp/x', undefined]) {
    const several = await selftest('http://127.0.0.1:9', [], brain ? { MANTIS_BRAIN: brain } : {})
    assert.equal(several.code, 2)
    assert.match(several.err, new RegExp(`error: the brain '${brain || 'page'}' .* is no one model: name a profile with --profile`))
  }
  const open = await selftest('http://me:hunter2@127.0.0.1:9', ['--profile', 'holo3'])
  assert.equal(open.code, 2)
  assert.match(open.err, /--url: .* without a password/)
  assert.doesNotMatch(open.out + open.err, /hunter2/)
  const keyless = await selftest('http://127.0.0.1:9', ['--profile', 'holo3', '--key-secret', 'absent'], { MANTIS_SECRETS_DIR: dir })
  assert.equal(keyless.code, 2)
  assert.match(keyless.err, /error: there is no secret 'absent'/)
  for (const size of ['big', '10x10', '1280x'])
    assert.equal((await selftest('http://127.0.0.1:9', ['--profile', 'holo3', '--size', size])).code, 2)
})

test('the key is sent and never shown; another screen size is drawn and sent', async () => {
  fs.writeFileSync(path.join(dir, 'model_key'), 'sk-of-the-selftest\n')
  await withModel([{ text: 'hm' }], async (model) => {
    const r = await selftest(model.url, ['--profile', 'openai', '--json', '--size', '1024x768', '--key-secret', 'model_key', '--model', 'mine'], { MANTIS_SECRETS_DIR: dir })
    assert.deepEqual(r.json.screen, [1024, 768])
    assert.ok(!(r.out + r.err).includes('sk-of-the-selftest'))
    const asked = model.sent().find((line) => line.method === 'POST')
    assert.equal(asked.headers.authorization ?? asked.headers.Authorization, 'Bearer sk-of-the-selftest')
    assert.equal(asked.body.model, 'mine')
  })
})

test('interrupted: it ends within 2 s and leaves nothing', async () => {
  await withModel([{ fault: 'silence' }], async (model) => {
    const child = spawn(bin, ['selftest', '--url', model.url, '--profile', 'holo3'], { env, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.on('exit', resolve))
    await until(20000 * slow, 'a question', () => model.sent().length)
    child.kill('SIGTERM')
    await within(2000 * slow, 'the end', ended)
    nothingLeft()
  })
})

// ---- serve -----------------------------------------------------------------------------------------------

async function withServe(rules, more, fn) {
  await withModel(rules, async (model) => {
    const server = new Server({ env: { MANTIS_BRAIN: 'holo3', MANTIS_MODEL_URL: model.url, MANTIS_MODEL_NAME: 'scripted', TMPDIR: tmp, ...more } })
    const health = async () => { const r = await fetch(`${server.base}/health`); return { status: r.status, ...await r.json() } }
    const ready = () => until(30000 * slow, '/health 200', async () => (await health()).status === 200)
    const status = (args = ['--json']) => spawnSync(bin, ['engine', 'status', '--data-dir', server.dir, ...args], { encoding: 'utf8' })
    try {
      await server.start()
      await fn({ server, model, health, ready, status, selftest: () => JSON.parse(status().stdout).selftest })
    } finally { await server.stop() }
  })
}

test('serve is ready only after it, and says what was found', async () => {
  const { targets } = await buttons('holo3')
  const slowly = rulesFor(targets, 1288, 728).map((rule) => ({ ...rule, delay_ms: 300 }))
  await withServe(slowly, { MANTIS_SELFTEST: 'strict' }, async ({ server, model, health, ready, status, selftest }) => {
    await until(20000 * slow, 'the test', async () => (await health()).reason?.startsWith('the model server answers, and its clicks are tested'))
    assert.equal(JSON.parse(status().stdout).state, 'testing')
    assert.equal(selftest().state, 'running')
    await ready()
    const t = selftest()
    assert.deepEqual([t.state, t.verdict, t.hits, t.asked], ['passed', 'fits', 8, 8])
    assert.ok(t.median_px <= 2 && t.max_px <= 2)
    assert.match(status([]).stdout, /self-test +passed, fits: the model clicks where it means to: 8 of 8 inside the button \(\d px at the median, \d px at most\)/)
    await until(2000 * slow, 'the log', () => server.child.log.includes('the self-test: the model clicks where it means to'))
    const metrics = await (await fetch(`${server.base}/metrics`)).text()
    assert.match(metrics, /^mantis_selftest\{verdict="fits"\} 1$/m)
    assert.match(metrics, /^mantis_selftest_error_pixels\{of="median"\} [\d.]+$/m)
    assert.equal(model.sent().filter((line) => line.method === 'POST' && JSON.stringify(line.body).includes('labelled')).length, 8)
  })
})

test('warn: another space is said with what to change, and it is served all the same', async () => {
  const { targets } = await buttons('holo3')
  await withServe(rulesFor(targets, 1000, 1000), { MANTIS_SELFTEST: 'warn' }, async ({ server, ready, selftest, status }) => {
    await ready()
    assert.deepEqual([selftest().state, selftest().verdict], ['warned', 'other_space'])
    await until(2000 * slow, 'the log', () => server.child.log.includes('per_mille'))
    assert.match(server.child.log, /"WARNING"[^\n]*points in thousandths of the screen[^\n]*per_mille/)
    assert.match(status([]).stdout, /advice +set "coordinates": "per_mille"/)
  })
})

test('strict: refused, serve ends with 1 and the reason', async () => {
  const { targets } = await buttons('holo3')
  await withServe(rulesFor(targets, 1000, 1000), { MANTIS_SELFTEST: 'strict' }, async ({ server }) => {
    assert.deepEqual(await within(30000 * slow, 'the end of serve', server.child.ended), { code: 1, signal: null })
    assert.match(server.child.log, /stopping: the model server was given up: the self-test: the model points in thousandths of the screen.*set \\"coordinates\\": \\"per_mille\\".*\(MANTIS_SELFTEST=strict\)/)
  })
})

test('a server that runs already is tested with the profile of whatever brain asks it', async () => {
  const { targets } = await buttons('openai')
  await Promise.all([[rulesFor(targets, 1280, 720), 'passed'], [rulesFor(targets, 1000, 1000), 'warned']].map(([rules, state]) =>
    withServe(rules, { MANTIS_BRAIN: 'openai', MANTIS_SELFTEST: 'warn' }, async ({ ready, selftest }) => {
      await ready()
      assert.equal(selftest().state, state)
    })))
})

test('it cannot be asked: a warning; in strict mode the end', async () => {
  const silent = [{ fault: 'silence' }], short = { MANTIS_SELFTEST_TIMEOUT_S: '8' }
  const warned = withServe(silent, { MANTIS_SELFTEST: 'warn', ...short }, async ({ ready, selftest }) => {
    await ready()
    assert.deepEqual([selftest().state, selftest().verdict, selftest().median_px], ['warned', 'unasked', null])
  })
  const ended = withServe(silent, { MANTIS_SELFTEST: 'strict', MANTIS_BROWSER: 'no-such-browser' }, async ({ server }) => {
    assert.equal((await within(30000 * slow, 'the end of serve', server.child.ended)).code, 1)
    assert.match(server.child.log, /given up: the self-test: the page of buttons cannot be shown/)
  })
  await Promise.all([warned, ended])
})

test('off: nothing is asked; a word that is none ends the start', async () => {
  await withServe([], { MANTIS_SELFTEST: 'off' }, async ({ model, ready, selftest }) => {
    await ready()
    assert.equal(selftest().state, 'off')
    assert.ok(model.sent().filter((line) => line.method === 'POST').every((line) => line.body.max_tokens === 1))
  })
  const r = spawnSync(bin, ['serve', '--check'], { encoding: 'utf8', env: { ...env, MANTIS_SELFTEST: 'loud' } })
  assert.equal(r.status, 2)
  assert.match(r.stderr, /MANTIS_SELFTEST must be off, warn or strict, not 'loud'/)
})

test('SIGTERM while it is tested: serve ends, and so does the test', async () => {
  await withServe([{ fault: 'silence' }], { MANTIS_SELFTEST: 'warn' }, async ({ server, model }) => {
    await until(20000 * slow, 'a question', () => model.sent().some((line) => JSON.stringify(line.body ?? '').includes('labelled')))
    assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null })
    nothingLeft()
  })
})
