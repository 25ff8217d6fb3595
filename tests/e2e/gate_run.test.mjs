// `mantis gate run` over deployments that only answer, with models of known skill: who is promoted, who is not, how
// often, and when nothing can be said. MANTIS_SOAK=1: 200 gate runs of each kind instead of a sample.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import test from 'node:test'
import { chromium, mistakes, playwright, startBrowser } from './lib/browser.mjs'
import { runCommand } from './lib/command.mjs'
import { startCoinModel } from './lib/coin_model.mjs'
import { chance, Deployment, listen } from './lib/deployment.mjs'
import { slow, startServer, tempDir, until } from './lib/harness.mjs'
import { needs } from './lib/npm.mjs'

const dir = tempDir('gate')
const N = 60, ALPHA = 0.05
let serial = 0

function taskFile(n, more = {}) {
  const file = path.join(dir, `tasks-${serial++}.json`)
  const tasks = Array.from({ length: n }, (_, i) => ({ task_id: `t${i}`, plan_text: `t${i}`, metadata: { type: i % 2 ? 'odd' : 'even' } }))
  fs.writeFileSync(file, JSON.stringify({ tasks, ...more }))
  return file
}

// skill: share of tasks that pass, or which of them. The same seed and arm pass the same tasks.
const model = (name, skill, seed = 0, more = {}) => new Deployment({ model: name, ends: (task) =>
  ((typeof skill === 'number' ? chance(seed, name, task) < skill : skill(Number(task.slice(1)))) ? 'succeeded' : 'halted'), ...more })

async function gate(champion, challenger, tasks, more = [], env = {}) {
  const server = await listen({ '/champion': champion, '/challenger': challenger })
  const output = path.join(dir, `verdict-${serial++}.json`)
  try {
    const r = await runCommand(['gate', 'run', '--champion-endpoint', `${server.url}/champion`, '--eval-endpoint', `${server.url}/challenger`,
      '--tasks', tasks, '--output', output, '--max-parallel', '16', ...more], { env })
    const file = fs.existsSync(output) ? JSON.parse(fs.readFileSync(output)) : null
    return { ...r, file, verdict: file?.verdict, last: r.out.trim().split('\n').at(-1) }
  } finally { server.close() }
}

