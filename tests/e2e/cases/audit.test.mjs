// The audit line: one for every call that was let in, with words that are fixed, and one for every refusal.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { neverWas, queued, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { Receiver } from '../lib/receiver.mjs'
import { newToken, startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const hook = await new Receiver().start()
  const server = await startTenants({
    acme: roomy, busy: roomy, other: roomy,
    watcher: { ...roomy, tenant_id: 'acme', scopes: ['status'] },
    fetcher: { ...roomy, tenant_id: 'acme', scopes: ['result'] },
    reader: { ...roomy, tenant_id: 'acme', scopes: ['logs'] },
    slowly: { rate_limit_per_minute: 1 }, single: { ...roomy, max_concurrent_runs: 1 }, fenced: { ...roomy, allowed_domains: ['shop.example'] },
  }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  await takeSlot(server.as('busy'))
  return { hook, server, acme: server.as('acme'), run: await queued(server.as('acme')) }
}

const stop = async (g) => {
  await g.server.stop()
  await g.hook.stop()
}

const parsed = (server) => server.child.log.split('\n').filter(Boolean).map((l) => JSON.parse(l))
const linesOf = (server, requestId) => parsed(server).filter((l) => l.request_id === requestId)

// The lines of one call, once they are there.
async function lines(server, reply) {
  const id = reply.headers.get('x-request-id')
  await until(5000 * slow, `a log line of request ${id}`, () => linesOf(server, id).length)
  return linesOf(server, id)
}

async function oneLine(server, reply, msg, more = {}) {
  const list = await lines(server, reply)
  assert.equal(list.length, 1, JSON.stringify(list))
  const [line] = list
  if (msg instanceof RegExp) assert.match(line.msg, msg)
  else assert.equal(line.msg, msg)
  assert.equal(line.logger, 'mantis.server')
  assert.equal(line.level, 'INFO')
  assert.equal(line.client, '127.0.0.1')
  for (const [k, v] of Object.entries(more)) assert.equal(line[k], v, k)
  return line
}

// [what, method, path, body, action]; the run is in the path or the body
const shorthands = (id) => [
  ['GET', `/v1/runs/${id}/status`, undefined, 'status'],
  ['GET', `/v1/runs/${id}/result`, undefined, 'result'],
  ['POST', '/v1/predict', { action: 'status', run_id: id }, 'status'],
  ['POST', '/v1/predict', { action: 'result', run_id: id }, 'result'],
  ['POST', '/v1/predict', { action: 'logs', run_id: id }, 'logs'],
  ['POST', '/v1/predict', { action: 'reasoning_trace', run_id: id }, 'reasoning_trace'],
  ['POST', '/predict', { action: 'status', run_id: id }, 'status'],
]

const changes = [['pause', (id) => ['POST', '/v1/predict', { action: 'pause', run_id: id }]], ['resume', (id) => ['POST', '/v1/predict', { action: 'resume', run_id: id }]],
  ['cancel', (id) => ['POST', '/v1/predict', { action: 'cancel', run_id: id }]], ['cancel', (id) => ['POST', `/v1/runs/${id}/cancel`, { reason: 'ops-7' }]]]

// [what, who, call, status, tenant in the line]
const refusals = [
  ['no JSON', 'acme', ['POST', '/v1/predict', '{'], 400, 'acme'],
  ['a bad option', 'acme', ['POST', '/v1/predict', { task_suite: wait(), video_fps: 99 }], 400, 'acme'],
  ['no token of anybody', 'nobody-has-this-token', ['POST', '/v1/predict', {}], 401, undefined],
  ['a missing scope', 'watcher', ['POST', '/v1/predict', { task_suite: wait() }], 403, 'acme'],
  ['a host that is not allowed', 'fenced', ['POST', '/v1/predict', { task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'http://evil.example/' } }] }], 403, 'fenced'],
  ['an unknown run', 'acme', ['GET', `/v1/runs/${neverWas}/status`], 404, 'acme'],
  ['an unknown path', 'acme', ['GET', '/v1/nowhere'], 404, undefined],
  ['a wrong method', 'acme', ['DELETE', '/v1/queue'], 405, undefined],
  ['a query that cannot be read', 'acme', ['GET', '/v1/webhooks?limit=x'], 422, 'acme'],
  ['a chat that no model is there for', 'acme', ['POST', '/v1/chat/completions', { messages: [] }], 503, 'acme'],
]

