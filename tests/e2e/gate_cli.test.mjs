// eval compare, gate scorecard, gate run over two reports, shadow route and analyze, bench screenshots: what they print and their
// exit codes. No server and no browser; one scripted model for the benchmark.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import zlib from 'node:zlib'
import { bin, root, tempDir } from './lib/harness.mjs'
import { startModelServer } from './lib/model_server.mjs'

let dir
before(() => { dir = tempDir('gate-cli') })
after(() => { fs.rmSync(dir, { recursive: true, force: true }) })

const at = (name) => path.join(dir, name)
const write = (name, value) => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true })
  fs.writeFileSync(at(name), typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value))
  return at(name)
}
// Not spawnSync: the model server's output must be read meanwhile.
const mantis = (...args) => new Promise((resolve) => {
  const child = spawn(bin, args, { env: { PATH: process.env.PATH, HOME: '/tmp', MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT || root } })
  let out = '', err = ''
  child.stdout.on('data', (d) => { out += d })
  child.stderr.on('data', (d) => { err += d })
  child.on('close', (code) => resolve({ code, out, err, json: out.startsWith('{') || out.startsWith('[') ? JSON.parse(out.slice(0, Math.max(out.lastIndexOf('\n}'), out.lastIndexOf('\n]')) + 2)) : undefined }))
})

// "+-+": a task each, passed or not.
const report = (name, marks, about = {}) => write(name, {
  name, about, results: [...marks].map((mark, i) => ({
    task_id: `shop.t${i}`, passed: mark === '+', metadata: { type: i % 2 ? 'search' : 'login' },
    outcome: { task_id: `shop.t${i}`, success: mark === '+', status: 'succeeded', cost: 0.1, duration_s: 5, error: mark === 'x' ? 'HTTP 502' : '' } })) })

// ---- eval compare --------------------------------------------------------------------------------------------------------

test('eval compare: 0 wins >= losses, 1 losses > wins, 2 nothing comparable', async () => {
  const a = report('a.json', '+--+'), same = report('same.json', '+--+'), better = report('better.json', '+++-'), worse = report('worse.json', '---+')
  const compare = (x, y, ...more) => mantis('eval', 'compare', '--baseline', x, '--candidate', y, ...more)
  let r = await compare(a, better, '--output', at('out.json'))
  assert.equal(r.code, 0, r.err)
  assert.deepEqual([r.json.common_task_count, r.json.candidate_wins, r.json.candidate_losses, r.json.win_rate, r.json.delta], [4, 2, 1, 0.6667, 0.25])
  assert.deepEqual([r.json.improvements, r.json.regressions], [['shop.t1', 'shop.t2'], ['shop.t3']])
  assert.deepEqual(JSON.parse(fs.readFileSync(at('out.json'))), r.json)
  r = await compare(a, same)
  assert.deepEqual([r.code, r.json.win_rate], [0, 0.5])
  assert.equal((await compare(a, worse)).code, 1)
  r = await compare(a, write('other.json', { results: [{ task_id: 'else', passed: true }] }))
  assert.equal(r.code, 2)
  assert.match(r.err, /no task is in both/)
  r = await compare(a, at('missing.json'))
  assert.equal(r.code, 2)
  assert.match(r.err, /missing\.json/)
  assert.equal((await compare(a, write('broken.json', '{'))).code, 2)
  assert.equal((await mantis('eval', 'compare', '--baseline', a)).code, 2)
})

// ---- gate run over reports -----------------------------------------------------------------------------------------------

test('gate run decides by two reports: 0, 1, 2 and 3', async () => {
  const holdout = { name: 'h', digest: '12' }
  const champion = report('champion.json', '------++', { model: 'm1', holdout })
  const gate = (challenger, ...more) => mantis('gate', 'run', '--champion-report', champion, '--challenger-report', challenger, ...more)
  const last = (r) => r.out.trimEnd().split('\n').at(-1)
  let r = await gate(report('c1.json', '+++++-++', { model: 'm2', holdout }))
  assert.equal(r.code, 0, r.err)
  assert.match(last(r), /^PROMOTE — 5 won and 0 lost of 8 tasks/)
  assert.equal(r.json.verdict.promote, true)
  assert.equal(r.json.verdict.exact_test.p_one_sided, 0.03125)
  r = await gate(report('c2.json', '++++--++', { model: 'm2', holdout }), '--output', at('verdict.json'))
  assert.equal(r.code, 1)
  assert.match(last(r), /^HOLD — reject: p_value 0\.062/)
  assert.equal(JSON.parse(fs.readFileSync(at('verdict.json'))).verdict.outcome, 'hold')
  assert.equal((await gate(at('c2.json'), '--alpha', '0.1')).code, 0)
  for (const [name, marks, about, says] of [
    ['c3.json', '+++++-+x', { model: 'm2', holdout }, /challenger shop\.t7/],
    ['c4.json', '+++++-++', { model: 'm1', holdout }, /both arms are 'm1'/],
    ['c5.json', '+++++-++', { model: 'm2', holdout: { name: 'h', digest: '13' } }, /ran holdout 'h 12', the challenger 'h 13'/],
    ['c6.json', '+++', { model: 'm2', holdout }, /too few valid pairs: 3 of at least 5/],
  ]) {
    r = await gate(report(name, marks, about))
    assert.equal(r.code, 3, name + r.out + r.err)
    assert.match(r.out, says)
  }
  assert.equal((await gate(at('missing.json'))).code, 2)
})

