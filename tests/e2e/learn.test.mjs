// graph_learn: a site is looked at, the plan that comes of it is run as it was answered, and its rows are
// the site's own.

import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import test, { after, before } from 'node:test'
import { rowKey, slow, startSite, until } from './lib/harness.mjs'
import { startTenants } from './lib/tenants.mjs'

const objective = 'first 3 boats of private sellers with year, make, model, price, phone'

let site, server, acme
before(async () => {
  site = await startSite('marketplace')
  server = await startTenants({
    acme: { rate_limit_per_minute: 0 }, other: { rate_limit_per_minute: 0 },
    fenced: { allowed_domains: ['shop.example'] }, two: { rate_limit_per_minute: 2 }, looker: { scopes: ['status'] },
  })
  acme = server.as('acme')
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

const learn = (caller, body) => caller.predict({ action: 'graph_learn', ...body })

const viewed = async (s) => (await s.admin('GET', '/__env__/mutations?since=0')).last

async function rowsOf(caller, body) {
  const end = await caller.end(await caller.submit(body), 90000)
  assert.equal(end.status, 'succeeded', JSON.stringify(end))
  const { result } = await caller.result(end.run_id)
  return result.artifacts.find((a) => a.name === 'extracted_rows').data
}

test('the plan that is learnt reads the rows that the site knows', { timeout: 120000 * slow }, async () => {
  const r = await learn(acme, { objective, start_url: `${site.url}/boats/` })
  assert.equal(r.status, 200, r.text)
  const plan = r.json
  assert.equal(plan.mode, 'graph_learn')
  assert.equal(plan.domain, '127.0.0.1')
  assert.equal(plan.phases, 3)
  assert.equal(plan.edges, 3)
  assert.equal(plan.compiled_steps, plan.micro_plan.length)
  assert.match(plan.objective_hash, /^[0-9a-f]{12}$/)
  assert.equal(plan.cached, false)
  for (const step of plan.micro_plan) assert.match(step.intent, /^[A-Z].* /)

  const kinds = (await site.admin('GET', '/__env__/mutations?since=0')).mutations.map((m) => m.kind)
  assert.deepEqual([...new Set(kinds)].sort(), ['results', 'view'], 'learning only reads')

  const status = await acme.status(plan.run_id)
  assert.equal(status.status, 'succeeded')
  assert.equal(status.mode, 'graph_learn')
  assert.ok((await acme.events(plan.run_id)).some((e) => e.kind === 'phase_learnt'))

  const rows = await rowsOf(acme, { task_suite: plan.micro_plan, profile_id: 'learnt' })
  const truth = (await site.admin('GET', '/__env__/oracle?task_id=extract_listings')).rows
  assert.deepEqual(rows.map(rowKey), truth.map(rowKey))
})

test('the same call again is answered at once, and looked at again when asked', async () => {
  const body = { objective: 'titles and prices of 5 boats', start_url: `${site.url}/boats/` }
  const first = (await learn(acme, body)).json
  const seen = await viewed(site)
  const second = (await learn(acme, body)).json
  assert.equal(second.cached, true)
  assert.deepEqual(second.micro_plan, first.micro_plan)
  assert.equal(second.objective_hash, first.objective_hash)
  assert.equal(await viewed(site), seen, 'nothing was opened')
  assert.equal((await learn(acme, { ...body, objective: `  titles and  prices of 5 boats\n` })).json.cached, true)

  const elsewhere = (await learn(acme, { ...body, start_url: `${site.url}/boats/?seller=private` })).json
  assert.equal(elsewhere.cached, false)
  assert.notEqual(elsewhere.objective_hash, first.objective_hash)
  const forced = (await learn(acme, { ...body, force_relearn: true })).json
  assert.equal(forced.cached, false)
  assert.ok(await viewed(site) > seen)

  const theirs = (await learn(server.as('other'), body)).json
  assert.equal(theirs.cached, false, 'what a tenant learnt is its own')
  assert.equal((await server.as('other').predict({ action: 'status', run_id: first.run_id })).status, 404)
})

test('a link of the start page that says what the objective says is followed', { timeout: 120000 * slow }, async () => {
  const plan = (await learn(acme, { plan_text: `${objective} from ${site.url}/` })).json
  assert.equal(plan.micro_plan[0].params.url, `${site.url}/boats/?seller=private`)
  assert.equal(plan.phases, 4)
  assert.deepEqual(plan.unanswered, [])
  const rows = await rowsOf(acme, { task_suite: plan.micro_plan, profile_id: 'linked' })
  const truth = (await site.admin('GET', '/__env__/oracle?task_id=extract_listings')).rows
  assert.deepEqual(rows.map(rowKey), truth.map(rowKey))
})

test('more than one page holds is read page by page', { timeout: 120000 * slow }, async () => {
  const plan = (await learn(acme, { objective: 'titles and prices of the first 20 boats', start_url: `${site.url}/boats/` })).json
  assert.deepEqual(plan.micro_plan.slice(-3).map((s) => s.type), ['extract_rows', 'paginate', 'loop'])
  const rows = await rowsOf(acme, { task_suite: { steps: plan.micro_plan }, profile_id: 'paged' })
  const truth = (await site.admin('GET', '/__env__/rows')).rows
  assert.equal(rows.length, 24)
  const titles = new Set(truth.map((t) => t.title))
  assert.equal(rows.filter((row) => titles.has(row.title)).length, 23, 'all but the one whose page is gone')
})

test('words that nothing on the site answers are told', async () => {
  const plan = (await learn(acme, { objective: 'boats from Atlantis with year and draft', start_url: `${site.url}/boats/` })).json
  assert.deepEqual(plan.unanswered, ['atlantis'])
  assert.deepEqual(plan.missing_fields, ['draft'])
})

test('a page without anything to learn is a 422 that says what was looked for', async () => {
  const r = await learn(acme, { objective: 'boats with year and price', start_url: `${site.url}/help/` })
  assert.equal(r.status, 422)
  assert.match(r.json.detail, /extractor_error.*list of 'boat' with year, price/)
  const id = /run '([^']+)'/.exec(r.json.detail)[1]
  const status = await acme.status(id)
  assert.equal(status.status, 'halted')
  assert.equal(status.halt_reason, 'graph_learn_failed')
})

