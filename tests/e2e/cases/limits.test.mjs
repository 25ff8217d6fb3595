// Rate, live runs, profile locks, and what of it survives a restart.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const rate = (rate_limit_per_minute, more = {}) => ({ rate_limit_per_minute, max_concurrent_runs: 50, ...more })
const live = (max_concurrent_runs) => ({ rate_limit_per_minute: 0, max_concurrent_runs })

// Each case has tenants of its own: their buckets and slots are nobody else's.
const tenants = {
  busy: roomy,
  acme: roomy,
  rival: roomy,
  five: rate(5), sixty: rate(60), one: rate(1), calls: rate(60), bad: rate(60), cua: rate(2), twinA: rate(3, { tenant_id: 'twins' }), twinB: rate(3, { tenant_id: 'twins' }),
  unlimited: rate(0), negative: rate(-5), first: rate(1), second: rate(1),
  defaults: {},
  cap1: live(1), cap2: live(2), cap3: live(3), capPaused: live(1), capCancel: live(1), capRefused: live(1), capSync: live(1), capRestart: live(2), capA: live(1), capB: live(1),
  pairA: { ...live(1), tenant_id: 'pair' }, pairB: { ...live(1), tenant_id: 'pair' },
  lockRestart: roomy, changed: live(1),
}

