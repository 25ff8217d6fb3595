// Bad input: each ends in a clear 4xx, or in a run with a true failure class and reason.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test, { after, before } from 'node:test'
import { rawExchange, startServer, startSite, tempDir } from './lib/harness.mjs'

let lab, server
before(async () => {
  lab = await startSite('lab')
  server = await startServer({ env: { MANTIS_ENV_URL: lab.url, MANTIS_NAV_WAIT_SECONDS: '4' } })
})
after(async () => {
  await server?.stop()
  await lab?.stop()
})

const step = (type, intent, more = {}) => ({ type, intent, ...more })
const open = (path) => step('navigate', 'Open the page', { params: { url: lab.url + path } })
let serial = 0
const run = async (steps, more = {}) => {
  const id = await server.submit({ task_suite: { steps }, profile_id: `bad${serial++}`, ...more })
  return { id, ...(await server.end(id, 60000)) }
}

const nested = '['.repeat(10000) + ']'.repeat(10000)
const requests = [
  ['malformed JSON', '{"micro":', 400, /JSON/],
  ['a body that is not an object', '[1]', 400, /object/],
  ['an empty body', '', 400, /./],
  ['10,000-deep JSON', `{"task_suite":${nested}}`, 400, /deep/],
  ['a wrong type', { micro: 5 }, 400, /micro/],
  ['a number that is none', { task_suite: { steps: [step('wait', 'x')] }, max_cost: 'much' }, 400, /max_cost/],
  ['a cap of zero', { task_suite: { steps: [step('wait', 'x')] }, max_cost: 0 }, 400, /max_cost/],
  ['a negative time cap', { task_suite: { steps: [step('wait', 'x')] }, max_time_minutes: -1 }, 400, /max_time_minutes/],
  ['null for a field with a default', { task_suite: { steps: [step('wait', 'x')] }, detached: null }, 400, /detached/],
  ['an unknown action', { action: 'explode', run_id: 'x' }, 400, /explode/],
  ['an action without run_id', { action: 'status' }, 400, /run_id/],
  ['an unknown run', { action: 'status', run_id: '20260101_000000_deadbeef' }, 404, /20260101_000000_deadbeef/],
  ['a malformed run id', { action: 'status', run_id: '../../etc' }, 400, /run_id/],
  ['no plan', { detached: true }, 400, /task_suite/],
  ['an empty suite', { task_suite: {} }, 400, /./],
  ['an empty step list', { task_suite: { steps: [] } }, 400, /./],
  ['steps that are no array', { task_suite: { steps: 'x' } }, 400, /steps/],
  ['a step without intent', { task_suite: { steps: [{ type: 'wait' }] } }, 400, /step 0/],
  ['201 steps', { task_suite: { steps: Array(201).fill(step('wait', 'x')) } }, 400, /200/],
  ['an absolute path', { micro: '/etc/passwd' }, 400, /micro/],
  ['a path outside the repo root', { micro: '../../../etc/passwd' }, 400, /micro/],
  ['a missing plan file', { micro: 'plans/example/nothing.json' }, 404, /nothing\.json/],
  ['a bad video rate', { task_suite: { steps: [step('wait', 'x')] }, video_fps: 99 }, 400, /video_fps/],
  ['computer_plane with the page brain', { task_suite: { steps: [step('wait', 'x')] }, compute_backend: 'computer_plane' }, 400, /computer_plane/],
  ['an unknown plane', { task_suite: { steps: [step('wait', 'x')] }, compute_backend: 'abacus' }, 400, /abacus/],
]
for (const [what, body, status, detail] of requests) {
  test(`${what} is ${status}`, async () => {
    const r = await server.predict(body)
    assert.equal(r.status, status, r.text)
    assert.match(r.json.detail, detail)
    assert.ok(!r.text.includes(server.token) && !r.text.includes(server.dir), 'no secret, no path')
  })
}

test('a 20 MB body is 413', async () => {
  const r = await server.predict(JSON.stringify({ plan_text: 'x'.repeat(20 << 20) })).catch((e) => ({ cut: e }))
  // The server may answer and close before all of it is sent; then fetch sees a reset.
  if (!r.cut) assert.equal(r.status, 413)
  const raw = await rawExchange(server.port, 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20971520\r\n' +
    `X-Mantis-Token: ${server.token}\r\n\r\n{}`)
  assert.match(raw, /^HTTP\/1\.1 413 /)
})