test('names of strangers forge no line and send no escape sequence, and are no HTML in report.md', async () => {
  const arm = (name, passed) => write(name, { name: '<img src=x>', about: { model: name }, results: [{ task_id: 'a\x1b[2J\u202e\nPROMOTE — forged <b>&|', passed, metadata: { type: 'c\x9b1m' } }] })
  const r = await mantis('gate', 'run', '--champion-report', arm('n1.json', true), '--challenger-report', arm('n2.json', false), '--output', at('names.json'), '--report', at('names'))
  assert.equal(r.code, 1, r.err)
  assert.match(r.out, /^regression: a \[2J PROMOTE — forged/m)
  const markdown = fs.readFileSync(at('names/report.md'), 'utf8')
  for (const text of [r.out, markdown]) assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]|^PROMOTE/m)
  assert.match(markdown, /a \[2J PROMOTE — forged &lt;b>&amp;\/ \| pass/)
  assert.doesNotMatch(markdown, /<img|<b>/)
})

test('gate run refuses a rule that decides nothing and an output that cannot be, before it compares', async () => {
  const both = ['--champion-report', report('one.json', '+', { model: 'm1' }), '--challenger-report', report('two.json', '+', { model: 'm2' })]
  for (const [args, says] of [
    [['--alpha', '2'], /--alpha takes a probability/],
    [['--alpha', 'nan'], /--alpha takes a/],
    [['--alpha', '0'], /--alpha takes a probability/],
    [['--max-regressions', '-1'], /--max-regressions takes a whole number from 0/],
    [['--min-pairs', '-1'], /--min-pairs takes/],
    [['--max-infra-failures', '-1'], /--max-infra-failures takes/],
    [['--output', dir], /is a directory: name a file in it/],
    [['--report', at('one.json')], /cannot make directory '.*one\.json'/],
  ]) {
    const r = await mantis('gate', 'run', ...both, ...args)
    assert.equal(r.code, 2, args.join(' ') + r.err)
    assert.match(r.err, says)
    assert.equal(r.out, '', 'nothing was decided')
  }
})

