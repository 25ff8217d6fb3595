// faults_clock.test.mjs - the wall clock jumps a day forwards and backwards under a running server: what counts
// time by it goes on, what must rise rises, what was promised is kept. The clock is that of faketime, which
// the server alone sees; without it (Debian package faketime) the test is skipped and says so.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { after, before, test } from 'node:test'

import { slow, until } from './lib/harness.mjs'
import { FakeClock, logLines, metric, Vitals } from './lib/faults.mjs'
import { neverWas, queued, rateHeaders, roomy, takeSlot, wait } from './lib/plans.mjs'
import { newToken, startTenants } from './lib/tenants.mjs'

const { skip } = FakeClock.needed('clocks that jump are')

const HOUR = 3600
let server, acme, vitals, clock, receiver, run
const hooks = []
const answers = [] // of the receiver, in order; 204 when there is none

before(async () => {
  if (skip) return
  receiver = http.createServer((req, res) => {
    req.resume().on('end', () => { hooks.push(req.headers['x-mantis-delivery']); res.writeHead(answers.shift() ?? 204).end() })
  })
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  receiver.url = `http://127.0.0.1:${receiver.address().port}/`
  clock = new FakeClock()
  server = await startTenants({ acme: { ...roomy, max_concurrent_runs: 1000 }, limited: { ...roomy, rate_limit_per_minute: 30 } }, {
    env: { ...clock.env, MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' },
  })
  acme = server.as('acme')
  run = await takeSlot(acme) // it really runs meanwhile, with a cap of an hour; all others are queued
  await until(30000 * slow, 'the run to run', async () => (await acme.status(run)).status === 'running', 50)
  vitals = new Vitals(server)
})
after(async () => {
  if (skip) return
  await vitals.well()
  await server?.stop()
  receiver.close()
  clock.remove()
})

const jump = (seconds) => clock.jump(seconds)
const jumps = [0, 23 * HOUR, 24 * HOUR, 0, -24 * HOUR, 48 * HOUR, -24 * HOUR]
const serverTime = async () => new Date((await server.request('GET', '/health')).headers.get('date')).getTime()

test('the jumps are seen by the server', { skip }, async () => {
  for (const seconds of jumps) {
    jump(seconds)
    // its Date header is made anew once a second
    await until(3000 * slow, `the clock at ${seconds}`, async () => Math.abs((await serverTime()) - Date.now() - seconds * 1000) < 5000, 50)
  }
})

test('a rate bucket neither fills nor stalls', { skip }, async () => {
  const limited = server.as('limited')
  const submit = () => limited.predict({ detached: true, task_suite: wait(600), profile_id: crypto.randomUUID() })
  jump(0)
  let r
  for (let i = 0; i < 40 && (r = await submit()).status === 200; i++);
  assert.equal(r.status, 429, r.text)
  for (const seconds of jumps.slice(1)) {
    jump(seconds)
    const again = await submit()
    const granted = again.status === 200 ? 1 : 0 // two seconds may have gone by
    assert.ok(rateHeaders(again)[1] <= 1, 'it is not full')
    const next = granted ? await submit() : again
    assert.equal(next.status, 429, next.text)
    assert.ok(Number(next.headers.get('retry-after')) <= 4, 'it does not wait for the clock')
    const now = (await serverTime()) / 1000
    assert.ok(Math.abs(rateHeaders(next)[2] - now) < 70, `full again at ${rateHeaders(next)[2]}, it is ${now}`)
  }
  await until(5000 * slow, 'a token', async () => (await submit()).status === 200, 200)
})

test('run ids are unique, events rise strictly, streams and cursors go on', { skip }, async () => {
  jump(0)
  const followed = await queued(acme)
  const reply = await fetch(`${server.base}/v1/runs/${followed}/events?sse=true`, { headers: { 'X-Mantis-Token': acme.token } })
  let text = ''
  const ended = (async () => { for await (const chunk of reply.body) text += Buffer.from(chunk) })()
  const ids = new Set([run, followed])
  let n = 2, cursor = ''
  for (const seconds of jumps) {
    jump(seconds)
    await Promise.all(Array.from({ length: 15 }, async () => { ids.add(await queued(acme)); n++ }))
    for (const action of ['pause', 'resume']) {
      const r = await acme.predict({ action, run_id: followed, reason: `at ${seconds}` })
      assert.equal(r.status, 200, r.text)
    }
    const { events } = (await acme.request('GET', `/v1/runs/${followed}/events?since=${encodeURIComponent(cursor)}`)).json
    assert.ok(events.length >= 2, `events after '${cursor}' at ${seconds}`)
    cursor = events.at(-1).ts
    const phase = (await acme.request('GET', `/v1/runs/${run}`)).json
    assert.equal(phase.phase, 'running', `the run that runs goes on at ${seconds}: ${JSON.stringify(phase)}`)
  }
  assert.equal(ids.size, n)
  const { events } = (await acme.request('GET', `/v1/runs/${followed}/events`)).json
  assert.deepEqual(events.map((e) => e.seq), events.map((_, i) => i + 1))
  for (let i = 1; i < events.length; i++) assert.ok(events[i].ts > events[i - 1].ts, `${events[i - 1].ts} then ${events[i].ts}`)
  await acme.request('POST', `/v1/runs/${followed}/cancel`)
  await ended
  assert.match(text, /event: terminal/)
  const sent = [...text.matchAll(/^id: (\S+)/gm)].map((m) => m[1])
  assert.equal(new Set(sent).size, sent.length)
  assert.ok(sent.length >= 2 * jumps.length, text)
  assert.equal((await acme.request('GET', `/v1/runs/${neverWas}`)).status, 404)
})

test('idempotency keys stand for their run through jumps within their day', { skip }, async () => {
  const submit = (key) => acme.predict({ task_suite: wait(600), profile_id: `key-${key}` }, { 'Idempotency-Key': key })
  for (const [from, to] of [[0, 23 * HOUR], [24 * HOUR, 0], [0, -24 * HOUR], [48 * HOUR, -24 * HOUR]]) {
    const key = crypto.randomUUID()
    jump(from)
    const first = await submit(key)
    assert.equal(first.status, 200, first.text)
    jump(to)
    const again = await submit(key)
    assert.equal(again.json.run_id, first.json.run_id, `from ${from} to ${to}: ${again.text}`)
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
  }
})

test('webhooks are sent when they are due, whatever the clock says meanwhile', { skip }, async () => {
  for (const [from, to] of [[0, 24 * HOUR], [24 * HOUR, 0], [0, -24 * HOUR], [48 * HOUR, -24 * HOUR]]) {
    jump(from)
    const before = hooks.length
    answers.push(500)
    const told = await queued(acme, { callback_url: receiver.url })
    await acme.request('POST', `/v1/runs/${told}/cancel`)
    await until(10000 * slow, 'the first attempt', () => hooks.length === before + 1)
    jump(to)
    await until(10000 * slow, `the second attempt, from ${from} to ${to}`, () => hooks.length === before + 2)
    assert.equal(hooks.at(-1), hooks.at(-2))
    const [d] = await until(5000 * slow, 'its outcome', async () => {
      const { deliveries } = (await acme.request('GET', `/v1/runs/${told}/webhook`)).json
      return deliveries[0].state === 'delivered' && deliveries
    }, 20)
    assert.equal(d.attempts, 2)
  }
})

test('webhooks that waited when the server ended with its clock ahead are sent by the next one', { skip }, async () => {
  jump(48 * HOUR)
  answers.push(500)
  const before = hooks.length
  const told = await queued(acme, { callback_url: receiver.url })
  await acme.request('POST', `/v1/runs/${told}/cancel`)
  await until(10000 * slow, 'the first attempt', () => hooks.length === before + 1)
  await server.kill('SIGKILL')
  jump(0)
  await server.start()
  vitals = new Vitals(server)
  await until(10000 * slow, 'the second attempt', () => hooks.length === before + 2)
  assert.equal((await acme.request('GET', `/v1/runs/${told}`)).json.phase, 'cancelled')
  const next = await queued(acme) // whose events come after all those of the future
  assert.equal((await acme.request('GET', `/v1/runs/${next}`)).json.phase, 'queued')
})

test('a keys file that changes counts, whatever the clock says', { skip }, async () => {
  const tenants = { acme: roomy }
  for (const seconds of [24 * HOUR, -24 * HOUR, 0]) {
    jump(seconds)
    const name = `extra${seconds}`
    tenants[name] = roomy
    server.writeKeys(tenants)
    await until(5000 * slow, `the new token at ${seconds}`, async () => (await server.as(name).request('GET', '/v1/queue')).status === 200, 50)
  }
  assert.equal((await server.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': newToken() })).status, 401)
})

test('the server has nothing to complain about but the clock', { skip }, async () => {
  jump(0)
  const bad = logLines(server).filter((l) => l.level === 'ERROR')
  assert.deepEqual(bad, [])
  assert.equal(metric((await server.request('GET', '/metrics')).text, 'mantis_tenant_keys_load_errors_total'), 0)
})
