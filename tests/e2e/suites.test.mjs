// Task suites against real sites and a real browser: every proof, both ways; a session that one suite saves and
// another needs; items and pages; going on after a kill.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { startServer, startSite, until, victim } from './lib/harness.mjs'

const sites = {}, servers = {}
before(async () => {
  for (const name of ['crm', 'shop', 'marketplace']) {
    sites[name] = await startSite(name)
    servers[name] = await startServer({ env: { MANTIS_ENV_URL: sites[name].url } })
  }
})
after(async () => {
  for (const s of [...Object.values(servers), ...Object.values(sites)]) await s?.stop()
})

const login = { task_id: 'login', intent: "Log in as 'dana@tallowmere.example' with password 'harbor-lantern-42'", start_url: '/login' }
const at = (task_id, intent, verify, more = {}) => ({ task_id, intent, verify, ...more })

async function run(name, suite, more = {}) {
  const server = servers[name]
  const id = await server.submit({ task_suite: { base_url: '{{ENV_URL}}/', ...suite }, profile_id: 'suites', ...more })
  const status = await server.end(id, 120000)
  const { result } = await server.result(id)
  return { id, status: status.status, result, tasks: Object.fromEntries((result.task_details || []).map((t) => [t.task_id, t])) }
}
const why = (r) => JSON.stringify(r.result.step_details.map((s) => s.data))

test('a suite logs in, saves its session, and a second suite that needs it is in', async () => {
  const { crm } = sites
  await crm.admin('POST', '/__env__/trust')
  const first = await run('crm', { session_name: 'tallowmere', tasks: [{ ...login, save_session: true, verify: { type: 'url_contains', value: '/CUSTOMERS' } }] })
  assert.equal(first.status, 'succeeded', why(first))
  assert.deepEqual([first.result.mode, first.result.passed, first.result.total, first.result.score], ['task_suite', 1, 1, 100])
  assert.equal(first.tasks.login.session_saved, true)
  assert.ok(!JSON.stringify(await servers.crm.events(first.id)).includes('"text":"harbor-lantern-42"'), 'typed text is not told')

  const needs = { task_id: 'list', intent: 'Verify that "Customers" is shown', start_url: '/customers/', require_session: true, verify: { type: 'url_not_contains', value: 'login' } }
  const second = await run('crm', { session_name: 'tallowmere', tasks: [needs] })
  assert.equal(second.status, 'succeeded', why(second))
  assert.equal(second.tasks.list.session_restored, true)

  for (const [suite, more] of [[{ session_name: 'another', tasks: [needs] }, {}], [{ session_name: 'tallowmere', tasks: [needs] }, { profile_id: 'elsewhere' }]]) {
    const none = await run('crm', suite, more)
    assert.equal(none.status, 'halted')
    assert.match(none.result.step_details[0].data, /^session_missing:no session '.*' was saved in this profile/)
    assert.equal(none.result.halt_reason, 'task_failed')
  }
  const saved = path.join(servers.crm.dir, 'tenants/default/chrome-profile')
  const files = fs.readdirSync(saved, { recursive: true }).filter((f) => String(f).includes('mantis-sessions') && String(f).endsWith('.json'))
  assert.equal(files.length, 1)
  assert.equal(fs.statSync(path.join(saved, String(files[0]))).mode & 0o777, 0o600)
})

