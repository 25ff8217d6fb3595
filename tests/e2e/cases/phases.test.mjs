// GET /v1/runs/{run_id} and GET /v1/queue: phases, hints, counts. Runs that end on their own: status.test.mjs.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { queued, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

async function start() {
  const server = await startTenants({ acme: roomy, other: roomy, busy: roomy, counted: roomy, idle: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const busy = server.as('busy')
  // one run that ends, so that the time a run takes is known; then one that stays
  const done = await busy.submit({ task_suite: wait(), profile_id: 'done' })
  await busy.end(done)
  const live = await takeSlot(busy)
  await until(30000 * slow, 'a running run', async () => (await busy.status(live)).status === 'running')
  const acme = server.as('acme')
  const old = await queued(acme) // nothing happens to it: its hint grows while the other cases run
  return { server, busy, acme, done, live, old }
}

const phase = async (caller, id) => (await caller.request('GET', `/v1/runs/${id}`)).json
const queue = async (caller) => (await caller.request('GET', '/v1/queue')).json
const unix = (iso) => Date.parse(`${iso.slice(0, 23)}Z`) / 1000
const about = (a, b) => assert.ok(Math.abs(a - b) < 0.002, `${a} is not ${b}`)

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 9', 'the phase reply has every key, also those that are null', async ({ acme, busy, live, done }) => {
    for (const p of [await phase(acme, await queued(acme)), await phase(busy, live), await phase(busy, done)])
      assert.deepEqual(Object.keys(p).sort(), ['finished_at', 'halt_class', 'last_event_at', 'phase', 'polling_backoff_ms_hint', 'run_id', 'started_at', 'terminal'])
  })

  check('http-api 9', 'a queued run: phase queued, not terminal', async ({ acme }) => {
    const id = await queued(acme)
    const p = await phase(acme, id)
    assert.deepEqual([p.run_id, p.phase, p.terminal, p.finished_at, p.halt_class], [id, 'queued', false, null, null])
  })

  check('http-api 9', 'a running run: phase running, not terminal', async ({ busy, live }) => {
    const p = await phase(busy, live)
    assert.deepEqual([p.phase, p.terminal, p.finished_at, p.halt_class], ['running', false, null, null])
  })

  check('http-api 9', 'a paused run: phase running, not terminal', async ({ acme }) => {
    const id = await queued(acme)
    await acme.predict({ action: 'pause', run_id: id })
    const p = await phase(acme, id)
    assert.deepEqual([p.phase, p.terminal, p.finished_at, p.halt_class], ['running', false, null, null])
  })

  check('http-api 9', 'a cancelled run: phase cancelled, terminal, halt_class cancelled, with help', async ({ acme }) => {
    const id = await queued(acme)
    await acme.predict({ action: 'cancel', run_id: id })
    const p = await phase(acme, id)
    assert.deepEqual([p.phase, p.terminal, p.halt_class], ['cancelled', true, 'cancelled'])
    assert.equal(p.failure_help.halt_class, 'cancelled')
    assert.deepEqual(p.failure_help, (await acme.status(id)).failure_help)
  })

  check('http-api 9', 'a run that succeeded: phase complete, terminal, no help', async ({ busy, done }) => {
    const p = await phase(busy, done)
    assert.deepEqual([p.phase, p.terminal, p.halt_class], ['complete', true, null])
    assert.ok(!('failure_help' in p))
  })

  check('http-api 9', 'terminal says the same in phase and status', async ({ acme, busy, live, done }) => {
    for (const [caller, id, want] of [[acme, await queued(acme), false], [busy, live, false], [busy, done, true]])
      assert.deepEqual([(await phase(caller, id)).terminal, (await caller.status(id)).terminal], [want, want])
  })

  check('http-api 9', 'times are Unix seconds with a fraction, and are those of the status', async ({ acme, busy, done }) => {
    const [p, s] = [await phase(busy, done), await busy.status(done)]
    about(p.started_at, unix(s.started_at))
    about(p.finished_at, unix(s.finished_at))
    about(p.last_event_at, unix(s.updated_at))
    const id = await queued(acme)
    const [q, t] = [await phase(acme, id), await acme.status(id)]
    about(q.started_at, unix(t.created_at)) // not started: when it was created
    for (const v of [p.started_at, p.finished_at, q.started_at, q.last_event_at]) assert.equal(typeof v, 'number')
    assert.match((await acme.request('GET', `/v1/runs/${id}`)).text, /"started_at":\d{10}\.\d/)
  })

  check('http-api 9', 'last_event_at advances with what happens', async ({ acme }) => {
    const id = await queued(acme)
    const before = (await phase(acme, id)).last_event_at
    await acme.predict({ action: 'pause', run_id: id })
    const paused = (await phase(acme, id)).last_event_at
    assert.ok(paused > before)
    await acme.predict({ action: 'resume', run_id: id })
    assert.ok((await phase(acme, id)).last_event_at > paused)
  })

  check('http-api 9', 'the hint of a run that has ended is 30000', async ({ acme, busy, done }) => {
    assert.equal((await phase(busy, done)).polling_backoff_ms_hint, 30000)
    const id = await queued(acme)
    await acme.predict({ action: 'cancel', run_id: id })
    assert.equal((await phase(acme, id)).polling_backoff_ms_hint, 30000)
  })

  check('http-api 9', 'the hint starts at 500 and starts anew with a change', async ({ acme, old }) => {
    await until(20000 * slow, 'an older run', async () => (await phase(acme, old)).polling_backoff_ms_hint !== 500)
    assert.equal((await phase(acme, await queued(acme))).polling_backoff_ms_hint, 500)
    const id = await queued(acme)
    await acme.predict({ action: 'pause', run_id: id })
    assert.equal((await phase(acme, id)).polling_backoff_ms_hint, 500)
  })

  check('http-api 9', 'the queue counts this tenant\'s live runs by phase', async ({ server }) => {
    const counted = server.as('counted')
    const ids = []
    for (let i = 0; i < 4; i++) ids.push(await queued(counted))
    let q = await queue(counted)
    assert.deepEqual([q.tenant_id, q.queued, q.running, q.recovering], ['counted', 4, 0, 0])
    await counted.predict({ action: 'cancel', run_id: ids[0] })
    q = await queue(counted)
    assert.deepEqual([q.queued, q.running, q.recovering], [3, 0, 0])
    for (const id of ids) await counted.predict({ action: 'cancel', run_id: id })
    q = await queue(counted)
    assert.deepEqual([q.queued, q.running, q.recovering], [0, 0, 0])
  })

  check('http-api 9', 'a paused run counts as running in the queue, as its phase says', async ({ server }) => {
    const other = server.as('other')
    const before = await queue(other)
    const id = await queued(other)
    await other.predict({ action: 'pause', run_id: id })
    const q = await queue(other)
    assert.deepEqual([q.queued, q.running], [before.queued, before.running + 1])
    await other.predict({ action: 'cancel', run_id: id })
  })

  check('http-api 9', 'the queue of the tenant that runs counts its run as running, and no ended one', async ({ busy }) => {
    const q = await queue(busy)
    assert.deepEqual([q.queued, q.running, q.recovering], [0, 1, 0])
  })

  check('http-api 9', 'the queue of a tenant without runs is zeros', async ({ server }) => {
    const q = await queue(server.as('idle'))
    assert.deepEqual([q.tenant_id, q.queued, q.running, q.recovering, q.eta_ms], ['idle', 0, 0, 0, null])
  })

  check('http-api 9', 'a waiting run has a place in the queue and a guess at its time', async ({ acme }) => {
    const id = await queued(acme)
    const s = await acme.status(id)
    assert.ok(Number.isInteger(s.queue_position) && s.queue_position >= 1, JSON.stringify(s.queue_position))
    assert.ok(s.eta_ms > 0)
    const q = await queue(acme)
    assert.ok(q.eta_ms > 0, 'a run has ended here: how long one takes is known')
  })

  check('http-api 9', 'a run whose worker was lost: phase recovering, not terminal, counted as that', async () => {
    const server = await startTenants({ acme: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '2' } })
    try {
      const acme = server.as('acme')
      const ids = [await acme.submit({ task_suite: wait(600), profile_id: 'a' }), await acme.submit({ task_suite: wait(600), profile_id: 'b' })]
      for (const id of ids) await until(30000 * slow, 'a running run', async () => (await acme.status(id)).status === 'running')
      await server.kill('SIGKILL')
      server.env.MANTIS_RUNTIME_CONCURRENCY = '1' // one of them is taken up, the other one waits for it
      await server.start()
      const waiting = await until(30000 * slow, 'one that goes on', async () => {
        const states = await Promise.all(ids.map(async (id) => (await acme.status(id)).status))
        assert.ok(states.every((s) => ['running', 'recovering'].includes(s)), states.join())
        return states.includes('running') && ids[states.indexOf('recovering')]
      })
      const p = await phase(acme, waiting)
      assert.deepEqual([p.phase, p.terminal, p.finished_at, p.halt_class], ['recovering', false, null, null])
      const q = await queue(acme)
      assert.deepEqual([q.queued, q.running, q.recovering], [0, 1, 1])
      assert.equal((await acme.predict({ action: 'cancel', run_id: waiting })).json.status, 'cancelled')
    } finally { await server.stop() }
  })

  check('http-api 9', 'a run that could not be carried out: status failed with its error, phase halted', async () => {
    const server = await startTenants({ acme: roomy, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
    try {
      const acme = server.as('acme')
      await takeSlot(server.as('busy'))
      const id = await queued(acme)
      await server.kill('SIGKILL')
      server.env.MANTIS_BROWSER = '/nowhere/chromium'
      await server.start()
      const s = await acme.end(id)
      assert.deepEqual([s.status, s.terminal_status, s.terminal], ['failed', 'failed', true])
      assert.match(s.error, /browser/)
      assert.ok(!s.error.includes(server.dir))
      const p = await phase(acme, id)
      assert.deepEqual([p.phase, p.terminal, p.polling_backoff_ms_hint], ['halted', true, 30000])
      assert.ok(p.failure_help.summary)
      assert.equal((await acme.result(id)).result.terminal_status, 'failed')
    } finally { await server.stop() }
  })

  check('http-api 9', 'the hint grows with the time since the last change: 500, 1500, 5000', async ({ acme, old }) => {
    const seen = []
    await until(30000 * slow, 'a hint of 5000', async () => {
      const { polling_backoff_ms_hint: hint } = await phase(acme, old)
      if (seen.at(-1) !== hint) seen.push(hint)
      return hint >= 5000
    }, 100)
    assert.deepEqual(seen, [500, 1500, 5000].slice(-seen.length))
  })
})