test('a page that is gone and a site that is down are 422, with the class of the failure', async () => {
  const gone = await learn(acme, { objective, start_url: `${site.url}/nowhere/` })
  assert.equal(gone.status, 422)
  assert.match(gone.json.detail, /bad_url:not_found/)
  const port = await new Promise((resolve) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => { const { port: p } = s.address(); s.close(() => resolve(p)) })
  })
  const down = await learn(acme, { objective, start_url: `http://127.0.0.1:${port}/` })
  assert.equal(down.status, 422)
  assert.match(down.json.detail, /bad_url/)
  assert.equal((await learn(acme, { objective, start_url: `http://127.0.0.1:${port}/` })).status, 422, 'a failure is not kept')
})

test('what is asked wrongly is a 400 and starts nothing', async () => {
  const before = (await acme.request('GET', '/v1/queue')).text
  const cases = [
    [{}, /'objective' or 'plan_text'/],
    [{ objective: '   ' }, /'objective' or 'plan_text'/],
    [{ objective: 'boats' }, /'start_url' is missing/],
    [{ objective: 'boats', start_url: 'ftp://x.example/' }, /'start_url' must be/],
    [{ objective: 'boats', start_url: 'see https://x.example/' }, /'start_url' must be/],
    [{ objective: 'boats', start_url: 7 }, /'start_url'/],
    [{ objective: ['boats'], start_url: site.url }, /'objective'/],
    [{ objective: 'boats', start_url: site.url, run_id: '../x' }, /run_id/],
    [{ objective: 'boats', start_url: site.url, force_relearn: 'maybe' }, /'force_relearn'/],
    [{ objective: 'b'.repeat(9000), start_url: site.url }, /at most/],
    [{ objective: 'boats', start_url: `${site.url}/${'x'.repeat(3000)}` }, /at most/],
  ]
  for (const [body, detail] of cases) {
    const r = await learn(acme, body)
    assert.equal(r.status, 400, r.text)
    assert.match(r.json.detail, detail)
  }
  assert.equal((await acme.request('GET', '/v1/queue')).text, before)
})