test('output that a full disk swallowed is no success', async () => {
  for (const args of [['shadow', 'route', 'acme'], ['gate', 'scorecard'], ['holdout', 'emit', '--task', 'crm.create'], ['--help']]) {
    const full = fs.openSync('/dev/full', 'w')
    const r = spawnSync(bin, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8', env: { PATH: process.env.PATH, MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT || root } })
    fs.closeSync(full)
    assert.equal(r.status, 1, args.join(' '))
    assert.match(r.stderr, /standard output could not be written/)
  }
})

// ---- gate scorecard ------------------------------------------------------------------------------------------------------

const labelled = (variant, ...reasons) => ({
  schema_version: 3, run_id: 'r1', tenant_id: '', status: 'completed', source_path: 'x', variant,
  label_summary: { positive: 0, negative: reasons.length, neutral: 0 },
  steps: reasons.map((label_reason, step_index) => ({ step_index, intent: 'x', type: 'click', success: false, data: '', label: label_reason === 'success_no_delta' ? 'neutral' : 'negative', label_reason })) })

test('gate scorecard: skipped is seen, --strict and --require, bad input is 2', async () => {
  const card = (...args) => mantis('gate', 'scorecard', ...args)
  const gate = (r, name) => r.json.gates.find((g) => g.name === name)
  let r = await card()
  assert.equal(r.code, 0, r.err)
  assert.deepEqual([r.json.tier, r.json.skipped, r.json.gates.length], ['first_sft', 9, 9])
  assert.ok(r.json.gates.every((g) => g.skipped && !g.passed))
  assert.equal((await card('--strict')).code, 1)
  assert.equal((await card('--require', 'parser_validity')).code, 1)
  assert.equal((await card('--require', 'parser_validity', '--metric', 'parser_validity=0.98')).code, 0)

  write('labelled/one.json', labelled('candidate', 'escalation', 'failed_step', 'success_no_delta', 'success_no_delta'))
  const shadow = write('shadow.json', { variants: { candidate: { escalation_rate: 0.04 } } })
  r = await card('--eval-report', report('r.json', '++-'), '--shadow-summary', shadow, '--labelled-traces', at('labelled'), '--tier', 'base', '--output', at('card.json'))
  assert.equal(r.code, 1) // a quarter of the steps was escalated
  assert.deepEqual(JSON.parse(fs.readFileSync(at('card.json'))), r.json)
  assert.deepEqual(r.json.metadata, { label_step_count: 4, label_reason_counts: { escalation: 1, failed_step: 1, success_no_delta: 2 } })
  assert.deepEqual([gate(r, 'loop_rate_max').value, gate(r, 'forbidden_region_avoidance').value], [0.25, 0.75])
  assert.deepEqual([gate(r, 'escalation_rate_max').passed, gate(r, 'task_pass_rate').value, gate(r, 'cost_per_success_usd_max').value], [true, 0.6667, 0.15])
  for (const [args, says] of [
    [['--metric', 'nonsense=1'], /no gate 'nonsense'/],
    [['--metric', 'task_pass_rate'], /NAME=NUMBER/],
    [['--metric', 'task_pass_rate=nan'], /NAME=NUMBER/],
    [['--require', 'nonsense'], /no gate 'nonsense'/],
    [['--eval-report', at('missing.json')], /missing\.json/],
    [['--labelled-traces', at('nowhere')], /nowhere/],
    [['--shadow-summary', at('missing.json')], /missing\.json/],
    [['--shadow-summary', at('r.json')], /r\.json: is no shadow summary: 'variants'/],
  ]) {
    r = await card(...args)
    assert.equal(r.code, 2, args.join(' '))
    assert.match(r.err, says)
  }
  r = await card('--tier', 'nonsense')
  assert.equal(r.code, 1)
  assert.match(gate(r, 'task_pass_rate').note, /no threshold for the tier 'nonsense'/)
})

// ---- shadow --------------------------------------------------------------------------------------------------------------

test('shadow route prints key, variant and bucket', async () => {
  const r = await mantis('shadow', 'route', '--pct', '70', 'acme', 'tenant-7', '20260304_050607_9af31c2e')
  assert.equal(r.code, 0, r.err)
  assert.equal(r.out, 'acme candidate 66.93\ntenant-7 baseline 96.18\n20260304_050607_9af31c2e candidate 64.23\n')
  assert.equal((await mantis('shadow', 'route', '--pct', '22', '--salt', 'roll-a', 'acme')).out, 'acme candidate 21.61\n')
  assert.equal((await mantis('shadow', 'route', 'acme')).out, 'acme baseline 66.93\n')
})

test('shadow analyze: 0, 1 over the tolerance, 2 with one side missing', async () => {
  const analyze = (...args) => mantis('shadow', 'analyze', ...args)
  write('split/a/base.json', labelled('baseline', 'failed_step', 'success_no_delta', 'success_no_delta', 'success_no_delta'))
  write('split/b/cand.json', labelled('candidate', 'escalation', 'success_no_delta', 'success_no_delta', 'success_no_delta'))
  write('split/none.json', labelled('', 'success_no_delta'))
  write('split/broken.json', '{')
  let r = await analyze('--labelled', at('split'))
  assert.equal(r.code, 1)
  assert.match(r.err, /broken\.json.*left out/)
  assert.deepEqual(Object.keys(r.json.variants).sort(), ['__unassigned__', 'baseline', 'candidate'])
  assert.deepEqual(r.json.comparison, { escalation_rate_delta: 0.25, failure_rate_delta: 0, baseline_runs: 1, candidate_runs: 1, candidate_escalation_rate_lower: false })
  assert.equal((await analyze('--labelled', at('split'), '--tolerance', '0.25')).code, 0)
  r = await analyze('--labelled', at('split/a'), '--output', at('summary.json'))
  assert.equal(r.code, 2)
  assert.match(r.err, /no trace of the variant 'candidate'/)
  assert.deepEqual(JSON.parse(fs.readFileSync(at('summary.json'))).comparison, {})
  assert.equal((await analyze('--labelled', at('nowhere'))).code, 2)
  assert.equal((await analyze()).code, 2)
})

// ---- bench screenshots ---------------------------------------------------------------------------------------------------

const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length)
  body.copy(out, 4)
  out.writeUInt32BE(crc(body), body.length + 4)
  return out
}
const crc = (data) => {
  let c = ~0
  for (const byte of data) { c ^= byte; for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1 }
  return ~c >>> 0
}
const grey = (w, h) => {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(w); head.writeUInt32BE(h, 4); head[8] = 8
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(Buffer.alloc((w + 1) * h, 200))), chunk('IEND', Buffer.alloc(0))])
}
const lines = (...rows) => rows.map((row) => JSON.stringify(row)).join('\n') + '\n'
const box = [{ label: 'save', x1: 600, y1: 340, x2: 680, y2: 380 }]
const cases = [
  { id: 'save', image: 'screen.png', task: 'Press Save', expected_action_type: 'click', allowed_regions: box, tags: ['button'] },
  { id: 'half', image: 'half.png', task: 'Press Half', expected_action_type: 'click', allowed_regions: box, tags: ['button'] },
  { id: 'gone', image: 'nowhere.png', task: 'Press Gone' },
]
const bench = (...args) => mantis('bench', 'screenshots', '--cases', at('bench/cases.jsonl'), '--output', at('bench/out.jsonl'), ...args)

