// POST /v1/predict with an action: every action with every error, and what it does to the run.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { neverWas, queued, rateHeaders, refused, roomy, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const many = 30 // steps of the run that is paused on its way

// quiet: one slot, taken, so that what is submitted stays queued. lively: runs that go on.
async function start() {
  const [quiet, lively] = await Promise.all([
    startTenants({ acme: roomy, busy: roomy, tight: { rate_limit_per_minute: 1, max_concurrent_runs: 1 } }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } }),
    startTenants({ acme: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '3' } })])
  await takeSlot(quiet.as('busy'))
  const live = lively.as('acme')
  const done = await live.submit({ task_suite: wait(), profile_id: 'done' })
  const wordy = await live.submit({ task_suite: Array(110).fill(wait()[0]), profile_id: 'wordy' })
  const victim = await live.submit({ task_suite: wait(600), profile_id: 'victim' })
  return { quiet, lively, acme: quiet.as('acme'), live, done, wordy, victim }
}

const stop = async (g) => { await Promise.all([g.quiet.stop(), g.lively.stop()]) }

const actions = ['status', 'result', 'logs', 'cancel', 'pause', 'resume', 'reasoning_trace']
const act = (caller, action, run_id, more = {}) => caller.predict({ action, run_id, ...more })
const withoutTimes = ({ updated_at: _, ...rest }) => rest
const running = (caller, id) => until(30000 * slow, `${id} runs`, async () => {
  const s = await caller.status(id)
  assert.ok(!s.terminal, JSON.stringify(s))
  return s.status === 'running' && s
})
const logged = async (caller, id) => (await caller.events(id)).map((e) => e.message)