test('a better challenger is promoted: 0, and the file says why', async () => {
  const champion = model('old', (i) => i % 3 > 0), challenger = model('new', () => true, 0, { cost: 0.012 })
  const report = path.join(dir, 'both')
  const r = await gate(champion, challenger, taskFile(30), ['--report', report], { MANTIS_CHAMPION_TOKEN: 'of-the-champion', MANTIS_EVAL_TOKEN: 'of-the-challenger' })
  assert.equal(r.code, 0, r.out + r.err)
  assert.match(r.last, /^PROMOTE — /)
  assert.deepEqual([r.verdict.promote, r.verdict.n_compared, r.verdict.mean_delta.toFixed(4)], [true, 30, '0.3333'])
  assert.ok(Math.abs(r.verdict.champion_cost - 0.3) < 1e-6 && Math.abs(r.verdict.challenger_cost - 0.36) < 1e-6, 'costs come from the results')
  assert.deepEqual(Object.keys(r.file).sort(), ['challenger_model', 'lora_adapter', 'results', 'verdict'])
  assert.equal(r.file.results.length, 60)
  const one = r.file.results.find((t) => t.task_id === 't0' && t.arm === 'champion')
  assert.deepEqual([one.terminal_status, one.oracle_passed, one.infra_failed], ['halted', false, false])
  for (const [arm, stub] of [['champion', champion], ['challenger', challenger]]) {
    const profiles = stub.seen.map((s) => s.body.profile_id)
    assert.ok(profiles.every((p) => new RegExp(`^gate-${arm}-t\\d+-[0-9a-f]{8}$`).test(p)), profiles[0])
    assert.equal(new Set(profiles.map((p) => p.split('-').at(-1))).size, 1, 'one tag per invocation')
    assert.ok(stub.seen.every((s) => s.headers['x-mantis-token'] === `of-the-${arm}`))
    assert.ok(stub.seen.every((s) => s.body.max_cost === 2 && s.body.max_steps === 25 && s.body.max_time_minutes === 12 && s.body.detached))
  }
  const html = fs.readFileSync(path.join(report, 'report.html'), 'utf8')
  assert.match(html, /PROMOTE — .*Where the arms differ/s)
  assert.doesNotMatch(html, /<script|<link|<img|url\(|@import/)
  const again = await runCommand(['gate', 'run', '--champion-report', path.join(report, 'champion.json'), '--challenger-report', path.join(report, 'challenger.json')])
  assert.equal(again.code, 0, again.out + again.err)
  assert.match(again.out.trim().split('\n').at(-1), /^PROMOTE — /, 'reports that are there are read')
})

test('the page of a report asks nobody for anything, fits a phone, can be read by all, and shows names as text', { ...needs(playwright, chromium), timeout: 120000 * slow }, async () => {
  const file = path.join(dir, 'names.json'), out = path.join(dir, 'page')
  const name = '<img src="http://elsewhere.example/x">&"\''
  fs.writeFileSync(file, JSON.stringify(Array.from({ length: 12 }, (_, i) => ({ task_id: i ? `t${i}` : name, plan_text: `t${i}`, metadata: { type: i % 2 ? 'odd' : name } }))))
  const r = await gate(model('old', (i) => i % 2), model('<b>new</b>', () => true), file, ['--report', out])
  assert.equal(r.code, 0, r.out + r.err)
  const server = http.createServer((req, res) => { res.setHeader('Content-Type', 'text/html'); res.end(fs.readFileSync(path.join(out, 'report.html'))) })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await startBrowser()
  try {
    const page = await browser.open(`http://127.0.0.1:${server.address().port}/`, { viewport: { width: 360, height: 700 } })
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    assert.equal(await page.locator('img, script, b').count(), 0)
    assert.ok(await page.getByText(name, { exact: true }).count() > 0)
    assert.equal(await page.locator('tbody a').count(), 36, 'six tasks that differ and all runs lead to the console')
    assert.deepEqual(await mistakes(page), [])
    page.clean()
  } finally {
    await browser.close()
    server.close()
  }
})

test('an equal one, a worse one, and a dear one are held: 1', async () => {
  const tasks = taskFile(20)
  const equal = await gate(model('old', () => true), model('new', () => true), tasks)
  assert.deepEqual([equal.code, equal.verdict.promote], [1, false], equal.out)
  assert.match(equal.last, /^HOLD — /)
  const worse = await gate(model('old', () => true), model('new', (i) => i > 4), tasks)
  assert.equal(worse.code, 1)
  assert.deepEqual(worse.verdict.regressions, ['t0', 't1', 't2', 't3', 't4'])
  const dear = await gate(model('old', (i) => i % 2), model('new', () => true, 0, { cost: 0.02 }), tasks)
  assert.equal(dear.code, 1)
  assert.match(dear.verdict.reason, /cost/)
})

test('what did not run makes it inconclusive: 3, each named', async () => {
  const challenger = model('new', () => true)
  challenger.ends = (task) => (task === 't3' ? 'failed' : 'succeeded')
  const r = await gate(model('old', (i) => i % 2), challenger, taskFile(20))
  assert.equal(r.code, 3, r.out)
  assert.match(r.err, /challenger t3/)
  assert.match(r.err, /run the gate again/)
  assert.equal(r.file.results.find((t) => t.task_id === 't3' && t.arm === 'challenger').infra_failed, true)
})

test('one model on both sides, or another holdout, is not compared', async () => {
  const twin = model('old', () => true)
  const same = await gate(model('old', () => false), twin, taskFile(10))
  assert.deepEqual([same.code, twin.seen.length], [3, 0], 'known before anything runs')
  assert.match(same.last, /INCONCLUSIVE — .*old/)
  const reports = []
  for (const digest of ['a', 'b']) {
    const tasks = taskFile(10, { holdout: { name: 'h', version: 1, digest } }), out = path.join(dir, `of-${digest}`)
    const r = await gate(model('old', () => false), model(`new-${digest}`, () => true), tasks, ['--report', out])
    assert.equal(r.code, 0, r.out)
    assert.equal(r.file.holdout.digest, digest)
    reports.push(out)
  }
  const mixed = await runCommand(['gate', 'run', '--champion-report', path.join(reports[0], 'champion.json'), '--challenger-report', path.join(reports[1], 'challenger.json')])
  assert.equal(mixed.code, 3, mixed.out)
})

test('a sanity run: the champion against itself is warned of and held', async () => {
  const stub = model('old', 0.7)
  const server = await listen({ '': stub })
  const r = await runCommand(['gate', 'run', '--tasks', taskFile(10)], { env: { MANTIS_CHAMPION_ENDPOINT: server.url } })
  server.close()
  assert.equal(r.code, 1, r.err)
  assert.match(r.err, /warning: a sanity run/)
  assert.equal(stub.seen.length, 20)
  assert.match(r.out, /^\{/, 'without --output the verdict is printed')
  assert.match(r.out.trim().split('\n').at(-1), /^HOLD — /)
})

test('usage errors are 2; the tasks of the holdout can be written without a deployment', async () => {
  for (const args of [[], ['--champion-endpoint', 'http://127.0.0.1:1', '--lora-adapter', 'a', '--challenger-model', 'b'],
    ['--champion-endpoint', 'http://127.0.0.1:1', '--task', 'crm.nope'], ['--champion-endpoint', 'http://127.0.0.1:1', '--max-parallel', '0'],
    ...['--alpha=0', '--alpha=nan', '--alpha=1.5', '--max-infra-failures=-1', '--min-pairs=-1', '--max-regressions=-1'].map((f) => ['--champion-endpoint', 'http://127.0.0.1:1', ...f.split('=')])]) {
    const r = await runCommand(['gate', 'run', ...args])
    assert.equal(r.code, 2, `${args}: ${r.err}`)
  }
  const plain = path.join(dir, 'plain')
  fs.mkdirSync(plain)
  fs.writeFileSync(path.join(plain, 'a.txt'), 'Go.')
  fs.writeFileSync(path.join(plain, 'manifest.json'), JSON.stringify({ name: 'plain', version: 1, tasks: [{ task_id: 'a', plan: 'a.txt', metadata: { split: 'sealed' } }] }))
  assert.equal((await runCommand(['holdout', 'freeze', plain])).code, 0)
  for (const [more, says] of [[['--v2', '--holdout', plain], /plain has no set 'v2'/], [['--v2', '--task', 'crm.archive'], /one of them/]]) {
    const r = await runCommand(['gate', 'run', '--emit-tasks', path.join(dir, 'none.json'), ...more])
    assert.equal(r.code, 2, r.out)
    assert.match(r.err, says)
  }
  const gone = await runCommand(['gate', 'run', '--champion-endpoint', 'http://127.0.0.1:1', '--task', 'crm.archive'])
  assert.equal(gone.code, 3, gone.err)
  for (const [more, n] of [[[], 60], [['--v2'], 8], [['--task', 'crm.archive', '--task', 'shop.sold_out'], 2]]) {
    const file = path.join(dir, `emitted-${serial++}.json`)
    const r = await runCommand(['gate', 'run', '--emit-tasks', file, ...more])
    assert.equal(r.code, 0, r.err)
    const { tasks, holdout } = JSON.parse(fs.readFileSync(file))
    assert.ok(n === 60 ? tasks.length >= n : tasks.length === n, `${tasks.length} tasks`)
    assert.ok(tasks.every((t) => t.micro_plan || t.plan_text || t.metadata.mode === 'cua'))
    assert.match(holdout.digest, /^[0-9a-f]{64}$/)
    if (!more.length) assert.ok(tasks.every((t) => t.metadata.split === 'sealed'))
  }
})

// A practice site that writes down what is asked of it; the oracle says what `passes` says of the run before it.
async function toySite(passes) {
  const asked = []
  const server = http.createServer((req, res) => {
    let body = ''
    req.on('data', (d) => { body += d })
    req.on('end', () => {
      asked.push(`${req.method} ${req.url} ${body}`.trim())
      const known = req.headers['x-env-admin'] === 'token-of-the-site'
      const verdict = req.url.includes('oracle') ? passes() : { ok: true }
      res.writeHead(known && verdict ? 200 : 500, { 'Content-Type': 'application/json' })
      res.end(JSON.stringify(known && verdict ? verdict : { detail: 'broken' }))
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, asked, close: () => { server.close(); server.closeAllConnections() } }
}

test('arms that share a site follow each other, each after a reset to the task\'s seed, and its oracle decides', async () => {
  let asked = 0
  const site = await toySite(() => (asked++ % 2 ? { passed: true, score: 1, reasons: [] } : { passed: false, score: 0, reasons: ['nothing was sent'] }))
  const stubs = [model('old', () => true, 0, { pollsBefore: 2 }), model('new', () => true, 0, { pollsBefore: 2 })]
  const file = path.join(dir, 'toy.json')
  fs.writeFileSync(file, JSON.stringify(Array.from({ length: 6 }, (_, i) => ({ task_id: `t${i}`, plan_text: `Open {env_url}/${i}`,
    metadata: { env: 'mantis_toy', oracle_task_id: `o${i}`, seed: 7, before: ['POST /__env__/trust'] } }))))
  const r = await gate(stubs[0], stubs[1], file, ['--site', `toy=${site.url}/`], { TOY_ADMIN_TOKEN: 'token-of-the-site' })
  site.close()
  assert.equal(r.code, 0, r.out + r.err)
  assert.equal(site.asked.length, 36)
  for (let i = 0; i < 36; i += 3) {
    assert.deepEqual(site.asked.slice(i, i + 2), ['POST /__env__/reset {"seed":7}', 'POST /__env__/trust'])
    assert.match(site.asked[i + 2], /^GET \/__env__\/oracle\?task_id=o\d$/)
  }
  assert.ok(stubs.every((s) => s.most === 1 && s.seen.every((x) => x.body.plan_text.startsWith(`Open ${site.url}/`))))
  assert.ok(r.file.results.every((t) => t.terminal_status === 'succeeded' && t.oracle_passed === (t.arm === 'challenger')))
})

test('a site that is not there, or an oracle that breaks, is no verdict on the model', async () => {
  const file = path.join(dir, 'broken.json')
  fs.writeFileSync(file, JSON.stringify([{ task_id: 't0', plan_text: 'Go.', metadata: { env: 'mantis_toy', oracle_task_id: 'o' } }]))
  const site = await toySite(() => null)
  const broken = await gate(model('old', () => true), model('new', () => true), file, ['--site', `toy=${site.url}`], { ENV_ADMIN_TOKEN: 'token-of-the-site' })
  site.close()
  assert.equal(broken.code, 3, broken.out)
  assert.match(broken.file.results[0].error, /the site's oracle/)
  const unknown = await gate(model('old', () => true), model('new', () => true), file)
  assert.equal(unknown.code, 3)
  assert.match(unknown.file.results[0].error, /practice site.*toy/)
  const tokenless = await gate(model('old', () => true), model('new', () => true), file, ['--site', `toy=${site.url}`])
  assert.equal(tokenless.code, 2)
  assert.match(tokenless.err, /ENV_ADMIN_TOKEN/)
  for (const address of ['elsewhere', 'ftp://a.test', 'http://127.0.0.1:1/"'])
    assert.match((await gate(model('old', () => true), model('new', () => true), file, ['--site', `toy=${address}`], { ENV_ADMIN_TOKEN: 't' })).err, /--site takes NAME=URL/)
})

// --- for real ------------------------------------------------------------------------------------------------------

// A server whose model is told by a coin, of this skill, whether it can do a task.
async function startCoinServer(name, skill) {
  const can = (task) => chance('real', name, String(task)) < skill
  const coin = await startCoinModel(can)
  const server = await startServer({ env: { MANTIS_BRAIN: 'holo3', MANTIS_MODEL_URL: coin.url, MANTIS_MODEL_TAG: name, MANTIS_RUNTIME_CONCURRENCY: '2' } })
  await until(10000 * slow, 'ready', async () => (await fetch(`${server.base}/health`)).status === 200)
  return { can, server, stop: async () => { await server.stop(); coin.stop() } }
}

test('two real servers with models of known skill: the oracle sees what each could do, whatever it says of itself', { timeout: 300000 }, async () => {
  const n = process.env.MANTIS_SOAK ? 24 : 3, output = path.join(dir, 'real.json'), file = path.join(dir, 'coins.json')
  fs.writeFileSync(file, JSON.stringify(Array.from({ length: n }, (_, i) => ({ task_id: `lab.coin.${i}`, task_text: `Press the button (task ${i})`, max_steps: 8,
    metadata: { mode: 'cua', env: 'mantis_lab', oracle_task_id: 'click_fetch', start_path: '/lab/click?effect=fetch', type: 'navigate' } }))))
  const arms = { champion: await startCoinServer('old', 0.7), challenger: await startCoinServer('new', 0.85) }
  try {
    const r = await runCommand(['gate', 'run', '--champion-endpoint', arms.champion.server.base, '--eval-endpoint', arms.challenger.server.base, '--tasks', file, '--output', output,
      '--max-steps', '8'], { ms: 280000, env: { MANTIS_CHAMPION_TOKEN: arms.champion.server.token, MANTIS_EVAL_TOKEN: arms.challenger.server.token } })
    const { results, verdict } = JSON.parse(fs.readFileSync(output))
    const could = results.map((t) => [t.task_id, t.arm, arms[t.arm].can(Number(t.task_id.split('.').at(-1)))])
    assert.deepEqual(results.map((t) => [t.task_id, t.arm, t.oracle_passed]), could, r.err)
    assert.ok(results.every((t) => t.run_id && !t.infra_failed))
    const better = could.filter(([id, arm, can]) => arm === 'challenger' && can && !arms.champion.can(Number(id.split('.').at(-1)))).length
    assert.deepEqual([verdict.n_compared, verdict.exact_test.wins], [n, better], JSON.stringify(verdict))
    assert.equal(verdict.promote, r.code === 0)
  } finally { for (const arm of Object.values(arms)) await arm.stop() }
})

// --- how often ---------------------------------------------------------------------------------------------------

const logFactorial = [0]
for (let i = 1; i <= 2000; i++) logFactorial[i] = logFactorial[i - 1] + Math.log(i)
const choose = (n, k) => logFactorial[n] - logFactorial[k] - logFactorial[n - k]
const power = (p, k) => (k === 0 ? 0 : k * Math.log(p))
const binomial = (n, k, p) => Math.exp(choose(n, k) + power(p, k) + power(1 - p, n - k))
const tail = (n, k, p) => { let sum = 0; for (let i = k; i <= n; i++) sum += binomial(n, i, p); return sum }
const trinomial = (n, w, l, pw, pl) => Math.exp(choose(n, w) + choose(n - w, l) + power(pw, w) + power(pl, l) + power(1 - pw - pl, n - w - l))

// The rule of the documentation, written a second time: wins and losses of N tasks.
function promoted(w, l) {
  if ((w - l) / N < 0.02 || (N - l) / N < 0.5 || tail(w + l, w, 0.5) > ALPHA) return false
  let better = 0
  for (let a = 0; a <= N; a++) for (let b = 0; b < a && a + b <= N; b++) better += trinomial(N, a, b, w / N, l / N)
  return better >= 0.95
}

function promotionRate(p, q) {
  const pw = q * (1 - p), pl = p * (1 - q)
  let rate = 0
  for (let w = 0; w <= N; w++) for (let l = 0; w + l <= N; l++) {
    const likely = trinomial(N, w, l, pw, pl)
    if (likely > 1e-12 && promoted(w, l)) rate += likely
  }
  return rate
}

// Counts of n that a rate makes in all but one case in a thousand.
function range(n, rate) {
  let low = 0, high = n
  while (tail(n, low + 1, rate) > 1 - 0.0005) low++
  while (high > 0 && tail(n, high, rate) < 0.0005) high--
  return [low, high]
}

const runs = process.env.MANTIS_SOAK ? 200 : 20

async function promotions(p, q) {
  const tasks = taskFile(N)
  let promotions = 0
  for (let seed = 0; seed < runs; seed += 4)
    await Promise.all([0, 1, 2, 3].map(async (i) => {
      const r = await gate(model('old', p, seed + i), model('new', q, seed + i), tasks, ['--max-regressions', String(N), '--alpha', String(ALPHA)])
      assert.ok(r.code === 0 || r.code === 1, r.out + r.err)
      assert.equal(r.verdict.promote, r.code === 0)
      promotions += r.code === 0
    }))
  return promotions
}

test('a challenger of 85 % against a champion of 70 % is promoted as often as the statistics say', { timeout: 900000 }, async (t) => {
  const rate = promotionRate(0.7, 0.85), [low, high] = range(runs, rate), n = await promotions(0.7, 0.85)
  t.diagnostic(`${n} of ${runs} promoted; the statistics say ${(rate * 100).toFixed(1)} %, ${low} to ${high}`)
  assert.ok(n >= low && n <= high)
})

test('an equal challenger is promoted no more often than the stated error rate', { timeout: 900000 }, async (t) => {
  const rate = promotionRate(0.7, 0.7), n = await promotions(0.7, 0.7)
  assert.ok(rate <= ALPHA, `the rule itself keeps it: ${rate}`)
  t.diagnostic(`${n} of ${runs} promoted; the statistics say ${(rate * 100).toFixed(1)} %, at most ${ALPHA * 100} %`)
  assert.ok(n <= range(runs, ALPHA)[1])
})
