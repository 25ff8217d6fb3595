// kill_load.test.mjs - `kill -9` of the server while callers submit, cancel and wait for webhooks: what was
// accepted is there once, whatever moment it died at.
//
// Each caller sends submissions with an idempotency key of their own and repeats what got no answer, as a
// client does. MANTIS_SOAK: 100 kills, else 6.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { after, before, test } from 'node:test'

import { until } from './lib/harness.mjs'
import { TenantServer } from './lib/tenants.mjs'

const kills = process.env.MANTIS_SOAK ? 100 : 6
const callersPerTenant = 6
const caps = { rate_limit_per_minute: 0, max_concurrent_runs: 1000000 }
const suite = [{ type: 'wait', intent: 'wait', params: { seconds: 600 } }]

let server, receiver
const hooks = new Map() // run -> set of delivery ids
const callers = []

before(async () => {
  receiver = http.createServer((req, res) => {
    let text = ''
    req.on('data', (d) => { text += d })
    req.on('end', () => {
      const body = JSON.parse(text)
      const run = `${body.tenant_id} ${body.run_id}`
      hooks.set(run, (hooks.get(run) ?? new Set()).add(req.headers['x-mantis-delivery']))
      res.writeHead(Math.random() < 0.1 ? 500 : 204).end()
    })
  })
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  server = new TenantServer({ acme: caps, rival: caps }, { env: { MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  server.url = `http://127.0.0.1:${receiver.address().port}/hook`
})

after(async () => {
  await server?.stop()
  receiver?.close()
})

// One caller: submissions[i] = {key, body, run (once answered), cancelled}. `alive` ends it.
class Caller {
  constructor(tenant, n) {
    this.tenant = tenant
    this.n = n
    this.sent = []
  }

  async step(i) {
    const s = this.sent[i] ??= { key: crypto.randomUUID(), body: { task_suite: suite, profile_id: `p-${this.n}-${i}`, callback_url: server.url } }
    if (!s.run) {
      const r = await server.as(this.tenant).predict(s.body, { 'Idempotency-Key': s.key })
      assert.equal(r.status, 200, r.text)
      s.run = r.json.run_id
    }
    if (i % 2 && !s.cancelled) {
      const r = await server.as(this.tenant).request('POST', `/v1/runs/${s.run}/cancel`, { reason: 'load' })
      assert.equal(r.status, 200, r.text)
      assert.equal(r.json.status, 'cancelled', 'what was accepted before the kill is there after it')
      s.cancelled = true
    }
  }

  // Until the server is gone. The submission under way is repeated by the next round.
  async work() {
    let i = this.sent.findIndex((s) => !s.run || (this.sent.indexOf(s) % 2 && !s.cancelled))
    if (i < 0) i = this.sent.length
    for (;; i++) {
      try {
        await this.step(i)
      } catch (e) {
        if (e instanceof assert.AssertionError && !/^5/.test(String(e.actual))) throw e
        return
      }
    }
  }
}

// Everything that was answered, asked again; and nothing twice.
async function check() {
  const seen = new Set()
  for (const c of callers)
    for (const s of c.sent.filter((x) => x.run)) {
      const api = server.as(c.tenant)
      const status = await api.request('GET', `/v1/runs/${s.run}/status`)
      assert.equal(status.status, 200, `${s.run}: ${status.text}`)
      if (s.cancelled) assert.equal(status.json.status, 'cancelled', s.run)
      assert.ok(!seen.has(s.run), `${s.run} stands for two keys`)
      seen.add(s.run)
    }
  return seen.size
}

test(`${kills} kills under load lose and double nothing`, { timeout: 3600000 }, async (t) => {
  for (const tenant of ['acme', 'rival'])
    for (let n = 0; n < callersPerTenant; n++) callers.push(new Caller(tenant, n))
  let restarts = 0
  for (let round = 0; round < kills; round++) {
    await server.start()
    restarts++
    const working = callers.map((c) => c.work())
    const lifetime = 100 + Math.random() * 700 // the kill comes at any moment of the load
    await new Promise((r) => setTimeout(r, lifetime))
    await server.kill('SIGKILL')
    await Promise.all(working)
    if (round % 10 === 9) t.diagnostic(`${round + 1} kills, ${callers.reduce((n, c) => n + c.sent.length, 0)} submissions`)
  }
  await server.start()
  for (const c of callers) // the one without an answer
    for (let i = 0; i < c.sent.length; i++) if (!c.sent[i].run) await c.step(i)
  const runs = await check()

  // a key still stands for its run
  for (const c of callers)
    for (const s of c.sent.filter((_, i) => i % 7 === 0)) {
      const again = await server.as(c.tenant).predict(s.body, { 'Idempotency-Key': s.key })
      assert.equal(again.json.run_id, s.run, again.text)
      assert.equal(again.headers.get('idempotency-replayed'), 'true')
    }

  // no run that nobody asked for
  const accepted = callers.flatMap((c) => c.sent).length
  const counted = (await server.request('GET', '/metrics')).text // live runs of all tenants
  const live = [...counted.matchAll(/^mantis_concurrent_runs\{.*\} (\d+)$/gm)].reduce((n, m) => n + Number(m[1]), 0)
  const ended = callers.flatMap((c) => c.sent).filter((s) => s.cancelled).length
  assert.equal(runs, accepted)
  assert.ok(live <= accepted - ended, `${live} live runs, ${accepted - ended} were asked for and not cancelled`)

  // events of every run: from 1, without a gap
  for (const c of callers)
    for (const s of c.sent.filter((_, i) => i % 5 === 0)) {
      const r = await server.as(c.tenant).request('GET', `/v1/runs/${s.run}/events`)
      assert.deepEqual(r.json.events.map((e) => e.seq), r.json.events.map((_, i) => i + 1), s.run)
    }

  // end the rest; each run's one webhook arrives, under one id
  for (const c of callers)
    for (const s of c.sent)
      if (!s.cancelled) await server.as(c.tenant).request('POST', `/v1/runs/${s.run}/cancel`)
  const missing = () => callers.flatMap((c) => c.sent.filter((s) => !hooks.has(`${c.tenant} ${s.run}`)))
  await until(300000, 'the webhooks', () => missing().length === 0, 200)
  for (const [run, ids] of hooks) assert.equal(ids.size, 1, `${run} was told under ${ids.size} ids`)
  t.diagnostic(`${restarts} kills, ${accepted} submissions, ${hooks.size} webhooks: nothing lost, nothing doubled`)
})