test('tokens: none, wrong, unconfigured', async () => {
  const none = await fetch(`${server.base}/predict`, { method: 'POST', body: '{}' })
  const wrong = await server.predict({ action: 'status', run_id: 'x' }, { 'X-Mantis-Token': 'nope' })
  assert.equal(none.status, 401)
  assert.equal(wrong.status, 401)
  assert.notEqual((await none.json()).detail, wrong.json.detail)
  const open = await startServer({ token: '' })
  assert.equal((await open.predict({})).status, 503)
  assert.equal((await open.request('GET', '/health')).status, 200)
  await open.stop()
})

test('wrong method, unknown path, rubbish on the wire', async () => {
  assert.equal((await server.request('DELETE', '/predict')).status, 405)
  assert.deepEqual((await server.request('GET', '/nowhere')).json, { detail: 'Not Found' })
  const id = await server.submit({ task_suite: { steps: [step('wait', 'x', { seconds: 0 })] } })
  await server.end(id)
  for (const name of ['..%2f..%2fstatus.json', 'secret.txt', 'leads.csv%00', '../result.json'])
    assert.ok([400, 404].includes((await server.request('GET', `/v1/runs/${id}/artifacts/${name}`)).status), name)
  await rawExchange(server.port, '\x00\x01\x02 nonsense\r\n\r\n', 500)
  assert.equal((await server.request('GET', '/health')).status, 200)
})

test('a site that is down halts with bad_url', async () => {
  const s = await run([step('navigate', 'Open http://127.0.0.1:1/')])
  assert.equal(s.status, 'halted')
  assert.equal(s.halt_reason, 'navigate_failed')
  const { result } = await server.result(s.id)
  assert.match(result.step_details[0].data, /^bad_url:dns/)
  assert.equal(result.step_details[0].failure_class, 'bad_url')
  assert.ok(s.failure_help.next_steps.length > 0)
})

test('a page that never answers ends as a failed navigation, not as a hang', async () => {
  const s = await run([open('/lab/never')])
  assert.equal(s.status, 'halted')
  assert.equal(s.halt_reason, 'navigate_failed')
  const { result } = await server.result(s.id)
  assert.ok(['nav_timeout', 'bad_url'].includes(result.step_details[0].failure_class), JSON.stringify(result.step_details[0]))
})

test('a page that never finishes loading can still be read', async () => {
  const s = await run([open('/lab/hang'), step('extract_url', 'Read the URL')])
  assert.equal(s.status, 'succeeded', JSON.stringify(s))
})

test('a 404 page is a failed navigation', async () => {
  const s = await run([open('/lab/status/404')])
  assert.equal(s.status, 'halted')
  assert.match((await server.result(s.id)).result.step_details[0].data, /^bad_url:/)
})

test('a storm of dialogs or pop-ups does not stop the run', async () => {
  for (const path of ['/lab/dialogs?n=50', '/lab/popups?n=50']) {
    const s = await run([open(path), step('submit', 'Press "Go"', { params: { label: 'Go' }, required: false }), step('extract_url', 'Read the URL')])
    assert.ok(['succeeded', 'completed_with_failures', 'halted'].includes(s.status), `${path}: ${JSON.stringify(s)}`)
    if (s.status !== 'succeeded') assert.ok(s.failure_help || s.halt_reason || s.summary, path)
  }
})

test('a full disk: refused or ended with the truth, and the server lives on', async (t) => {
  if (process.getuid() !== 0) return t.skip('mounting a small tmpfs needs root')
  const { execFileSync } = await import('node:child_process')
  const dir = tempDir('full')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=711', 'tmpfs', dir])
  let small
  try {
    small = await startServer({ dir, env: { MANTIS_ENV_URL: lab.url } })
    const steps = [open('/lab/form'), ...Array(8).fill(step('scroll', 'Scroll down', { params: { count: 1 } }))]
    let refused = null
    for (let i = 0; i < 5 && !refused; i++) {
      const r = await small.predict({ detached: true, task_suite: { steps }, profile_id: `full${i}` })
      if (r.status !== 200) refused = r
      else {
        const s = await small.end(r.json.run_id, 240000) // Chromium answers late where it cannot write
        assert.ok(s.status !== 'running' && s.status !== 'queued')
        if (s.status === 'failed' || s.status === 'halted') assert.ok(s.error || s.halt_reason || s.halt_class, JSON.stringify(s))
      }
    }
    if (refused) assert.match(refused.json.detail, /disk|space|full/i)
    assert.equal((await small.request('GET', '/v1/version')).status, 200)
  } finally {
    await small?.kill('SIGKILL').catch(() => {})
    execFileSync('umount', ['-l', dir])
    fs.rmdirSync(dir)
  }
})
