// `mantis eval run`: against a deployment that only answers (what is sent, limits, trouble, kills), and for real
// over tasks of the holdout with the page brain.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { runCommand, startCommand } from './lib/command.mjs'
import { Deployment, listen } from './lib/deployment.mjs'
import { root, slow, startServer, tempDir, until, within } from './lib/harness.mjs'

const dir = tempDir('eval')
let serial = 0

function taskFile(tasks, more = {}) {
  const file = path.join(dir, `tasks-${serial++}.json`)
  fs.writeFileSync(file, JSON.stringify({ tasks, ...more }))
  return file
}

const many = (n) => Array.from({ length: n }, (_, i) => ({ task_id: `t${i}`, task_text: `Task ${i}`, micro_plan: [{ type: 'click', intent: 'Press it' }] }))

// One evaluation of a deployment; `more` are further arguments.
async function evaluate(deployment, tasks, more = [], { base = '', env } = {}) {
  const server = await listen({ [base]: deployment })
  const output = path.join(dir, 'made', `${serial++}`, 'report.json')
  try {
    const r = await runCommand(['eval', 'run', '--tasks', taskFile(tasks), '--output', output, '--runner', server.url + base, '--name', 'cand', ...more], { env })
    return { ...r, output, report: fs.existsSync(output) ? JSON.parse(fs.readFileSync(output)) : null }
  } finally { server.close() }
}

