// /metrics: every family of the contract with its type and labels, and values that move with what is done.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, until, within } from '../lib/harness.mjs'
import { queued, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { openStream } from '../lib/sse.mjs'
import { Receiver } from '../lib/receiver.mjs'
import { startTenants } from '../lib/tenants.mjs'

// [name, type, labels, buckets]
const families = [
  ['mantis_predict_requests_total', 'counter', ['tenant_id', 'mode', 'outcome']],
  ['mantis_chat_completions_total', 'counter', ['tenant_id', 'outcome']],
  ['mantis_run_duration_seconds', 'histogram', ['tenant_id', 'model', 'status'], [10, 30, 60, 120, 300, 600, 1200, 1800, 3600]],
  ['mantis_run_cost_usd', 'histogram', ['tenant_id', 'model', 'status'], [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25]],
  ['mantis_run_cost_usd_inflight', 'gauge', ['tenant_id', 'component']],
  ['mantis_concurrent_runs', 'gauge', ['tenant_id']],
  ['mantis_rate_limit_rejections_total', 'counter', ['tenant_id', 'kind']],
  ['mantis_prompt_version', 'gauge', ['prompt_name', 'sha']],
  ['mantis_action_total', 'counter', ['tenant_id', 'step_kind', 'outcome']],
  ['mantis_brain_escalation_total', 'counter', ['tenant_id', 'from_brain', 'to_brain']],
  ['mantis_loop_termination_total', 'counter', ['tenant_id', 'reason']],
  ['mantis_plan_branch_total', 'counter', ['tenant_id', 'branch', 'outcome']],
  ['mantis_step_latency_seconds', 'histogram', ['tenant_id', 'phase'], [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30]],
  ['mantis_grounding_cache_hits_total', 'counter', ['tenant_id']],
  ['mantis_grounding_cache_misses_total', 'counter', ['tenant_id']],
  ['mantis_grounding_cache_evictions_total', 'counter', ['tenant_id']],
  ['mantis_grounding_cache_size', 'gauge', ['tenant_id']],
  ['mantis_grounding_call_total', 'counter', ['tenant_id', 'outcome', 'force_compute']],
  ['mantis_grounding_correction_distance_pixels', 'histogram', ['tenant_id', 'force_compute'], [2, 5, 10, 25, 50, 100, 200, 500, 1000]],
  ['mantis_model_server_up', 'gauge', ['model']],
  ['mantis_selftest', 'gauge', ['verdict']],
  ['mantis_selftest_error_pixels', 'gauge', ['of']],
  ['mantis_queue_depth', 'gauge', ['tenant_id']],
  ['mantis_webhook_deliveries_total', 'counter', ['tenant_id', 'outcome']],
  ['mantis_webhook_pending', 'gauge', []],
  ['mantis_event_streams', 'gauge', ['tenant_id']],
  ['mantis_tenant_keys_load_errors_total', 'counter', []],
  ['mantis_build_info', 'gauge', ['version', 'git_sha']],
]

// {name: {type, help, samples: [{name, labels, value}]}}, refusing what is not the text format.
function parse(text) {
  const found = {}
  let family
  for (const line of text.split('\n')) {
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (!line) continue
    if (head) {
      family = found[head[2]] ??= { samples: [] }
      assert.equal(family[head[1]], undefined, line)
      family[head[1]] = head[3]
    } else {
      assert.ok(sample, line)
      const labels = {}
      for (const [, k, v] of (sample[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[k] = v
      family.samples.push({ name: sample[1], labels, value: Number(sample[3]) })
    }
  }
  return found
}

const start = async () => {
  const hook = await new Receiver().start()
  const server = await startTenants({
    acme: roomy, busy: roomy, quiet: roomy, single: { ...roomy, max_concurrent_runs: 1 }, slowly: { rate_limit_per_minute: 2 }, fenced: { ...roomy, allowed_domains: ['x.example'] },
    watcher: { ...roomy, tenant_id: 'acme', scopes: ['status'] },
  }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  const g = { hook, server, acme: server.as('acme') }
  g.done = await g.acme.submit({ task_suite: [...wait(), ...wait()], callback_url: hook.url('/done') })
  const sync = await server.as('quiet').predict({ task_suite: [{ type: 'extract_data', intent: 'nothing', required: true, gate: true, verify: 'The heading "Nowhere" is shown' }], detached: false })
  assert.equal(sync.status, 200, sync.text)
  await hook.call(g.done)
  await takeSlot(server.as('busy'))
  return g
}

const stop = async (g) => {
  await g.server.stop()
  await g.hook.stop()
}

const read = async (g) => parse((await g.server.request('GET', '/metrics')).text)

// The value of one series; 0 when there is none yet.
async function value(g, name, labels = {}) {
  const all = await read(g)
  const family = all[name] ?? all[name.replace(/_(count|sum|bucket)$/, '')]
  return family.samples.find((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))?.value ?? 0
}

// By how much one series moves while fn runs. Waits for it: the counters of runs are fed a moment later.
async function moves(g, name, labels, by, fn) {
  const before = await value(g, name, labels)
  await fn()
  const now = await until(5000 * slow, `${name} ${JSON.stringify(labels)} + ${by}`, async () => {
    const v = await value(g, name, labels)
    return v >= before + by && { v }
  })
  assert.equal(now.v, before + by)
}

// [mode, outcome, call]; all by acme
const calls = [
  ['run', 'ok', (g) => g.acme.predict({ task_suite: wait(), dry_run: true })],
  ['run', 'bad_request', (g) => g.acme.predict({ task_suite: wait(), video_fps: 99 })],
  ['status', 'ok', (g) => g.acme.predict({ action: 'status', run_id: g.done })],
  ['status', 'ok', (g) => g.acme.request('GET', `/v1/runs/${g.done}/status`)],
  ['status', 'not_found', (g) => g.acme.predict({ action: 'status', run_id: '20200101_000000_00000000' })],
  ['status', 'bad_request', (g) => g.acme.predict({ action: 'status' })],
  ['result', 'ok', (g) => g.acme.request('GET', `/v1/runs/${g.done}/result`)],
  ['result', 'not_found', (g) => g.acme.predict({ action: 'result', run_id: '20200101_000000_00000000' })],
  ['logs', 'ok', (g) => g.acme.predict({ action: 'logs', run_id: g.done })],
  ['reasoning_trace', 'ok', (g) => g.acme.predict({ action: 'reasoning_trace', run_id: g.done })],
  ['cancel', 'ok', (g) => g.acme.request('POST', `/v1/runs/${g.done}/cancel`)],
  ['cancel', 'not_found', (g) => g.acme.predict({ action: 'cancel', run_id: '20200101_000000_00000000' })],
  ['pause', 'bad_request', (g) => g.acme.predict({ action: 'pause', run_id: g.done })],
  ['resume', 'bad_request', (g) => g.acme.predict({ action: 'resume', run_id: g.done, user_input: 'x' })],
  ['cua', 'bad_request', (g) => g.acme.request('POST', '/v1/cua', {})],
  ['cua', 'ok', (g) => g.acme.request('POST', '/v1/cua', { instruction: 'x', detached: true, profile_id: 'cua' })],
]

cases({ start, stop }, (check) => {
  check('http-api 18', 'the page is the text format, open to all', async (g) => {
    const r = await fetch(`${g.server.base}/metrics`)
    assert.equal(r.status, 200)
    assert.equal(r.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    const text = await r.text()
    assert.ok(text.endsWith('\n'))
    parse(text)
  })

  for (const [name, type, labels, buckets] of families)
    check('http-api 18', `${name} is a ${type} of ${labels.join(', ') || 'no labels'}`, async (g) => {
      const family = (await read(g))[name]
      assert.ok(family, 'there is no such family')
      assert.equal(family.TYPE, type)
      assert.ok(family.HELP)
      for (const s of family.samples) {
        assert.deepEqual(Object.keys(s.labels).filter((k) => k !== 'le').sort(), [...labels].sort())
        if (type !== 'histogram') assert.equal(s.name, name)
      }
      if (!buckets || !family.samples.length) return
      const key = (s) => JSON.stringify({ ...s.labels, le: undefined })
      for (const one of new Set(family.samples.map(key))) {
        const of = family.samples.filter((s) => key(s) === one)
        const bounds = of.filter((s) => s.name === `${name}_bucket`)
        assert.deepEqual(bounds.map((s) => s.labels.le), [...buckets.map(String), '+Inf'])
        const counts = bounds.map((s) => s.value)
        assert.deepEqual(counts, [...counts].sort((a, b) => a - b))
        assert.equal(of.find((s) => s.name === `${name}_count`).value, counts.at(-1))
        assert.ok(of.some((s) => s.name === `${name}_sum`))
      }
    })

  check('http-api 18', 'no series stands twice', async (g) => {
    for (const [name, f] of Object.entries(await read(g))) {
      const keys = f.samples.map((s) => s.name + JSON.stringify(s.labels))
      assert.equal(new Set(keys).size, keys.length, name)
    }
  })

  for (const [mode, outcome, call] of calls)
    check('http-api 18', `a call of mode ${mode} that is ${outcome} counts once: ${call.toString().replace(/^\(g\) => g\.acme\./, '').slice(0, 60)}`, async (g) => {
      await moves(g, 'mantis_predict_requests_total', { tenant_id: 'acme', mode, outcome }, 1, () => call(g))
    })

  check('http-api 18', 'pause, resume and cancel that are done count as ok', async (g) => {
    const run_id = await queued(g.acme)
    for (const mode of ['pause', 'resume', 'cancel'])
      await moves(g, 'mantis_predict_requests_total', { tenant_id: 'acme', mode, outcome: 'ok' }, 1, () => g.acme.predict({ action: mode, run_id }))
  })

  check('http-api 18', 'a replay counts as idempotent_hit', async (g) => {
    const key = { 'Idempotency-Key': 'counted' }
    const first = await g.acme.predict({ task_suite: wait(), profile_id: 'counted' }, key)
    await moves(g, 'mantis_predict_requests_total', { tenant_id: 'acme', mode: 'run', outcome: 'idempotent_hit' }, 1, () => g.acme.predict({ task_suite: wait(), profile_id: 'counted' }, key))
    await g.acme.predict({ action: 'cancel', run_id: first.json.run_id })
  })

  check('http-api 18', 'a host that is not allowed counts as denied_allowlist', async (g) => {
    await moves(g, 'mantis_predict_requests_total', { tenant_id: 'fenced', mode: 'run', outcome: 'denied_allowlist' }, 1, () =>
      g.server.as('fenced').predict({ task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'http://other.example/' } }] }))
  })

  check('http-api 18', 'the two kinds of rejections', async (g) => {
    for (let i = 0; i < 2; i++) await g.server.as('slowly').predict({ task_suite: wait(), dry_run: true })
    await moves(g, 'mantis_rate_limit_rejections_total', { tenant_id: 'slowly', kind: 'rate' }, 1, () => g.server.as('slowly').predict({ task_suite: wait(), dry_run: true }))
    assert.equal(await value(g, 'mantis_predict_requests_total', { tenant_id: 'slowly', mode: 'run', outcome: 'rate_limited' }), 1)
    const run_id = await queued(g.server.as('single'))
    await moves(g, 'mantis_rate_limit_rejections_total', { tenant_id: 'single', kind: 'concurrent' }, 1, () => g.server.as('single').predict({ task_suite: wait(), profile_id: 'x' }))
    await g.server.as('single').predict({ action: 'cancel', run_id })
  })

  check('http-api 18', 'a call without a tenant counts for none', async (g) => {
    const sum = async () => (await read(g)).mantis_predict_requests_total.samples.reduce((n, s) => n + s.value, 0)
    const before = await sum()
    await g.server.as('no-tenant-has-this').predict({ task_suite: wait() })
    assert.equal(await sum(), before)
  })

  check('http-api 18', 'a chat completion without a model server is an upstream_error', async (g) => {
    await moves(g, 'mantis_chat_completions_total', { tenant_id: 'acme', outcome: 'upstream_error' }, 1, () => g.acme.request('POST', '/v1/chat/completions', { messages: [] }))
  })

  check('http-api 18', 'a run that was done is in duration, cost, terminations, steps and latencies of its tenant', async (g) => {
    const run = { tenant_id: 'acme', model: 'page', status: 'completed' }
    assert.equal(await value(g, 'mantis_run_duration_seconds_count', run), 1)
    assert.ok(await value(g, 'mantis_run_duration_seconds_sum', run) > 0)
    assert.equal(await value(g, 'mantis_run_cost_usd_count', run), 1)
    assert.equal(await value(g, 'mantis_loop_termination_total', { tenant_id: 'acme', reason: 'completed' }), 1)
    assert.equal(await value(g, 'mantis_action_total', { tenant_id: 'acme', step_kind: 'wait', outcome: 'success' }), 2)
    assert.equal(await value(g, 'mantis_step_latency_seconds_count', { tenant_id: 'acme', phase: 'perceive' }), 2)
  })

  check('http-api 18', 'so is one that was halted, with its failed step and branch', async (g) => {
    const run = { tenant_id: 'quiet', model: 'page', status: 'halted' }
    assert.equal(await value(g, 'mantis_run_duration_seconds_count', run), 1)
    assert.equal(await value(g, 'mantis_loop_termination_total', { tenant_id: 'quiet', reason: 'halted' }), 1)
    assert.ok(await value(g, 'mantis_action_total', { tenant_id: 'quiet', step_kind: 'extract_data', outcome: 'failed' }) >= 1)
    assert.equal(await value(g, 'mantis_plan_branch_total', { tenant_id: 'quiet', branch: 'gate_verify', outcome: 'aborted' }), 1)
  })

  check('http-api 18', 'a cancelled run is counted as one', async (g) => {
    const run_id = await queued(g.acme)
    await moves(g, 'mantis_loop_termination_total', { tenant_id: 'acme', reason: 'cancelled' }, 1, () => g.acme.predict({ action: 'cancel', run_id }))
    assert.ok(await value(g, 'mantis_run_duration_seconds_count', { tenant_id: 'acme', model: 'page', status: 'cancelled' }) >= 1)
  })

  check('http-api 18', 'a paused one, too', async (g) => {
    const run_id = await queued(g.acme)
    await moves(g, 'mantis_loop_termination_total', { tenant_id: 'acme', reason: 'paused' }, 1, () => g.acme.predict({ action: 'pause', run_id }))
    await g.acme.predict({ action: 'cancel', run_id })
  })

  check('http-api 18', 'live and queued runs are gauges that go up and down', async (g) => {
    const live = () => value(g, 'mantis_concurrent_runs', { tenant_id: 'acme' })
    const waiting = () => value(g, 'mantis_queue_depth', { tenant_id: 'acme' })
    const before = [await live(), await waiting()]
    const ids = [await queued(g.acme), await queued(g.acme)]
    assert.deepEqual([await live(), await waiting()], before.map((n) => n + 2))
    await g.acme.predict({ action: 'pause', run_id: ids[0] })
    assert.deepEqual([await live(), await waiting()], [before[0] + 2, before[1] + 1])
    for (const run_id of ids) await g.acme.predict({ action: 'cancel', run_id })
    assert.deepEqual([await live(), await waiting()], before)
    assert.equal(await value(g, 'mantis_concurrent_runs', { tenant_id: 'busy' }), 1)
  })

  check('http-api 18', 'open event streams are a gauge per tenant', async (g) => {
    const run_id = await queued(g.acme)
    const stream = await openStream(g.acme, run_id)
    assert.equal(await value(g, 'mantis_event_streams', { tenant_id: 'acme' }), 1)
    await g.acme.predict({ action: 'cancel', run_id })
    await within(5000 * slow, 'the end', stream.ended)
    await until(5000 * slow, 'none is open', async () => (await value(g, 'mantis_event_streams', { tenant_id: 'acme' })) === 0)
  })

  check('http-api 18', 'webhooks: delivered, retried and pending', async (g) => {
    await until(5000 * slow, 'the first one is counted', async () => (await value(g, 'mantis_webhook_deliveries_total', { tenant_id: 'acme', outcome: 'delivered' })) >= 1)
    g.hook.script('/metric', 500)
    const run_id = await queued(g.acme, { callback_url: g.hook.url('/metric') })
    const retried = await value(g, 'mantis_webhook_deliveries_total', { tenant_id: 'acme', outcome: 'retry' })
    await moves(g, 'mantis_webhook_deliveries_total', { tenant_id: 'acme', outcome: 'delivered' }, 1, () => g.acme.predict({ action: 'cancel', run_id }))
    assert.equal(await value(g, 'mantis_webhook_deliveries_total', { tenant_id: 'acme', outcome: 'retry' }), retried + 1)
    assert.equal(await value(g, 'mantis_webhook_pending'), 0)
  })

  check('http-api 18', 'mantis_build_info is 1 and has the version of /v1/version', async (g) => {
    const { version } = (await g.server.request('GET', '/v1/version')).json
    assert.equal(await value(g, 'mantis_build_info', { version }), 1)
  })

  check('http-api 18', 'tenants are told apart, and labels hold no address and no plan text', async (g) => {
    const text = (await g.server.request('GET', '/metrics')).text
    assert.doesNotMatch(text, /http:|https:|Nowhere|example/)
    assert.ok(!text.includes(g.done))
  })
})
