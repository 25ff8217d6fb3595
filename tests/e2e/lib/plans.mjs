// plans.mjs - small plans and callers that many cases share.

import assert from 'node:assert/strict'

// The one plan that needs no page: its run starts a browser, waits and ends.
export const wait = (seconds = 0, intent = 'wait') => [{ type: 'wait', intent, params: { seconds } }]

// A tenant whose limits are in nobody's way.
export const roomy = { rate_limit_per_minute: 0, max_concurrent_runs: 50 }

export const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/
export const runIdForm = /^\d{8}_\d{6}_[0-9a-f]{8}$/
export const neverWas = '20200101_000000_00000000'

// What a plan becomes, without a run.
export async function dryRun(caller, body) {
  const r = await caller.predict({ dry_run: true, ...body })
  assert.equal(r.status, 200, r.text)
  return r.json
}

// Takes the only slot of a server with MANTIS_RUNTIME_CONCURRENCY=1, so that others stay queued.
export async function takeSlot(caller) {
  const id = await caller.submit({ task_suite: wait(600), profile_id: 'takes-the-slot' })
  return id
}

let serial = 0

// A run that stays queued behind the one of takeSlot(), or waits its turn.
export async function queued(caller, more = {}) {
  return caller.submit({ task_suite: wait(), profile_id: `queued-${serial++}`, ...more })
}

// A reply that refuses: its status, its one human sentence, and what the sentence must name.
export function refused(reply, status, words) {
  assert.equal(reply.status, status, reply.text)
  const { error, ...rest } = reply.json
  assert.deepEqual(Object.keys(rest), ['detail'])
  if (error) assert.deepEqual([error.message, Object.keys(error)], [rest.detail, ['message', 'type', 'param', 'code']]) // chat says it OpenAI's way, too
  assert.equal(typeof reply.json.detail, 'string', reply.text)
  if (words) assert.match(reply.json.detail, words)
  return reply
}

export const rateHeaders = (reply) =>
  ['limit', 'remaining', 'reset'].map((n) => reply.headers.get(`x-ratelimit-${n}`)).map((v) => (v === null ? null : Number(v)))
