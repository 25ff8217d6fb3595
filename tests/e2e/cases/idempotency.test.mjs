// Idempotency-Key: one run per key, whoever asks at once, whatever is killed.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { queued, rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({ acme: roomy, other: roomy, busy: roomy, slowly: { rate_limit_per_minute: 2 }, single: { ...roomy, max_concurrent_runs: 1 }, fenced: { ...roomy, allowed_domains: ['x.example'] } },
    { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const acme = server.as('acme')
  const sync = await Promise.all([1, 2, 3].map(() => acme.predict({ task_suite: wait(), profile_id: 'sync', detached: false }, { 'Idempotency-Key': 'sync' })))
  await takeSlot(server.as('busy'))
  return { server, acme, sync }
}

let serial = 0
const fresh = () => ({ 'Idempotency-Key': `key-${serial++}` })
const body = (more = {}) => ({ task_suite: wait(), profile_id: `p-${serial}`, ...more })
const replayed = (r) => r.headers.get('idempotency-replayed')
const live = async (caller) => (await caller.request('GET', '/v1/queue')).json.queued
const cancel = (caller, run_id) => caller.predict({ action: 'cancel', run_id })

function isReplay(again, first) {
  assert.equal(again.status, 200, again.text)
  assert.equal(again.text, first.text)
  assert.equal(replayed(again), 'true')
}

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 15', 'the same key and body give the stored answer, byte for byte, and start nothing', async (g) => {
    const [key, b] = [fresh(), body()]
    const first = await g.acme.predict(b, key)
    assert.equal(replayed(first), null)
    const before = await live(g.acme)
    isReplay(await g.acme.predict(b, key), first)
    assert.equal(await live(g.acme), before)
    await cancel(g.acme, first.json.run_id)
  })

  check('http-api 15', 'a replay spends no rate token and has no rate headers', async (g) => {
    const slowly = g.server.as('slowly')
    const [key, b] = [fresh(), body()]
    const first = await slowly.predict(b, key)
    assert.equal(rateHeaders(first)[1], 1)
    for (let i = 0; i < 4; i++) {
      const again = await slowly.predict(b, key)
      isReplay(again, first)
      assert.deepEqual(rateHeaders(again), [null, null, null])
    }
    assert.equal(rateHeaders(await slowly.predict({ task_suite: wait(), dry_run: true }))[1], 0)
    await cancel(slowly, first.json.run_id)
  })

  check('http-api 15', 'a replay needs no free slot and no free profile', async (g) => {
    const single = g.server.as('single')
    const [key, b] = [fresh(), body()]
    const first = await single.predict(b, key)
    refused(await single.predict(b), 429)
    isReplay(await single.predict(b, key), first)
    await cancel(single, first.json.run_id)
  })

  check('http-api 15', 'the key with another body is 422', async (g) => {
    const key = fresh()
    const first = await g.acme.predict(body({ max_cost: 1 }), key)
    refused(await g.acme.predict(body({ max_cost: 2 }), key), 422, /Idempotency-Key/)
    await cancel(g.acme, first.json.run_id)
  })

  check('http-api 15', 'the order of a body\'s keys and its white space do not matter', async (g) => {
    const key = fresh()
    const suite = JSON.stringify(wait())
    const first = await g.acme.predict(`{"task_suite":${suite},"profile_id":"order-1","max_cost":1}`, key)
    isReplay(await g.acme.predict(`{\n  "max_cost": 1,\n  "profile_id": "order-1",\n  "task_suite": ${suite}\n}`, key), first)
    await cancel(g.acme, first.json.run_id)
  })

  check('http-api 15', 'blanks around a key are no part of it', async (g) => {
    const b = body()
    const first = await g.acme.predict(b, { 'Idempotency-Key': '  trimmed  ' })
    isReplay(await g.acme.predict(b, { 'Idempotency-Key': 'trimmed' }), first)
    await cancel(g.acme, first.json.run_id)
  })

  for (const key of ['', '   '])
    check('http-api 15', `the key ${JSON.stringify(key)} is none`, async (g) => {
      const first = await g.acme.predict(body({ profile_id: 'no-key-1' }), { 'Idempotency-Key': key })
      const second = await g.acme.predict(body({ profile_id: 'no-key-2' }), { 'Idempotency-Key': key })
      assert.notEqual(first.json.run_id, second.json.run_id)
      for (const r of [first, second]) await cancel(g.acme, r.json.run_id)
    })

  check('http-api 15', 'keys differ by case and by every byte', async (g) => {
    const ids = []
    for (const [i, key] of ['abc', 'ABC', 'abc.', 'a bc'].entries()) ids.push((await g.acme.predict(body({ profile_id: `case-${i}` }), { 'Idempotency-Key': key })).json.run_id)
    assert.equal(new Set(ids).size, 4)
    for (const id of ids) await cancel(g.acme, id)
  })

  check('http-api 15', 'a key that is too long is 400', async (g) => {
    refused(await g.acme.predict(body(), { 'Idempotency-Key': 'k'.repeat(5000) }), 400, /Idempotency-Key/)
  })

  check('http-api 15', 'a key is the tenant\'s own', async (g) => {
    const [key, b] = [fresh(), body()]
    const first = await g.acme.predict(b, key)
    const second = await g.server.as('other').predict(b, key)
    assert.equal(second.status, 200)
    assert.notEqual(second.json.run_id, first.json.run_id)
    assert.equal(replayed(second), null)
    await cancel(g.acme, first.json.run_id)
    await cancel(g.server.as('other'), second.json.run_id)
  })

  check('http-api 15', '/predict and /v1/predict share keys', async (g) => {
    const [key, b] = [fresh(), body()]
    const first = await g.acme.predict(b, key)
    isReplay(await g.acme.request('POST', '/predict', b, key), first)
    await cancel(g.acme, first.json.run_id)
  })

  check('http-api 15', 'actions take no notice of a key', async (g) => {
    const id = await queued(g.acme)
    const key = fresh()
    for (let i = 0; i < 2; i++) {
      const r = await g.acme.predict({ action: 'status', run_id: id }, key)
      assert.equal(r.status, 200)
      assert.equal(replayed(r), null)
    }
    assert.equal((await g.acme.predict({ action: 'cancel', run_id: id }, key)).json.status, 'cancelled')
  })

  check('http-api 15', 'the answer stays what it was after the run is over', async (g) => {
    const [key, b] = [fresh(), body()]
    const first = await g.acme.predict(b, key)
    await cancel(g.acme, first.json.run_id)
    const again = await g.acme.predict(b, key)
    isReplay(again, first)
    assert.equal(again.json.status, 'queued')
  })

  const noRun = [
    ['400', (g) => [g.acme, body({ video_fps: 99 }), 400]],
    ['403', (g) => [g.server.as('fenced'), body({ start_url: 'http://evil.example/' }), 403]],
    ['404', (g) => [g.acme, { micro: 'plans/example/no-such-plan.json' }, 404]],
  ]
  for (const [status, make] of noRun)
    check('http-api 15', `a call that was ${status} leaves its key free`, async (g) => {
      const key = fresh()
      const [caller, b, want] = make(g)
      assert.equal((await caller.predict(b, key)).status, want)
      const r = await caller.predict(body(), key)
      assert.equal(r.status, 200, r.text)
      assert.equal(replayed(r), null)
      await cancel(caller, r.json.run_id)
    })

  check('http-api 15', 'so does one that was 409 or 429', async (g) => {
    const key = fresh()
    const holder = await queued(g.acme, { profile_id: 'held' })
    const b = body({ profile_id: 'held' })
    refused(await g.acme.predict(b, key), 409)
    await cancel(g.acme, holder)
    const r = await until(5000 * slow, 'the profile is free', async () => {
      const got = await g.acme.predict(b, key)
      return got.status === 200 && got
    })
    assert.equal(replayed(r), null)
    await cancel(g.acme, r.json.run_id)

    const single = g.server.as('single')
    const first = await queued(single)
    const other = body()
    refused(await single.predict(other, key), 429)
    await cancel(single, first)
    const now = await single.predict(other, key)
    assert.equal(now.status, 200, now.text)
    await cancel(single, now.json.run_id)
  })

  check('http-api 15', 'a dry run stores nothing under its key', async (g) => {
    const key = fresh()
    await g.acme.predict(body({ dry_run: true }), key)
    const r = await g.acme.predict(body(), key)
    assert.equal(r.status, 200)
    assert.equal(replayed(r), null)
    await cancel(g.acme, r.json.run_id)
  })

  // --- at once

  check('http-api 15', 'twenty twins at once are one run', async (g) => {
    const [key, b] = [fresh(), body()]
    const before = await live(g.acme)
    const all = await Promise.all(Array.from({ length: 20 }, () => g.acme.predict(b, key)))
    assert.deepEqual([...new Set(all.map((r) => r.status))], [200])
    assert.equal(new Set(all.map((r) => r.text)).size, 1)
    assert.equal(all.filter((r) => replayed(r) !== 'true').length, 1)
    assert.equal(await live(g.acme), before + 1)
    await cancel(g.acme, all[0].json.run_id)
  })

  check('http-api 15', 'of two bodies at once under one key, one is the run and the other is 422', async (g) => {
    const key = fresh()
    const all = await Promise.all([1, 2, 1, 2].map((n) => g.acme.predict(body({ max_cost: n }), key)))
    const [good, bad] = [all.filter((r) => r.status === 200), all.filter((r) => r.status === 422)]
    assert.deepEqual([good.length, bad.length], [2, 2], JSON.stringify(all.map((r) => r.status)))
    assert.equal(new Set(good.map((r) => r.json.run_id)).size, 1)
    await cancel(g.acme, good[0].json.run_id)
  })

  check('http-api 15', 'twins that wait for the result all get the one result', async (g) => {
    assert.deepEqual(g.sync.map((r) => r.status), [200, 200, 200])
    assert.equal(new Set(g.sync.map((r) => r.json.run_id)).size, 1)
    assert.equal(g.sync.filter((r) => replayed(r) === 'true').length, 2)
    for (const r of g.sync) assert.deepEqual(r.json, g.sync[0].json)
    assert.equal(g.sync[0].json.terminal_status, 'completed')
    const later = await g.acme.predict({ task_suite: wait(), profile_id: 'sync', detached: false }, { 'Idempotency-Key': 'sync' })
    assert.deepEqual(later.json, g.sync[0].json)
    assert.equal(replayed(later), 'true')
  })

  // --- what is killed

  for (const signal of ['SIGTERM', 'SIGKILL'])
    check('http-api 15', `keys outlive ${signal === 'SIGTERM' ? 'a restart' : 'kill -9'}`, async () => {
      const server = await startTenants({ acme: roomy, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
      try {
        await takeSlot(server.as('busy'))
        const [key, b] = [fresh(), body()]
        const first = await server.as('acme').predict(b, key)
        await server.kill(signal)
        await server.start()
        isReplay(await server.as('acme').predict(b, key), first)
        refused(await server.as('acme').predict({ ...b, max_cost: 9 }, key), 422)
        assert.equal(await live(server.as('acme')), 1)
      } finally {
        await server.stop()
      }
    })

  check('http-api 15', 'killed in the middle of many calls: asked again, every key is exactly one run', async () => {
    const server = await startTenants({ acme: { ...roomy, max_concurrent_runs: 1000 }, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
    try {
      await takeSlot(server.as('busy'))
      const acme = () => server.as('acme')
      const send = (i) => acme().predict({ task_suite: wait(), profile_id: `many-${i}` }, { 'Idempotency-Key': `many-${i}` })
      const all = Array.from({ length: 60 }, (_, i) => i)
      let answered = 0
      const first = all.map((i) => send(i).then((r) => { answered++; return r.json?.run_id }, () => null))
      await until(10000 * slow, 'some are answered', () => answered >= 10, 1)
      await server.kill('SIGKILL')
      const told = await Promise.all(first)
      await server.start()
      const again = await Promise.all(all.map((i) => send(i)))
      for (const i of all) {
        assert.equal(again[i].status, 200, again[i].text)
        if (told[i]) assert.equal(again[i].json.run_id, told[i], `key ${i}: accepted as ${told[i]}, then ${again[i].json.run_id}`)
      }
      assert.equal(new Set(again.map((r) => r.json.run_id)).size, 60)
      assert.equal(await live(acme()), 60)
    } finally {
      await server.stop()
    }
  })
})