cases({ start, stop }, (check) => {
  check('tenancy 9', 'a run: the fixed words in the fixed order', async (g) => {
    const r = await g.acme.predict({ task_suite: wait(), profile_id: 'shop-1', workflow_id: 'wf9' })
    await oneLine(g.server, r, 'predict tenant=acme scope=run profile_id=acme__shop-1 workflow_id=acme__wf9 detached=true action=run', { tenant_id: 'acme', run_id: r.json.run_id })
    await g.acme.predict({ action: 'cancel', run_id: r.json.run_id })
  })

  check('tenancy 9', 'a dry run is a call, too', async (g) => {
    const r = await g.acme.predict({ task_suite: wait(), profile_id: 'p', workflow_id: 'w', dry_run: true, detached: false })
    await oneLine(g.server, r, 'predict tenant=acme scope=run profile_id=acme__p workflow_id=acme__w detached=false action=run', { tenant_id: 'acme' })
  })

  for (const [n, [method, path, , action]] of shorthands(':id').entries())
    check('tenancy 9', `${action} by ${method} ${path}`, async (g) => {
      const [m, p, body] = shorthands(g.run)[n]
      const r = await g.acme.request(m, p, body)
      assert.equal(r.status, 200, r.text)
      await oneLine(g.server, r, new RegExp(`^predict tenant=acme scope=run profile_id=\\S+ workflow_id=\\S+ detached=true action=${action}$`), { tenant_id: 'acme', run_id: g.run })
    })

  for (const [action, call] of changes)
    check('tenancy 9', `${action} by ${call(':id')[1]}`, async (g) => {
      const id = await queued(g.acme)
      if (action === 'resume') await g.acme.predict({ action: 'pause', run_id: id })
      const r = await g.acme.request(...call(id))
      assert.equal(r.status, 200, r.text)
      await oneLine(g.server, r, new RegExp(`^predict tenant=acme scope=run profile_id=\\S+ workflow_id=\\S+ detached=true action=${action}$`), { run_id: id })
      await g.acme.predict({ action: 'cancel', run_id: id })
    })

  for (const [name, action, scope] of [['watcher', 'status', 'status'], ['fetcher', 'result', 'result'], ['reader', 'logs', 'logs']])
    check('tenancy 9', `a token that may only ${action}: the line says which scope let it in`, async (g) => {
      const r = await g.server.as(name).predict({ action, run_id: g.run })
      assert.equal(r.status, 200, r.text)
      await oneLine(g.server, r, new RegExp(`^predict tenant=acme scope=${scope} .* action=${action}$`), { tenant_id: 'acme' })
    })

  check('tenancy 9', 'a chat completion says tenant, upstream and bytes', async (g) => {
    const body = JSON.stringify({ messages: [] })
    const list = await lines(g.server, await g.acme.request('POST', '/v1/chat/completions', body))
    assert.ok(list.some((l) => new RegExp(`^v1/chat/completions tenant=acme upstream=\\S+ bytes=${body.length}$`).test(l.msg)), JSON.stringify(list))
  })

  check('tenancy 9', 'an idempotent replay says so, with the hash of the key', async (g) => {
    const key = { 'Idempotency-Key': 'a key that is not printed' }
    const first = await g.acme.predict({ task_suite: wait(), profile_id: 'idem' }, key)
    const again = await g.acme.predict({ task_suite: wait(), profile_id: 'idem' }, key)
    const line = await oneLine(g.server, again, new RegExp(`^predict idempotency-hit tenant=acme key=[0-9a-f]{32,64} run_id=${first.json.run_id}$`))
    assert.ok(!line.msg.includes('a key that'))
    await g.acme.predict({ action: 'cancel', run_id: first.json.run_id })
  })

  check('tenancy 9', 'a webhook that is delivered says run, tenant, address and status', async (g) => {
    const id = await queued(g.acme, { callback_url: g.hook.url('/told?secret=1') })
    await g.acme.predict({ action: 'cancel', run_id: id })
    await g.hook.call(id)
    const line = await until(5000 * slow, 'its line', () => parsed(g.server).find((l) => l.run_id === id && l.msg.startsWith('webhook delivered')))
    for (const part of [`run_id=${id}`, 'tenant=acme', `url=${g.hook.url('/told')} `, 'status=200']) assert.ok(line.msg.includes(part), line.msg)
    assert.ok(!line.msg.includes('secret=1'))
    assert.equal(line.tenant_id, 'acme')
  })

  check('tenancy 9', 'an attempt that failed says which one of how many', async (g) => {
    g.hook.script('/fails', 500)
    const id = await queued(g.acme, { callback_url: g.hook.url('/fails') })
    await g.acme.predict({ action: 'cancel', run_id: id })
    const line = await until(5000 * slow, 'its line', () => parsed(g.server).find((l) => l.run_id === id && l.level === 'WARNING'))
    assert.match(line.msg, new RegExp(`^webhook attempt 1 of \\d+ failed run_id=${id} tenant=acme url=\\S+ status=500`))
  })

  for (const [what, who, call, status, tenant] of refusals)
    check('tenancy 9', `a call refused for ${what} (${status}): decision, reason and who`, async (g) => {
      const r = await g.server.as(who).request(...call)
      assert.equal(r.status, status, r.text)
      const list = await lines(g.server, r)
      const line = list.find((l) => l.msg.startsWith('refused '))
      assert.ok(line, JSON.stringify(list))
      assert.match(line.msg, new RegExp(`^refused status=${status} method=${call[0]} path=${call[1].split('?')[0].replaceAll('/', '\\/')} client=127\\.0\\.0\\.1 reason=.`))
      assert.equal(line.tenant_id, tenant)
      assert.ok(!list.some((l) => l.msg.startsWith('predict ')), 'refused, and yet in the log as accepted')
    })

  check('tenancy 9', 'a rate that is used up and a slot that is not free are refusals with a line', async (g) => {
    await g.server.as('slowly').predict({ task_suite: wait(), dry_run: true })
    const rate = await g.server.as('slowly').predict({ task_suite: wait(), dry_run: true })
    assert.equal(rate.status, 429)
    await oneLine(g.server, rate, /^refused status=429 .*reason=.*rate_limit_per_minute/, { tenant_id: 'slowly' })
    const id = await queued(g.server.as('single'))
    const full = await g.server.as('single').predict({ task_suite: wait(), profile_id: 'second' })
    await oneLine(g.server, full, /^refused status=429 .*max_concurrent_runs/, { tenant_id: 'single' })
    await g.server.as('single').predict({ action: 'cancel', run_id: id })
  })

  check('tenancy 9', 'a busy profile is a refusal with a line that names the holder', async (g) => {
    const id = await queued(g.acme, { profile_id: 'held' })
    const r = await g.acme.predict({ task_suite: wait(), profile_id: 'held' })
    assert.equal(r.status, 409)
    await oneLine(g.server, r, new RegExp(`^refused status=409 .*${id}`))
    await g.acme.predict({ action: 'cancel', run_id: id })
  })

  check('tenancy 9', 'calls of two tenants at once are each counted for their own', async (g) => {
    const calls = Array.from({ length: 40 }, (_, i) => g.server.as(i % 2 ? 'acme' : 'other').predict({ task_suite: wait(), dry_run: true }))
    for (const [i, r] of (await Promise.all(calls)).entries()) {
      const name = i % 2 ? 'acme' : 'other'
      await oneLine(g.server, r, new RegExp(`^predict tenant=${name} `), { tenant_id: name })
    }
  })

  check('tenancy 9', 'a token that is refused is not in the line', async (g) => {
    const token = newToken()
    const r = await g.server.as(token).predict({})
    await lines(g.server, r)
    assert.ok(!g.server.child.log.includes(token))
  })
})