test('every proof holds and fails on what the page is', async () => {
  const { crm } = sites
  await crm.admin('POST', '/__env__/trust')
  const look = 'Verify that "Customers" is shown'
  const more = { continue_on_failure: true, start_url: '/customers/' }
  const tasks = [
    { ...login, verify: { type: 'url_exact', value: '{{ENV_URL}}/customers/' } },
    at('no-exact', look, { type: 'url_exact', value: '{{ENV_URL}}/customers' }, more),
    at('no-url', look, { type: 'url_contains', value: '/orders' }, more),
    at('no-not', look, { type: 'url_not_contains', value: 'Customers' }, more),
    at('text', look, { type: 'page_contains_text', value: 'CUSTOMERS' }, more),
    at('no-text', look, { type: 'page_contains_text', value: 'Order book' }, more),
    at('exists', look, { type: 'element_exists', selector: 'table tbody > tr:nth-child(12) a[href^="/customers/"]' }, more),
    at('no-exists', look, { type: 'element_exists', selector: 'tbody > tr:nth-child(13)' }, more),
    at('says', look, { type: 'element_text', selector: 'h1', value: 'customers' }, more),
    at('no-says', look, { type: 'element_text', selector: 'h1', value: 'Orders' }, more),
    at('no-file', look, { type: 'download_exists', value: '*.csv' }, { ...more, max_steps: 4 }),
    at('file', "Click 'Export'", { type: 'download_exists', value: 'customers*.csv' }, more),
  ]
  const r = await run('crm', { session_name: 'proofs', tasks }, { profile_id: 'proofs' }) // not logged in yet
  for (const t of tasks) assert.equal(r.tasks[t.task_id].success, !t.task_id.startsWith('no-'), `${t.task_id}: ${JSON.stringify(r.tasks[t.task_id])}`)
  assert.deepEqual([r.status, r.result.passed, r.result.total], ['halted', 5, 12])
  assert.match(r.tasks['no-says'].verify.reason, /'h1' says 'Customers', not 'Orders'/)
  assert.equal(r.result.termination_reason.split('; ').length, 12)
  for (const key of ['steps', 'duration_s', 'termination_reason', 'final_url', 'costs']) assert.ok(key in r.tasks.login, key)
})

test('the first task that fails stops the suite and says what was looked for', async () => {
  const r = await run('shop', { tasks: [
    at('cart', "Search for 'Enamel Mug', open the first result, select 'Sky' from 'Color' and add it to the cart", { type: 'element_text', selector: '#cart-count', value: '1' }, { start_url: '/' }),
    at('nonsense', "Click 'Teleport' and then open the cart", undefined, { start_url: '/shop/' }),
    at('never', "Open the cart"),
  ] })
  assert.equal(r.tasks.cart.success, true, why(r))
  assert.equal(r.status, 'halted')
  assert.equal(r.result.total, 3)
  assert.equal(Object.keys(r.tasks).length, 2)
  assert.match(r.tasks.nonsense.summary, /part 1 of 2, "Click 'Teleport'": .*teleport.*nearest/)
})

const loop = { task_id: 'boats', intent: 'Open the {ORDINAL} listing', start_url: '/boats/?seller=private', loop: { max_pages: 2, max_iterations: 16 },
  extract: { fields: [{ name: 'year' }, { name: 'make' }, { name: 'price' }, { name: 'url' }] } }
const urls = (r) => r.result.artifacts.find((a) => a.name === 'extracted_rows').data.map((row) => row.url)

test('items of two pages are opened, read once each, and a killed worker loses none', async () => {
  const whole = await run('marketplace', { tasks: [loop] })
  const d = whole.tasks.boats
  assert.equal(whole.status, 'succeeded', why(whole))
  assert.deepEqual([d.pages, d.iterations], [2, 16], JSON.stringify(d))
  assert.ok(d.viable >= 12, JSON.stringify(d))
  assert.equal(new Set(urls(whole)).size, d.viable)
  assert.ok(d.failure_breakdown.page_exhausted >= 1, 'the first page ended')

  const server = servers.marketplace
  const id = await server.submit({ task_suite: { base_url: '{{ENV_URL}}/', tasks: [loop] }, profile_id: 'killed' })
  await until(60000, 'three items', async () => (await server.events(id)).filter((e) => e.kind === 'item').length >= 3)
  process.kill(victim(server.child.pid, 'worker').pid, 'SIGKILL')
  const status = await server.end(id, 120000)
  assert.equal(status.status, 'succeeded')
  const { result } = await server.result(id)
  assert.deepEqual(urls({ result }).sort(), urls(whole).sort())
})
