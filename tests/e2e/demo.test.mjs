// The main job: the smoke request gives the site's own records; the run's files are there.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test, { after, before } from 'node:test'
import { rowKey, slow, startServer, startSite } from './lib/harness.mjs'

let site, server
before(async () => {
  site = await startSite('marketplace')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

const smoke = {
  detached: true, micro: 'plans/example/extract_listings.json', profile_id: 'smoke',
  workflow_id: 'smoke-test-v1', max_cost: 2, max_time_minutes: 20,
}

test('the smoke request returns the three leads that the site knows', async () => {
  const handle = (await server.request('POST', '/predict', smoke)).json
  assert.equal(handle.status, 'queued')
  assert.match(handle.run_id, /^\d{8}_\d{6}_[0-9a-f]{8}$/)
  assert.equal(handle.payload.profile_id, 'default__smoke')
  const status = await server.end(handle.run_id)
  assert.equal(status.status, 'succeeded', JSON.stringify(status))
  const { result } = await server.result(handle.run_id)
  assert.equal(result.terminal_status, 'completed')
  assert.equal(result.viable, 3)
  const rows = result.artifacts.find((a) => a.name === 'extracted_rows').data
  const truth = (await site.admin('GET', '/__env__/oracle?task_id=extract_listings')).rows
  assert.deepEqual(rows.map(rowKey), truth.map(rowKey))
  for (const lead of result.leads) assert.match(lead, /^VIABLE \| /)

  for (const name of ['leads.csv', 'extracted_rows.csv', 'extracted_rows.json', 'result.json', 'final.png']) {
    const r = await server.request('GET', `/v1/runs/${handle.run_id}/artifacts/${name}`)
    assert.equal(r.status, 200, name)
    assert.match(r.headers.get('content-disposition'), new RegExp(`filename="${name}"`))
  }
  const events = await server.events(handle.run_id)
  assert.ok(events.length > 10)
  const buckets = result.wall_time_breakdown
  const sum = Object.values(buckets).reduce((a, b) => a + b, 0)
  assert.ok(Math.abs(sum - result.total_time_s) <= 0.05 * result.total_time_s + 1, `${sum} of ${result.total_time_s}`)
  for (const file of ['status.json', 'result.json', 'events.log', 'leads.csv'])
    assert.ok(fs.existsSync(`${server.dir}/tenants/default/runs/${handle.run_id}/${file}`), file)
})

test('a second run of the same profile is refused while the first lives, and works after it', async () => {
  const first = await server.submit(smoke)
  const second = await server.predict(smoke)
  assert.equal(second.status, 409)
  assert.match(second.json.detail, new RegExp(first))
  await server.end(first)
  await server.end(await server.submit(smoke))
})

test('detached:false blocks until the result is there', async () => {
  const r = await server.predict({ ...smoke, detached: false, profile_id: 'sync' })
  assert.equal(r.status, 200)
  assert.equal(r.json.terminal_status, 'completed')
  assert.equal(r.json.viable, 3)
})

test('the other example plans end well', async () => {
  for (const micro of fs.readdirSync(new URL('../../plans/example', import.meta.url)).filter((n) => n.endsWith('.json'))) {
    const id = await server.submit({ micro: `plans/example/${micro}`, profile_id: micro })
    const s = await server.end(id, 90000)
    assert.equal(s.status, 'succeeded', `${micro}: ${s.halt_reason} ${JSON.stringify(s)}`)
  }
})

test('cancel ends a running run within two seconds and keeps what it has', { timeout: 60000 * slow }, async () => {
  const id = await server.submit({ ...smoke, profile_id: 'cancel' })
  await server.request('GET', `/v1/runs/${id}`)
  for (;;) if ((await server.events(id)).length > 3) break
  const asked = Date.now()
  assert.equal((await server.predict({ action: 'cancel', run_id: id })).json.status, 'cancelled')
  const { descendants } = await import('./lib/harness.mjs')
  while (descendants(server.child.pid).length) assert.ok(Date.now() - asked < 2500 * slow, 'worker still alive')
  assert.equal((await server.status(id)).status, 'cancelled')
})