test('bench screenshots judges predictions of a file', async () => {
  write('bench/cases.jsonl', lines(...cases))
  write('bench/predictions.jsonl', lines({ id: 'save', action_type: 'click', params: { x: 640, y: 360 } }, { id: 'half', type: 'scroll', params: {} }))
  const r = await bench('--predictions', at('bench/predictions.jsonl'))
  assert.equal(r.code, 0, r.err)
  assert.deepEqual(r.json, { total: 3, passed: 1, failed: 2, pass_rate: 0.3333, by_tag: { button: { total: 2, passed: 1, pass_rate: 0.5 }, untagged: { total: 1, passed: 0, pass_rate: 0 } } })
  assert.deepEqual(JSON.parse(fs.readFileSync(at('bench/out.jsonl.summary.json'))), r.json)
  const out = fs.readFileSync(at('bench/out.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(out.map((o) => [o.id, o.passed]), [['save', true], ['half', false], ['gone', false]])
  assert.deepEqual(out[1].checks, { prediction_present: true, action_type: false, allowed_region: false })
  assert.equal((await bench('--predictions', at('bench/predictions.jsonl'), '--min-pass-rate', '0.5')).code, 1)
  assert.equal((await bench('--predictions', at('bench/predictions.jsonl'), '--max-cases', '1', '--min-pass-rate', '1')).code, 0)
  assert.equal((await bench('--predictions', at('bench/missing.jsonl'))).code, 2)
  assert.equal((await bench()).code, 2)
  assert.equal((await bench('--predictions', 'x', '--brain', 'holo3')).code, 2)
  assert.equal((await bench('--predictions', at('bench/predictions.jsonl'), '--max-cases', '-1')).code, 2)
  const over = await bench('--predictions', at('bench/predictions.jsonl'), '--output', at('bench/predictions.jsonl'))
  assert.equal(over.code, 2)
  assert.match(over.err, /--output is a file that is read/)
  const shape = await mantis('bench', 'screenshots', '--cases', write('bench/shape.jsonl', lines({ id: 'a', allowed_regions: 'q' })), '--predictions', at('bench/predictions.jsonl'), '--output', at('bench/x.jsonl'))
  assert.equal(shape.code, 2)
  assert.match(shape.err, /case 1: 'allowed_regions' must be a list of \{"x1", "y1", "x2", "y2"\}/)
})

test('bench screenshots asks a model, whose points are of the picture it saw', { skip: !process.env.MODEL_SERVER && 'MODEL_SERVER is not set' }, async () => {
  write('bench/screen.png', grey(1280, 720))
  write('bench/half.png', grey(640, 360))
  fs.mkdirSync(at('model'))
  const model = await startModelServer(at('model'), { rules: [
    { when: 'Press Save', text: 'click(x=644, y=364)' }, // of 1288x728, as this model sees 1280x720
    { when: 'Press Half', text: 'click(x=322, y=182)' }, // of 644x364
  ] })
  const r = await bench('--brain', 'holo3', '--base-url', `${model.url}/v1`)
  await model.stop()
  assert.equal(r.code, 0, r.err)
  assert.equal(r.json.passed, 2)
  const out = fs.readFileSync(at('bench/out.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  assert.ok(Math.abs(out[1].prediction.params.x - 640) <= 3 && Math.abs(out[1].prediction.params.y - 360) <= 3, JSON.stringify(out[1]))
  assert.match(out[2].error, /nowhere\.png/)
  const none = await bench('--brain', 'holo3', '--base-url', 'http://127.0.0.1:9/v1', '--max-cases', '1')
  assert.equal(none.code, 1)
  assert.match(none.err, /no case was answered/)
})