test('an internal step is not taken from a plan', async () => {
  const r = await acme.predict({ task_suite: [{ type: 'graph_learn', intent: 'Learn', params: { objective: 'x' } }] })
  assert.equal(r.status, 400)
  assert.match(r.json.detail, /action=graph_learn/)
})

test('scope, allowlist and rate limit are those of a run', async () => {
  assert.equal((await learn(server.as('looker'), { objective, start_url: site.url })).status, 403)
  const fenced = await learn(server.as('fenced'), { objective, start_url: `${site.url}/boats/` })
  assert.equal(fenced.status, 403)
  assert.match(fenced.json.detail, /127\.0\.0\.1/)
  assert.equal((await learn(server.as('fenced'), { objective: `boats of ${site.url}`, start_url: 'http://shop.example/' })).status, 403)

  const body = { objective: 'titles of 3 boats', start_url: `${site.url}/boats/` }
  const [one, two, three] = [await learn(server.as('two'), body), await learn(server.as('two'), body), await learn(server.as('two'), body)]
  assert.equal(one.status, 200, one.text)
  assert.equal(one.headers.get('x-ratelimit-remaining'), '1')
  assert.equal(two.json.cached, true, 'what is known costs a token too')
  assert.equal(three.status, 429)
})

// A site that is slow on purpose: its answer is held until it is let go.
async function held(work) {
  let release
  const gate = new Promise((resolve) => { release = resolve })
  let asked
  const first = new Promise((resolve) => { asked = resolve })
  const s = http.createServer(async (req, res) => {
    if (req.url === '/') { asked(); await gate }
    res.setHeader('Content-Type', 'text/html').end('<title>Pots</title><h1>Pots</h1><ul>' +
      [1, 2, 3, 4].map((n) => `<li><h3><a href="/pot/${n}/">Pot number ${n} of clay</a></h3><p>$${n}5.00</p></li>`).join('') + '</ul>')
  })
  await new Promise((resolve) => s.listen(0, '127.0.0.1', resolve))
  try {
    await work(`http://127.0.0.1:${s.address().port}/`, first, release)
  } finally {
    release()
    s.closeAllConnections()
    s.close()
  }
}

test('who hangs up ends the wait; the run goes on and its plan is there', { timeout: 60000 * slow }, async () => {
  await held(async (url, first, release) => {
    const abort = new AbortController()
    const body = { action: 'graph_learn', objective: 'titles and prices of pots', start_url: url }
    const call = fetch(acme.base + '/v1/predict', {
      method: 'POST', signal: abort.signal, body: JSON.stringify(body),
      headers: { 'X-Mantis-Token': acme.token, 'Content-Type': 'application/json' },
    })
    await first
    abort.abort()
    await assert.rejects(call)
    release()
    const kept = await until(30000 * slow, 'the plan', async () => {
      const r = await acme.predict(body)
      return r.status === 200 && r.json
    }, 200)
    assert.equal(kept.cached, true, JSON.stringify(kept))
    assert.deepEqual(kept.micro_plan.map((s) => s.type).filter((t) => t.startsWith('extract_')).at(-1), 'extract_rows')
  })
})

test('a run that learns can be cancelled, and its caller is told', { timeout: 60000 * slow }, async () => {
  await held(async (url, first) => {
    const id = 'pots.to.cancel'
    const call = learn(acme, { objective: 'titles and prices of pots to cancel', start_url: url, run_id: id, profile_id: 'cancel' })
    await Promise.race([first, call.then((r) => assert.fail(`answered before it looked: ${r.status} ${r.text}`))])
    assert.equal((await acme.predict({ action: 'cancel', run_id: id })).status, 200)
    const r = await call
    assert.equal(r.status, 422)
    assert.match(r.json.detail, /cancel/)
    assert.match(r.json.detail, new RegExp(id))
  })
})