async function start() {
  const server = await startTenants(tenants, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  return { server, as: (name) => server.as(name), acme: server.as('acme'), rival: server.as('rival') }
}

let serial = 0
const run = (caller, more = {}) => caller.predict({ task_suite: wait(), profile_id: `p${serial++}`, ...more })
const taken = async (caller, more) => {
  const r = await run(caller, more)
  assert.equal(r.status, 200, r.text)
  return r.json.run_id
}
const cancel = (caller, run_id) => caller.predict({ action: 'cancel', run_id })
const retryAfter = (r) => Number(r.headers.get('retry-after'))

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 12', 'a bucket starts full: as many calls as the limit, then 429', async ({ as }) => {
    const five = as('five')
    for (let left = 4; left >= 0; left--) {
      const r = await run(five)
      assert.equal(r.status, 200, r.text)
      assert.deepEqual(rateHeaders(r).slice(0, 2), [5, left])
    }
    const r = refused(await run(five), 429, /rate_limit_per_minute.*5/)
    assert.deepEqual(rateHeaders(r).slice(0, 2), [5, 0])
  })

  check('http-api 12', 'Retry-After of an empty bucket is whole seconds, at least 1, until a token is back', async ({ as }) => {
    const one = as('one')
    await taken(one)
    const r = refused(await run(one), 429)
    assert.match(r.headers.get('retry-after'), /^\d+$/)
    assert.ok(retryAfter(r) >= 1 && retryAfter(r) <= 61, r.headers.get('retry-after'))
  })

  check('http-api 12', 'X-RateLimit-Reset is the Unix second when the bucket is full again', async ({ as }) => {
    const before = Math.floor(Date.now() / 1000)
    const r = await run(as('sixty'))
    const [limit, remaining, reset] = rateHeaders(r)
    assert.equal(limit, 60)
    assert.ok(remaining >= 59)
    assert.ok(Number.isInteger(reset) && reset >= before && reset <= Math.floor(Date.now() / 1000) + 61, String(reset))
  })

  for (const name of ['unlimited', 'negative'])
    check('http-api 12', `a limit of ${tenants[name].rate_limit_per_minute} is none: no refusal and no headers`, async ({ as }) => {
      for (let i = 0; i < 40; i++) {
        const r = await as(name).predict({ task_suite: wait(), dry_run: true })
        assert.equal(r.status, 200)
        assert.deepEqual(rateHeaders(r), [null, null, null])
      }
    })

  check('http-api 12', 'without a word the limit is 30', async ({ as }) => {
    assert.equal(rateHeaders(await run(as('defaults')))[0], 30)
  })

  check('http-api 12', 'nothing but a new run spends a token or shows the rate', async ({ as }) => {
    const calls = as('calls')
    const first = await run(calls)
    const id = first.json.run_id
    for (const [method, path, body] of [['GET', '/v1/queue'], ['GET', `/v1/runs/${id}`], ['GET', `/v1/runs/${id}/status`], ['GET', `/v1/runs/${id}/result`], ['GET', `/v1/runs/${id}/events`],
      ['GET', '/v1/recipes'], ['POST', '/v1/predict', { action: 'status', run_id: id }], ['POST', '/v1/predict', { action: 'pause', run_id: id }],
      ['POST', '/v1/predict', { action: 'resume', run_id: id }], ['POST', `/v1/runs/${id}/cancel`]]) {
      const r = await calls.request(method, path, body)
      assert.equal(r.status, 200, r.text)
      assert.deepEqual(rateHeaders(r), [null, null, null], path)
    }
    assert.ok(rateHeaders(await run(calls))[1] >= 58)
  })

  check('http-api 12', 'the headers are on refusals too, once the bucket was asked', async ({ as }) => {
    const bad = as('bad')
    await taken(bad, { profile_id: 'same' })
    const r = refused(await run(bad, { profile_id: 'same' }), 409)
    const [limit, remaining, reset] = rateHeaders(r)
    assert.equal(limit, 60)
    assert.ok(remaining >= 58 && reset > 0)
    assert.deepEqual(rateHeaders(refused(await run(bad, { video_fps: 99 }), 400)), [null, null, null])
  })

  check('http-api 12', '/v1/cua spends from the same bucket and shows it', async ({ as }) => {
    const cua = as('cua')
    const ask = () => cua.request('POST', '/v1/cua', { instruction: 'Look around', detached: true, profile_id: 'cua' })
    const first = await ask()
    assert.equal(first.status, 200, first.text)
    assert.deepEqual(rateHeaders(first).slice(0, 2), [2, 1])
    assert.deepEqual(rateHeaders(await run(cua)).slice(0, 2), [2, 0])
    refused(await ask(), 429, /rate_limit_per_minute/)
    assert.deepEqual(rateHeaders(refused(await cua.request('POST', '/v1/cua', {}), 400)), [null, null, null])
  })

  check('http-api 12', 'two tokens of a tenant have one bucket', async ({ as }) => {
    assert.equal(rateHeaders(await run(as('twinA')))[1], 2)
    assert.equal(rateHeaders(await run(as('twinB')))[1], 1)
    assert.equal(rateHeaders(await run(as('twinA')))[1], 0)
    refused(await run(as('twinB')), 429)
  })

  check('http-api 12', 'two tenants have two buckets', async ({ as }) => {
    await taken(as('first'))
    refused(await run(as('first')), 429)
    await taken(as('second'))
  })

  for (const [name, most] of [['cap1', 1], ['cap2', 2], ['cap3', 3]])
    check('http-api 12', `max_concurrent_runs ${most}: detached runs count until they end; one more is 429 with Retry-After 6`, async ({ as }) => {
      const caller = as(name)
      const ids = []
      for (let i = 0; i < most; i++) ids.push(await taken(caller))
      const r = refused(await run(caller), 429, new RegExp(`${most}`))
      assert.equal(r.headers.get('retry-after'), '6')
      await cancel(caller, ids[0])
      await taken(caller)
      refused(await run(caller), 429)
    })

  check('http-api 12', 'without a word five runs may be live', async ({ as }) => {
    const d = as('defaults')
    const before = (await d.request('GET', '/v1/queue')).json.queued
    for (let i = before; i < 5; i++) await taken(d)
    refused(await run(d), 429, /5/)
  })

  check('http-api 12', 'a paused run keeps its slot', async ({ as }) => {
    const caller = as('capPaused')
    const id = await taken(caller)
    await caller.predict({ action: 'pause', run_id: id })
    refused(await run(caller), 429)
    await caller.predict({ action: 'resume', run_id: id })
    refused(await run(caller), 429)
    await cancel(caller, id)
    await taken(caller)
  })

  check('http-api 12', 'a call that waits for its run holds a slot as well', async ({ as }) => {
    const caller = as('capSync')
    const waits = run(caller, { detached: false, run_id: 'waits' })
    await until(10000 * slow, 'the run', async () => (await caller.request('GET', '/v1/runs/waits')).status === 200)
    refused(await run(caller), 429)
    await cancel(caller, 'waits')
    assert.equal((await waits).json.terminal_status, 'cancelled')
    await taken(caller)
  })

  check('http-api 12', 'a refused run holds no slot', async ({ as }) => {
    const caller = as('capRefused')
    for (const more of [{ video_fps: 99 }, { task_suite: {} }, { run_id: '../x' }]) refused(await run(caller, more), 400)
    const id = await taken(caller, { profile_id: 'same' })
    await cancel(caller, id)
    await taken(caller, { profile_id: 'same' })
  })

  check('http-api 12', 'slots are a tenant\'s own: two tokens share them, two tenants do not', async ({ as }) => {
    await taken(as('pairA'))
    refused(await run(as('pairB')), 429)
    await taken(as('capA'))
    await taken(as('capB'))
    refused(await run(as('capA')), 429)
  })

  check('http-api 12', 'runs above the executor slots are not refused: they wait as queued', async ({ acme }) => {
    const ids = []
    for (let i = 0; i < 8; i++) ids.push(await taken(acme))
    for (const id of ids) assert.equal((await acme.status(id)).status, 'queued')
  })

  check('http-api 12', 'a busy profile is 409 and names the run that holds it', async ({ acme }) => {
    const id = await taken(acme, { profile_id: 'held' })
    refused(await run(acme, { profile_id: 'held' }), 409, new RegExp(id))
    refused(await run(acme, { profile_id: 'held', detached: false }), 409, new RegExp(id))
    assert.equal((await acme.status(id)).status, 'queued')
  })

  check('http-api 12', 'names that only look alike once sanitised are two profiles', async ({ acme }) => {
    const id = await taken(acme, { profile_id: 'a:b' })
    await taken(acme, { profile_id: 'a_b' })
    await taken(acme, { profile_id: 'a  b' })
    refused(await run(acme, { profile_id: 'a:b' }), 409, new RegExp(id))
  })

  check('http-api 12', 'runs that name no profile share the default one', async ({ rival }) => {
    const id = (await rival.predict({ task_suite: wait() })).json.run_id
    refused(await rival.predict({ task_suite: wait(0, 'another plan') }), 409, new RegExp(id))
    refused(await run(rival, { profile_id: 'default' }), 409, new RegExp(id))
    await taken(rival, { profile_id: 'default2' })
    await cancel(rival, id)
  })

  check('http-api 12', 'a state_key alone is the profile that is held', async ({ acme }) => {
    const id = (await acme.predict({ task_suite: wait(), state_key: 'legacy' })).json.run_id
    refused(await run(acme, { profile_id: 'legacy' }), 409, new RegExp(id))
  })

  check('http-api 12', 'one workflow may be run by two profiles at once', async ({ acme }) => {
    await taken(acme, { workflow_id: 'shared' })
    await taken(acme, { workflow_id: 'shared' })
  })

  check('http-api 12', 'a profile is free again when its run is cancelled', async ({ acme }) => {
    for (let i = 0; i < 3; i++) await cancel(acme, await taken(acme, { profile_id: 'again' }))
  })

  check('http-api 12', 'an external pause keeps the profile', async ({ acme }) => {
    const id = await taken(acme, { profile_id: 'paused' })
    await acme.predict({ action: 'pause', run_id: id })
    refused(await run(acme, { profile_id: 'paused' }), 409, new RegExp(id))
    assert.equal((await acme.predict({ action: 'resume', run_id: id })).status, 200)
    refused(await run(acme, { profile_id: 'paused' }), 409, new RegExp(id))
  })

  check('http-api 12', 'a profile of the same name belongs to each tenant', async ({ acme, rival }) => {
    const id = await taken(acme, { profile_id: 'both' })
    const r = await run(rival, { profile_id: 'both' })
    assert.equal(r.status, 200, r.text)
    assert.ok(!(await run(rival, { profile_id: 'both' })).text.includes(id))
  })

  check('http-api 12', 'of many that ask for one profile at once exactly one gets it', async ({ acme }) => {
    const all = await Promise.all(Array.from({ length: 12 }, () => run(acme, { profile_id: 'race' })))
    const won = all.filter((r) => r.status === 200)
    assert.equal(won.length, 1)
    for (const r of all) if (r.status !== 200) refused(r, 409, new RegExp(won[0].json.run_id))
  })

  check('http-api 12', 'of many that come at once no more than the cap get in', async ({ as }) => {
    const caller = as('capCancel')
    const all = await Promise.all(Array.from({ length: 12 }, () => run(caller)))
    assert.deepEqual(all.map((r) => r.status).sort(), [200, ...Array(11).fill(429)])
  })

  check('tenancy 4', 'a changed cap holds for the next call, without a restart', async ({ server, as }) => {
    const caller = as('changed')
    await taken(caller)
    refused(await run(caller), 429)
    server.writeKeys({ ...tenants, changed: live(2) })
    await until(10000 * slow, 'the new cap', async () => (await run(caller)).status === 200, 100)
    refused(await run(caller), 429)
  })

  check('http-api 12', 'after kill -9 and a new start the live runs still hold their slots and profiles', async ({ server, as }) => {
    const [caller, locker] = [as('capRestart'), as('lockRestart')]
    const [queued, paused] = [await taken(caller), await taken(caller)]
    await caller.predict({ action: 'pause', run_id: paused })
    const holder = await taken(locker, { profile_id: 'kept' })
    const ended = await taken(locker, { profile_id: 'freed' })
    await cancel(locker, ended)
    await server.kill('SIGKILL')
    await server.start()
    assert.ok(!(await caller.status(queued)).terminal)
    assert.equal((await caller.status(paused)).status, 'paused')
    assert.equal(refused(await run(caller), 429).headers.get('retry-after'), '6')
    refused(await run(locker, { profile_id: 'kept' }), 409, new RegExp(holder))
    await taken(locker, { profile_id: 'freed' })
    await cancel(caller, paused)
    await taken(caller)
    assert.ok(!fs.existsSync(`${server.dir}/tenants/lockRestart/locks/freed.lock`))
  })
})
