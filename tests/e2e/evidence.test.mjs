// What a run leaves beside its rows: where values were seen, pictures of rows, the account of every list,
// downloads, and the cache that later runs read. All of it is its tenant's alone.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { startSite } from './lib/harness.mjs'
import { startTenants } from './lib/tenants.mjs'

const roomy = { max_concurrent_runs: 10, rate_limit_per_minute: 1000, max_cost_per_run: 25 }
const listings = { micro: 'plans/example/extract_listings.json', max_cost: 2 }

let boats, widgets, server, widgetServer
before(async () => {
  boats = await startSite('marketplace')
  widgets = await startSite('widgets')
  server = await startTenants({ acme: roomy, rival: roomy }, { env: { MANTIS_ENV_URL: boats.url } })
  widgetServer = await startTenants({ acme: roomy, rival: roomy }, { env: { MANTIS_ENV_URL: widgets.url } })
})
after(async () => {
  for (const s of [server, widgetServer, boats, widgets]) await s?.stop()
})

const run = async (caller, body) => {
  const id = await caller.submit(body)
  const s = await caller.end(id, 120000)
  return { id, ...s, result: (await caller.result(id)).result }
}
const bytes = async (caller, url) => {
  const r = await fetch(caller.base + url, { headers: { 'X-Mantis-Token': caller.token } })
  return { status: r.status, type: r.headers.get('content-type'), body: Buffer.from(await r.arrayBuffer()) }
}
const sums = (list) => { for (const l of list) assert.equal(l.seen, l.emitted + l.skipped.reduce((n, s) => n + s.count, 0), JSON.stringify(l)) }

test('agent-loop 14.5 every value names URL, frame, box, step and time, and each row has its picture', { timeout: 180000 }, async () => {
  const acme = server.as('acme')
  const r = await run(acme, { ...listings, profile_id: 'evidence', row_images: true })
  assert.equal(r.status, 'succeeded')
  const rows = JSON.parse((await bytes(acme, `/v1/runs/${r.id}/artifacts/extracted_rows.json`)).body)
  assert.equal(rows.length, 3)
  for (const row of rows)
    for (const [field, e] of Object.entries(row._evidence)) {
      assert.match(e.frame, /^[0-9a-f]{17}$/, field)
      assert.match(e.url, /^http/)
      assert.ok(Math.abs(Date.now() - Date.parse(e.at)) < 180000, e.at)
      assert.equal(e.step_index, 4)
      if (field !== 'url') assert.equal(e.box.length, 4, field)
    }
  const pictures = r.result.artifacts.filter((a) => a.source === 'picture')
  assert.deepEqual(pictures.map((p) => p.name), rows.map((row) => row._image))
  for (const p of pictures) {
    const png = await bytes(acme, p.download_url)
    assert.equal(png.type, 'image/png')
    assert.equal(png.body.length, p.bytes)
    assert.deepEqual([png.body.readUInt32BE(16), png.body.readUInt32BE(20)], p.box.slice(2), 'as large as its box')
    assert.equal((await bytes(server.as('rival'), p.download_url)).status, 404)
  }
  sums(r.result.completeness)
  assert.equal(r.result.completeness[0].emitted, 3)
  assert.deepEqual(r.result.artifacts[0].completeness, r.result.completeness)
})

test('agent-loop 14.6 a later run passes over what an earlier one kept, and only within the tenant', { timeout: 240000 }, async () => {
  const acme = server.as('acme')
  const first = await run(acme, { ...listings, profile_id: 'cache', cache_write: true, cache_key: 'boats / 1' })
  const file = path.join(server.dir, 'tenants/acme/cache/boats_1.json')
  const kept = JSON.parse(fs.readFileSync(file))
  assert.equal(kept.version, 1)
  const urls = first.result.artifacts[0].data.map((d) => d.url)
  assert.deepEqual(Object.keys(kept.entries).sort(), urls.sort())
  for (const e of Object.values(kept.entries)) assert.deepEqual(Object.keys(e), ['summary', 'extracted_at', 'fields', 'item_label'])
  const again = await run(acme, { ...listings, profile_id: 'cache', cache_read: true, cache_key: 'boats / 1' })
  assert.equal(again.result.shared_seen_hits, 3)
  const next = (again.result.artifacts[0]?.data || []).map((d) => d.url)
  assert.ok(!next.some((u) => urls.includes(u)))
  sums(again.result.completeness)
  assert.equal(again.result.completeness[0].skipped.find((s) => s.reason === 'in_cache').count, 3)
  const direct = { steps: [{ type: 'navigate', intent: 'Open', params: { url: urls[0] } }, { type: 'extract_data', intent: 'Read', extract: { fields: ['year', 'make'] } }] }
  const hit = await run(acme, { task_suite: direct, profile_id: 'cache', cache_read: true, cache_key: 'boats / 1' })
  assert.equal(hit.result.artifacts[0].evidence[0].year.method, 'cache')
  const rival = await run(server.as('rival'), { task_suite: direct, cache_read: true, cache_key: 'boats / 1' })
  assert.equal(rival.result.artifacts[0].evidence[0].year.method, 'definition_list')
  const stale = await run(acme, { task_suite: direct, profile_id: 'cache', cache_read: true, cache_key: 'boats / 1', cache_ttl_seconds: 1 })
  assert.notEqual(stale.result.artifacts[0].evidence[0].year.method, 'cache')
})

test('what the browser downloads is listed and fetched, by its tenant only', { timeout: 120000 }, async () => {
  const acme = widgetServer.as('acme')
  for (const [name, label] of [['download', 'Inspection form'], ['download_blob', 'Export to CSV']]) {
    const steps = [{ type: 'navigate', intent: 'Open', params: { url: `{{ENV_URL}}/w/${name}` } },
      { type: 'click', intent: `Click "${label}"`, section: 'setup', params: { label }, hints: { layout: 'single' } }]
    const r = await run(acme, { task_suite: { steps }, profile_id: name })
    const [d, ...more] = r.result.artifacts.filter((a) => a.source === 'download')
    assert.ok(d && !more.length, JSON.stringify(r.result.artifacts))
    const file = await bytes(acme, d.download_url)
    assert.equal(file.status, 200)
    assert.equal(file.type, d.mime_type)
    assert.equal(file.body.length, d.bytes)
    assert.equal(crypto.createHash('sha256').update(file.body).digest('hex'), d.sha256)
    assert.match(d.source_url, /^(blob:)?http/)
    assert.match(d.page_url, new RegExp(`/w/${name}`))
    assert.equal(d.step_index, 1)
    assert.equal((await bytes(widgetServer.as('rival'), d.download_url)).status, 404)
  }
})