cases({ start, stop }, (check) => {
  check('http-api 5', 'an action that is none is 400 and names it, with or without a run', async ({ acme }) => {
    for (const action of ['explode', 'STATUS', ' status', 'status ', 'run', 'submit', 'x'.repeat(5000)])
      for (const more of [{}, { run_id: neverWas }, { task_suite: wait() }]) refused(await acme.predict({ action, ...more }), 400, /action/)
  })

  check('http-api 5', 'an action of the wrong type is 400', async ({ acme }) => {
    for (const action of [5, true, ['status'], { name: 'status' }]) refused(await acme.predict({ action, run_id: neverWas }), 400, /action/)
  })

  check('http-api 5', 'an empty action is a new run', async ({ acme }) => {
    refused(await acme.predict({ action: '', run_id: neverWas }), 400, /task_suite/)
    assert.equal((await acme.predict({ action: '', task_suite: wait(), profile_id: 'empty-action' })).json.status, 'queued')
  })

  for (const action of actions) {
    check('http-api 5', `${action} without run_id is 400`, async ({ acme }) => {
      for (const more of [{}, { run_id: '' }, { run_id: null }, { task_suite: wait() }]) refused(await acme.predict({ action, user_input: 'x', ...more }), 400, /run_id/)
    })

    check('http-api 5', `${action} with a malformed run_id is 400`, async ({ acme }) => {
      for (const run_id of ['../x', 'a/b', 'a b', '.x', 'x.', '_', 'ž', 'x'.repeat(300), 5, ['x']]) refused(await acme.predict({ action, run_id, user_input: 'x' }), 400, /run_id/)
    })

    check('http-api 5', `${action} of a run that never was is 404 and names it`, async ({ acme }) => {
      refused(await act(acme, action, neverWas, { user_input: 'x' }), 404, new RegExp(neverWas))
    })
  }

  check('http-api 5', 'no action spends a rate token or a slot, or shows the rate', async ({ quiet }) => {
    const tight = quiet.as('tight')
    const first = await tight.predict({ task_suite: wait(), profile_id: 'p' })
    assert.equal(rateHeaders(first)[1], 0)
    refused(await tight.predict({ task_suite: wait() }), 429)
    for (const action of ['status', 'result', 'logs', 'reasoning_trace', 'pause', 'resume', 'cancel']) {
      const r = await act(tight, action, first.json.run_id)
      assert.equal(r.status, 200, `${action}: ${r.text}`)
      assert.deepEqual(rateHeaders(r), [null, null, null], action)
    }
  })

  check('http-api 5', 'plan fields beside an action are not looked at', async ({ acme }) => {
    const id = await queued(acme)
    const r = await act(acme, 'status', id, { task_suite: 'nonsense', video_fps: 99, max_cost: -1 })
    assert.equal(r.status, 200, r.text)
    assert.equal(r.json.run_id, id)
  })

  check('http-api 5', 'status is the status document', async ({ acme }) => {
    const id = await queued(acme)
    const s = (await act(acme, 'status', id)).json
    for (const key of ['run_id', 'status', 'mode', 'model', 'created_at', 'updated_at', 'payload', 'status_path', 'result_path', 'csv_path', 'events_path'])
      assert.ok(key in s, key)
    assert.ok(!('result' in s))
  })

  check('http-api 5', 'result before there is one: the status document, result null, result_ready false', async ({ acme }) => {
    const id = await queued(acme)
    const [s, r] = [(await act(acme, 'status', id)).json, (await act(acme, 'result', id)).json]
    assert.deepEqual(r, { ...s, result: null, result_ready: false })
  })

  check('http-api 5', 'result of a run that has ended: the status document and the result object', async ({ live, done }) => {
    await live.end(done)
    const [s, r] = [(await act(live, 'status', done)).json, (await act(live, 'result', done)).json]
    assert.equal(r.result_ready, true)
    assert.equal(r.result.run_id, done)
    assert.deepEqual({ ...r, result: 0, result_ready: 0 }, { ...s, result: 0, result_ready: 0 })
  })

  check('http-api 5', 'logs are the last lines, each a raw JSON string with message and ts', async ({ live, done }) => {
    await live.end(done)
    const { json } = await act(live, 'logs', done)
    assert.deepEqual(Object.keys(json).sort(), ['events', 'run_id'])
    assert.equal(json.run_id, done)
    assert.ok(json.events.length > 2)
    let before = ''
    for (const line of json.events) {
      assert.equal(typeof line, 'string')
      const event = JSON.parse(line)
      assert.equal(typeof event.message, 'string')
      assert.match(event.ts, stamp)
      assert.ok(event.ts >= before, 'oldest first')
      before = event.ts
    }
  })

  check('http-api 5', 'tail is 1 to 10000 lines from the end', async ({ live, done }) => {
    await live.end(done)
    const all = (await act(live, 'logs', done)).json.events
    for (const [tail, n] of [[1, 1], ['2', 2], [3.0, 3], [10000, all.length], [null, all.length]])
      assert.deepEqual((await act(live, 'logs', done, { tail })).json.events, all.slice(-n), String(tail))
    for (const tail of [0, -1, 10001, 1.5, 'x', [], true]) refused(await act(live, 'logs', done, { tail }), 400, /tail/)
  })

  check('http-api 5', 'tail is 200 by default', async ({ live, wordy }) => {
    await live.end(wordy)
    const all = (await act(live, 'logs', wordy, { tail: 10000 })).json.events
    assert.ok(all.length > 200, `${all.length} lines`)
    assert.deepEqual((await act(live, 'logs', wordy)).json.events, all.slice(-200))
  })

  check('http-api 5', 'logs of a run that has done nothing are a list all the same', async ({ acme }) => {
    const { json } = await act(acme, 'logs', await queued(acme))
    assert.ok(Array.isArray(json.events))
  })

  check('http-api 5', 'cancel of a queued run ends it at once', async ({ acme }) => {
    const id = await queued(acme)
    const s = (await act(acme, 'cancel', id)).json
    assert.deepEqual([s.run_id, s.status, s.terminal, s.terminal_status], [id, 'cancelled', true, 'cancelled'])
    assert.match(s.cancelled_at, stamp)
    assert.match(s.finished_at, stamp)
    assert.ok(s.cancel_lookup_error === undefined || s.cancel_lookup_error === null)
    assert.equal((await acme.request('GET', `/v1/runs/${id}`)).json.phase, 'cancelled')
  })

  check('http-api 5', 'cancel of a run that has ended changes nothing', async ({ acme, live, done }) => {
    const id = await queued(acme)
    const first = (await act(acme, 'cancel', id, { reason: 'first' })).json
    assert.deepEqual((await act(acme, 'cancel', id, { reason: 'second' })).json, first)
    await live.end(done)
    const before = await live.status(done)
    assert.deepEqual((await act(live, 'cancel', done)).json, before)
    assert.equal(before.status, 'succeeded')
  })

  check('http-api 5', 'the reason of cancel is stored', async ({ acme }) => {
    const id = await queued(acme)
    assert.equal((await act(acme, 'cancel', id, { reason: 'no longer needed' })).json.cancel_reason, 'no longer needed')
    refused(await act(acme, 'cancel', await queued(acme), { reason: 5 }), 400, /reason/)
  })

  check('http-api 5', 'cancel stops the worker of a running run, and its result follows', async ({ live, victim }) => {
    await running(live, victim)
    const s = (await act(live, 'cancel', victim)).json
    assert.equal(s.status, 'cancelled')
    const after = await until(15000 * slow, 'end of the worker', async () => {
      const now = await live.status(victim)
      return !now.in_memory_thread_alive && now
    })
    assert.deepEqual([after.status, after.halt_class], ['cancelled', 'cancelled'])
    const r = await until(15000 * slow, 'the result', async () => {
      const now = await live.result(victim)
      return now.result_ready && now
    })
    assert.equal(r.result.terminal_status, 'cancelled')
  })

  check('http-api 5', 'pause of a queued run: paused, with its reason and time, and it does not start', async ({ acme }) => {
    const id = await queued(acme)
    const s = (await act(acme, 'pause', id)).json
    assert.deepEqual([s.run_id, s.status, s.terminal, s.pause_reason], [id, 'paused', false, 'external'])
    assert.match(s.paused_at, stamp)
    assert.deepEqual(await acme.status(id), s)
    assert.equal((await acme.request('GET', `/v1/runs/${id}`)).json.phase, 'running')
  })

  check('http-api 5', 'the reason of pause is kept', async ({ acme }) => {
    assert.equal((await act(acme, 'pause', await queued(acme), { reason: 'lunch' })).json.pause_reason, 'lunch')
    assert.equal((await act(acme, 'pause', await queued(acme), { reason: '' })).json.pause_reason, 'external')
    refused(await act(acme, 'pause', await queued(acme), { reason: 5 }), 400, /reason/)
  })

  check('http-api 5', 'pause of a run that is paused or has ended is 400 and says what it is', async ({ acme, live, done }) => {
    const id = await queued(acme)
    await act(acme, 'pause', id)
    refused(await act(acme, 'pause', id), 400, /paused/)
    await act(acme, 'cancel', id)
    refused(await act(acme, 'pause', id), 400, /cancelled/)
    await live.end(done)
    refused(await act(live, 'pause', done), 400, /succeeded/)
  })

  check('http-api 5', 'resume of a run that is not paused is 400 and says what it is', async ({ acme, live, done }) => {
    const id = await queued(acme)
    for (const more of [{}, { user_input: 'x' }]) refused(await act(acme, 'resume', id, more), 400, /not paused/)
    await act(acme, 'cancel', id)
    refused(await act(acme, 'resume', id), 400, /not paused/)
    await live.end(done)
    refused(await act(live, 'resume', done, { user_input: 'x' }), 400, /succeeded/)
  })

  check('http-api 5', 'resume of an external pause needs no user_input and answers in three fields', async ({ acme }) => {
    for (const more of [{}, { user_input: null }, { user_input: 'not asked for' }]) {
      const id = await queued(acme)
      await act(acme, 'pause', id)
      const r = await act(acme, 'resume', id, more)
      assert.equal(r.status, 200, r.text)
      assert.deepEqual(Object.keys(r.json).sort(), ['resumed_at', 'run_id', 'status'])
      assert.deepEqual([r.json.run_id, r.json.status], [id, 'queued'], 'it was paused before it started')
      assert.match(r.json.resumed_at, stamp)
      const s = await acme.status(id)
      assert.equal(s.status, 'queued')
      assert.equal(s.resumed_at, r.json.resumed_at)
      assert.ok(s.pause_reason === undefined || s.pause_reason === null)
    }
  })

  check('http-api 5', 'pause and resume may be asked for again and again', async ({ acme }) => {
    const id = await queued(acme)
    for (let i = 0; i < 5; i++) {
      assert.equal((await act(acme, 'pause', id)).status, 200)
      assert.equal((await act(acme, 'resume', id)).status, 200)
    }
    assert.equal((await acme.status(id)).status, 'queued')
  })

  check('http-api 5', 'a paused run can be cancelled and is not resumed afterwards', async ({ acme }) => {
    const id = await queued(acme)
    await act(acme, 'pause', id)
    assert.equal((await act(acme, 'cancel', id)).json.status, 'cancelled')
    refused(await act(acme, 'resume', id), 400, /not paused/)
  })

  check('http-api 5', 'a running run stops before its next step when paused, and goes on where it stood when resumed', async ({ live }) => {
    const stepping = await live.submit({ task_suite: Array(many).fill(wait(0.1)[0]), profile_id: 'stepping' })
    await until(30000 * slow, 'the first steps', async () => (await logged(live, stepping)).length > 5)
    const s = (await act(live, 'pause', stepping, { reason: 'look' })).json
    assert.deepEqual([s.status, s.pause_reason, s.terminal], ['paused', 'look', false])
    await until(15000 * slow, 'the worker stands', async () => (await logged(live, stepping)).some((m) => /stopped before step/.test(m)))
    const stood = await live.status(stepping)
    assert.deepEqual([stood.status, stood.in_memory_thread_alive], ['paused', true], 'the browser stays')
    assert.equal((await act(live, 'result', stepping)).json.result_ready, false)
    const r = await act(live, 'resume', stepping)
    assert.equal(r.json.status, 'running')
    assert.equal((await live.status(stepping)).status, 'running')
    const end = await live.end(stepping)
    assert.equal(end.status, 'succeeded', JSON.stringify(end))
    const { result } = await live.result(stepping)
    assert.deepEqual(result.step_details.map((d) => d.step), Array.from({ length: many }, (_, i) => result.step_details[0].step + i), 'every step once, in order')
    assert.equal(end.attempts, 1)
  })

  check('http-api 5', 'reasoning_trace is the status document with events and their count', async ({ live, done }) => {
    await live.end(done)
    const [s, t] = [await live.status(done), (await act(live, 'reasoning_trace', done)).json]
    assert.ok(Array.isArray(t.events))
    assert.equal(t.count, t.events.length)
    const { events, count, ...rest } = t
    assert.deepEqual(rest, s)
    for (const e of events) {
      for (const key of ['ts', 'layer', 'kind', 'summary', 'step_index', 'detail', 'category']) assert.ok(key in e, `${key}: ${JSON.stringify(e)}`)
      assert.match(e.ts, stamp)
      assert.ok(e.kind)
      assert.ok(e.summary.length <= 300)
      assert.equal(e.category, 'reasoning')
    }
  })

  check('http-api 5', 'since is strictly greater: the cursor of an event gives what came after it', async ({ live, done }) => {
    await live.end(done)
    const all = (await act(live, 'reasoning_trace', done)).json.events
    for (const i of [0, 1, all.length - 1]) {
      const after = (await act(live, 'reasoning_trace', done, { since: `${all[i].ts}#${all[i].seq}` })).json
      assert.deepEqual(after.events, all.slice(i + 1))
      assert.equal(after.count, all.length - i - 1)
    }
    const old = (await act(live, 'reasoning_trace', done, { since: all[0].ts })).json.events
    assert.deepEqual(old, all.filter((e) => e.ts > all[0].ts), 'the old form of a cursor')
    for (const since of ['', null]) assert.equal((await act(live, 'reasoning_trace', done, { since })).json.count, all.length)
    assert.equal((await act(live, 'reasoning_trace', done, { since: 'yesterday' })).status, 422)
    refused(await act(live, 'reasoning_trace', done, { since: 5 }), 400, /since/)
  })

  check('http-api 5', 'graph_learn is taken without a run_id', async ({ acme }) => {
    const r = await acme.predict({ action: 'graph_learn' })
    refused(r, 400)
    assert.doesNotMatch(r.json.detail, /run_id|not available/)
    assert.match(r.json.detail, /objective/)
  })

  check('http-api 5', 'an action changes nothing but what it says', async ({ acme }) => {
    const id = await queued(acme)
    const before = await acme.status(id)
    for (const action of ['status', 'result', 'logs', 'reasoning_trace']) await act(acme, action, id)
    await act(acme, 'pause', neverWas)
    assert.deepEqual(withoutTimes(await acme.status(id)), withoutTimes({ ...before, queue_position: (await acme.status(id)).queue_position }))
  })
})