test('every run is detached, fresh, carries both headers, and counts by its result', async () => {
  const stub = new Deployment({ ends: (task) => (task === 't1' ? 'halted' : 'succeeded'), cost: 0.21 })
  const r = await evaluate(stub, many(3), ['--gateway-key', 'key-of-the-gateway'])
  assert.equal(r.code, 0, r.err)
  assert.equal(r.out, 'cand: passed 2/3 (66.7%), errors=0\n')
  assert.deepEqual([r.report.pass_count, r.report.fail_count, r.report.error_count, r.report.pass_rate], [2, 1, 0, 0.6667])
  assert.deepEqual(r.report.results.map((t) => t.passed), [true, false, true])
  assert.equal(r.report.results[0].outcome.cost, 0.21)
  assert.equal(r.report.results[0].outcome.url, 'https://x.example/end')
  assert.equal(r.report.about.model, 'stub')
  for (const { headers, body } of stub.seen) {
    assert.equal(headers['x-mantis-token'], 'token-of-the-test')
    assert.equal(headers.authorization, 'Api-Key key-of-the-gateway')
    assert.equal(body.detached, true)
    assert.match(body.profile_id, /^eval-cand-t\d-[0-9a-f]{8}$/)
    assert.equal(body.workflow_id, body.profile_id)
  }
  assert.equal(new Set(stub.seen.map((s) => s.body.profile_id)).size, 3)
  assert.equal(fs.existsSync(`${r.output}.journal`), false, 'the journal is gone')
  assert.match(r.err, /^pass {2}t0 /m)
  assert.doesNotMatch(r.err, /\x1b|ETA/, 'plain lines where there is no terminal')
  const md = fs.readFileSync(r.output.replace('.json', '.md'), 'utf8'), html = fs.readFileSync(r.output.replace('.json', '.html'), 'utf8')
  assert.match(md, /\| t1 \| \[\*\*fail\*\*\]/)
  assert.match(html, /console#\/runs\/run_0/)
  assert.doesNotMatch(html, /<script|<link|<img|url\(|@import/, 'nothing is fetched')
})

test('the route families of hosts: /predict, and /sync before /v1', async () => {
  for (const [base, route] of [['/production/sync', '/v1/predict'], ['/hosted', '/predict']]) {
    const stub = new Deployment({ route })
    const server = await listen({ [base]: stub })
    const runner = route === '/predict' ? `${server.url}${base}/predict` : `${server.url}${base}/v1`
    const output = path.join(dir, `family-${serial++}.json`)
    const r = await runCommand(['eval', 'run', '--tasks', taskFile(many(1)), '--output', output, '--runner', runner])
    server.close()
    assert.equal(r.code, 0, r.err)
    assert.equal(stub.seen.length, 1)
  }
})

test('a full deployment is sent to again when it said, and is not asked for more than it takes', async () => {
  const stub = new Deployment({ limit: 2, pollsBefore: 3 })
  const r = await evaluate(stub, many(8), ['--max-parallel', '6'])
  assert.equal(r.code, 0, r.err)
  assert.equal(r.report.pass_count, 8)
  assert.equal(stub.most, 2)
  assert.ok(stub.refused >= 1 && stub.refused <= 6, `refused ${stub.refused} times`)
})

test('repeats go on with the next seed; a criterion that is not known never passes', async () => {
  const stub = new Deployment()
  const tasks = [{ task_id: 'a', plan_text: 'Go.', criteria: [{ type: 'status_eq', value: 'succeeded' }] }, { task_id: 'b', plan_text: 'Go on.', criteria: [{ type: 'looks_fine' }] }]
  const r = await evaluate(stub, tasks, ['--repeats', '2', '--seed', '5'])
  assert.equal(r.code, 0, r.err)
  assert.match(r.err, /warning: .*looks_fine/)
  assert.deepEqual(r.report.results.map((t) => [t.task_id, t.repeat || 0, t.outcome.raw.seed, t.passed]),
    [['a', 0, 5, true], ['b', 0, 5, false], ['a', 1, 6, true], ['b', 1, 6, false]])
})

test('what was not carried out is an error; when that is all, nothing is known', async () => {
  const some = await evaluate(new Deployment({ ends: (t) => (t === 't0' ? 'failed' : 'succeeded') }), many(2))
  assert.equal(some.code, 0, some.err)
  assert.deepEqual([some.report.error_count, some.report.pass_count], [1, 1])
  const all = await evaluate(new Deployment({ ends: () => 'failed' }), many(2))
  assert.equal(all.code, 3, all.err)
  const late = await evaluate(Object.assign(new Deployment({ ends: () => 'endless' })), many(1), ['--poll-seconds', '1'])
  assert.equal(late.code, 3)
  assert.match(late.report.results[0].outcome.error, /not over after 1 s/)
})

test('a run that asks a person is ended and counts as not passed', async () => {
  const stub = new Deployment({ ends: () => 'paused' })
  const r = await evaluate(stub, many(1))
  assert.equal(r.code, 0, r.err)
  assert.deepEqual([r.report.results[0].passed, r.report.results[0].outcome.error, r.report.results[0].outcome.status], [false, '', 'paused'])
  assert.deepEqual(stub.cancelled, ['run_0'])
})

test('bad input is 2, nobody there is 3', async () => {
  const stub = new Deployment()
  for (const tasks of [[], [{ task_id: '' }], [{ task_id: 'a' }, { task_id: 'a' }]]) assert.equal((await evaluate(stub, tasks)).code, 2)
  const both = await evaluate(stub, many(1), ['--lora-adapter', 'x', '--challenger-model', 'y'])
  assert.equal(both.code, 2)
  assert.equal((await runCommand(['eval', 'run', '--tasks', taskFile(many(1)), '--runner', 'http://127.0.0.1:1'])).code, 2)
  const intoDir = await evaluate(stub, many(1), ['--output', dir])
  const journal = path.join(dir, 'damaged.json.journal')
  fs.writeFileSync(journal, 'garbage\n')
  const damaged = await evaluate(stub, many(1), ['--output', path.join(dir, 'damaged.json')])
  assert.equal(damaged.code, 2)
  assert.match(damaged.err, /damaged\.json\.journal' line 1 is damaged: .*remove the file to begin anew/)
  assert.equal(fs.readFileSync(journal, 'utf8'), 'garbage\n', 'left as it is')
  assert.deepEqual([intoDir.code, /is a directory: name a file in it/.test(intoDir.err)], [2, true], intoDir.err)
  const secret = await runCommand(['eval', 'run', '--tasks', taskFile(many(1)), '--output', path.join(dir, 'none.json'), '--runner', 'http://me:hunter2@127.0.0.1:1'])
  assert.deepEqual([secret.code, /hunter2/.test(secret.err)], [2, false], 'an address stands in reports')
  const gone = await runCommand(['eval', 'run', '--tasks', taskFile(many(1)), '--output', path.join(dir, 'none.json'), '--runner', 'http://127.0.0.1:1'])
  assert.equal(gone.code, 3, gone.err)
  assert.equal(stub.seen.length, 0)
})

test('killed, it goes on: what was done is not done again, and what ran is followed to its end', async () => {
  const stub = new Deployment({ pollsBefore: 5 })
  const server = await listen({ '': stub })
  const args = ['eval', 'run', '--tasks', taskFile(many(12)), '--output', path.join(dir, 'killed.json'), '--runner', server.url, '--max-parallel', '2']
  try {
    for (const done of [3, 8]) {
      const child = startCommand(args)
      await until(20000 * slow, 'some runs', () => (child.err.match(/^pass/gm) || []).length >= 2 && stub.seen.length >= done && child, 2)
      child.kill('SIGKILL')
      await within(5000, 'end', child.ended)
    }
    fs.appendFileSync(path.join(dir, 'killed.json.journal'), '{"done":"t11","rep')
    const other = await runCommand([...args, '--repeats', '2'])
    assert.equal(other.code, 2)
    assert.match(other.err, /journal of another evaluation/)
    const r = await runCommand(args)
    assert.equal(r.code, 0, r.err)
    assert.match(r.err, /going on: \d+ of 12 runs were done before/)
    assert.match(r.out, /passed 12\/12/)
    const repeated = 12 - new Set(stub.seen.map((s) => s.task)).size
    assert.equal(repeated, 0)
    // A kill between the submission and the journal's line may cost a run each time, never more.
    assert.ok(stub.seen.length <= 12 + 2 * 2, `${stub.seen.length} submissions`)
  } finally { server.close() }
})

test('two at once do not write one journal', async () => {
  const stub = new Deployment({ pollsBefore: 1e9 })
  const server = await listen({ '': stub })
  const args = ['eval', 'run', '--tasks', taskFile(many(1)), '--output', path.join(dir, 'two.json'), '--runner', server.url]
  const first = startCommand(args)
  try {
    await until(10000 * slow, 'a run', () => stub.seen.length)
    const second = await runCommand(args)
    assert.equal(second.code, 2)
    assert.match(second.err, /another `mantis eval run` is writing/)
    first.kill('SIGINT')
    assert.equal(await within(5000 * slow, 'end', first.ended), 130)
    assert.deepEqual(stub.cancelled, ['run_0'])
  } finally { server.close() }
})

// --- for real --------------------------------------------------------------------------------------------------

const claimed = JSON.parse(fs.readFileSync(path.join(root, 'gate/holdout/v1/manifest.json'))).tasks.filter((t) => t.metadata.passed_by?.includes('page')).map((t) => t.task_id)
const few = ['lab.click_fetch.cua', 'marketplace.newsletter_signup.words', 'crm.archive']

// Run IDs of what the journal says is done.
function doneIn(journal) {
  if (!fs.existsSync(journal)) return []
  const whole = fs.readFileSync(journal, 'utf8').split('\n').slice(0, -1).map((l) => JSON.parse(l))
  return whole.filter((l) => l.done).map((l) => l.results[0].outcome.run_id)
}

test('the page brain passes what the holdout says it passes, though the evaluation is killed on the way', { timeout: 1800000 }, async () => {
  const tasks = process.env.MANTIS_SOAK ? claimed : few
  const server = await startServer({ env: { MANTIS_RUNTIME_CONCURRENCY: '3' } })
  const file = path.join(dir, 'holdout.json'), output = path.join(dir, 'page.json')
  const emitted = await runCommand(['holdout', 'emit', '-o', file])
  assert.equal(emitted.code, 0, emitted.err)
  const whole = JSON.parse(fs.readFileSync(file))
  fs.writeFileSync(file, JSON.stringify({ ...whole, tasks: whole.tasks.filter((t) => tasks.includes(t.task_id)) }))
  const start = () => startCommand(['eval', 'run', '--tasks', file, '--output', output, '--runner', server.base, '--max-parallel', '3'], { env: { MANTIS_API_TOKEN: server.token } })
  try {
    const first = start()
    await until(120000 * slow, 'some runs', () => doneIn(`${output}.journal`).length >= Math.ceil(tasks.length / 4))
    first.kill('SIGKILL')
    await within(5000, 'the end of it', first.ended)
    const done = doneIn(`${output}.journal`), second = start()
    assert.equal(await within(1700000, 'the holdout', second.ended), 0, second.err)
    const report = JSON.parse(fs.readFileSync(output))
    assert.deepEqual(report.results.filter((r) => !r.passed).map((r) => [r.task_id, r.outcome.error, r.outcome.raw.oracle]), [])
    assert.equal(report.task_count, tasks.length)
    assert.match(report.about.holdout.digest, /^[0-9a-f]{64}$/)
    assert.equal(report.results[0].outcome.raw.oracle.passed, true)
    const ids = report.results.map((r) => r.outcome.run_id)
    assert.ok(done.length >= 1 && done.every((id) => ids.includes(id)), 'what was done is in the report as it was')
    assert.match(second.err, new RegExp(`going on: ${done.length} of ${tasks.length} runs`))
  } finally { await server.stop() }
})
