// The files of a run: which there are, their headers, and that they all say the same.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { startSite } from '../lib/harness.mjs'
import { neverWas, queued, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const site = await startSite('marketplace')
  const tenant = (scopes) => ({ ...roomy, tenant_id: 'acme', scopes })
  const server = await startTenants({ acme: roomy, rival: roomy, busy: roomy, status: tenant(['status']), result: tenant(['result']), logs: tenant(['logs']), nothing: tenant([]) },
    { env: { MANTIS_ENV_URL: site.url, MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const acme = server.as('acme')
  const rows = await acme.submit({ micro: 'plans/example/extract_listings.json', profile_id: 'rows' })
  const none = await acme.submit({ task_suite: wait(), profile_id: 'none' })
  await acme.end(rows)
  await acme.end(none)
  await takeSlot(server.as('busy'))
  const live = await queued(acme)
  const { rows: truth } = await site.admin('GET', '/__env__/oracle?task_id=extract_listings')
  return { site, server, acme, rows, none, live, truth, result: (await acme.result(rows)).result, empty: (await acme.result(none)).result }
}

const stop = async (g) => {
  await g.server.stop()
  await g.site.stop()
}

const fetchFile = (caller, id, name) => caller.request('GET', `/v1/runs/${id}/artifacts/${name}`)
const types = { 'leads.csv': 'text/csv', 'extracted_rows.csv': 'text/csv', 'extracted_rows.json': 'application/json', 'result.json': 'application/json' }
const columns = ['year', 'make', 'model', 'price', 'phone', 'url']

// RFC 4180, refusing what is not.
function csv(text) {
  const lines = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  let row = []
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex
    const m = cell.exec(text)
    assert.ok(m, `no CSV at ${at}: ${text.slice(at, at + 40)}`)
    row.push(m[1] === undefined ? m[2] : m[1].replaceAll('""', '"'))
    if (m[3] !== ',') { lines.push(row); row = [] }
  }
  const [head, ...rest] = lines
  return { head, rows: rest.map((cells) => Object.fromEntries(head.map((h, i) => [h, cells[i]]))), lines }
}

cases({ start, stop }, (check) => {
  for (const [name, type] of Object.entries(types))
    check('http-api 16', `${name} comes as ${type}, to be saved under its name`, async (g) => {
      const r = await fetchFile(g.acme, g.rows, name)
      assert.equal(r.status, 200)
      assert.equal(r.headers.get('content-type'), type)
      assert.equal(r.headers.get('content-disposition'), `attachment; filename="${name}"`)
      assert.equal(Number(r.headers.get('content-length')), Buffer.byteLength(r.text))
    })

  check('http-api 16', 'artifacts begin with the rows themselves', async (g) => {
    const [first] = g.result.artifacts
    assert.deepEqual([first.name, first.kind, first.mime_type, first.row_count], ['extracted_rows', 'structured_data', 'application/json', 3])
    assert.deepEqual(first.schema, { fields: columns })
    assert.equal(first.data.length, 3)
    for (const row of first.data) assert.deepEqual(Object.keys(row), columns)
  })

  check('http-api 16', 'then each file, once, with an address that answers', async (g) => {
    const files = g.result.artifacts.slice(1)
    assert.equal(new Set(files.map((f) => f.name)).size, files.length)
    for (const name of ['leads.csv', 'extracted_rows.csv', 'extracted_rows.json']) assert.ok(files.some((f) => f.name === name), name)
    for (const f of files) {
      assert.equal(f.kind, 'file')
      assert.equal(f.download_url, `/v1/runs/${g.rows}/artifacts/${f.name}`)
      const r = await g.acme.request('GET', f.download_url)
      assert.equal(r.status, 200, f.name)
      assert.equal(r.headers.get('content-type'), f.mime_type)
    }
  })

  check('http-api 16', 'row counts and schemas of the files are those of the rows', async (g) => {
    for (const name of ['leads.csv', 'extracted_rows.csv', 'extracted_rows.json']) assert.equal(g.result.artifacts.find((f) => f.name === name).row_count, 3, name)
    assert.deepEqual(g.result.artifacts.find((f) => f.name === 'extracted_rows.csv').schema, { fields: columns })
  })

  check('http-api 16', 'extracted_rows.csv: the schema\'s columns in its order, CRLF, one line per row', async (g) => {
    const { head, lines } = csv((await fetchFile(g.acme, g.rows, 'extracted_rows.csv')).text)
    assert.deepEqual(head, columns)
    assert.equal(lines.length, 4)
    for (const l of lines) assert.equal(l.length, columns.length)
  })

  check('http-api 16', 'extracted_rows.json, the CSV, result.json and the result say the same', async (g) => {
    const json = JSON.parse((await fetchFile(g.acme, g.rows, 'extracted_rows.json')).text)
    assert.deepEqual(json.map(({ _evidence, ...row }) => row), g.result.artifacts[0].data)
    assert.deepEqual(json.map((r) => r._evidence), g.result.artifacts[0].evidence)
    const rows = csv((await fetchFile(g.acme, g.rows, 'extracted_rows.csv')).text).rows
    assert.deepEqual(rows, json.map((r) => Object.fromEntries(columns.map((c) => [c, String(r[c] ?? '')]))))
    assert.deepEqual(JSON.parse((await fetchFile(g.acme, g.rows, 'result.json')).text), g.result)
  })

  check('http-api 16', 'the rows are the true ones', async (g) => {
    assert.deepEqual(g.result.artifacts[0].data.map((r) => columns.map((c) => String(r[c]))), g.truth.map((r) => columns.map((c) => String(r[c]))))
  })

  check('http-api 16', 'leads.csv has a status in front, the original at the end, and its parts between', async (g) => {
    const { head, rows } = csv((await fetchFile(g.acme, g.rows, 'leads.csv')).text)
    assert.equal(head[0], 'status')
    assert.equal(head.at(-1), 'raw')
    for (const c of columns) assert.ok(head.includes(c), c)
    assert.deepEqual(rows.map((r) => r.raw), g.result.leads)
    for (const [i, row] of rows.entries()) {
      assert.equal(row.status, 'VIABLE')
      assert.match(row.raw, /^VIABLE \| Year: \d{4} \| Make: /)
      for (const c of columns) assert.equal(row[c], String(g.truth[i][c]), c)
    }
  })

  check('http-api 16', 'a value with a comma is quoted', async (g) => {
    assert.match((await fetchFile(g.acme, g.rows, 'extracted_rows.csv')).text, /"USD 32,200"/)
  })

  check('http-api 16', 'a run without rows lists no rows and no row files, and they are 404', async (g) => {
    assert.ok(!g.empty.artifacts.some((f) => f.kind === 'structured_data' || f.name in types))
    for (const name of ['leads.csv', 'extracted_rows.csv', 'extracted_rows.json']) refused(await fetchFile(g.acme, g.none, name), 404, new RegExp(name))
    assert.equal((await fetchFile(g.acme, g.none, 'result.json')).status, 200)
  })

  check('http-api 16', 'a run that is not over has none yet', async (g) => {
    for (const name of Object.keys(types)) refused(await fetchFile(g.acme, g.live, name), 404)
  })

  check('http-api 16', 'claude_cost_by_path.json is 404 for a run without a call to Claude', async (g) => {
    refused(await fetchFile(g.acme, g.rows, 'claude_cost_by_path.json'), 404)
  })

  for (const name of ['status.json', 'payload.json', 'events.log', 'reasoning.jsonl', 'x', 'leads.CSV', 'leads.csv.bak', '.', 'work', 'worker.log', '%2e%2e', '..%2f..%2f..%2fmantis.db', 'leads.csv%00', 'leads.csv%2f', '%2fetc%2fpasswd', 'x'.repeat(300)])
    check('http-api 16', `${name.length > 40 ? 'a long name' : name} is no artifact`, async (g) => {
      const r = await fetchFile(g.acme, g.rows, name)
      assert.ok([400, 404].includes(r.status), `${r.status}`)
      assert.ok(!r.text.includes('root:') && !r.text.includes(g.server.dir))
    })

  check('http-api 16', 'an unknown run is 404, a malformed one 400, another tenant\'s 404', async (g) => {
    refused(await fetchFile(g.acme, neverWas, 'leads.csv'), 404, new RegExp(neverWas))
    refused(await fetchFile(g.acme, 'a%20b', 'leads.csv'), 400, /run_id/)
    for (const name of Object.keys(types)) refused(await fetchFile(g.server.as('rival'), g.rows, name), 404)
  })

  for (const [scope, status] of [['result', 200], ['status', 403], ['logs', 403], ['nothing', 403]])
    check('http-api 16', `a token with ${scope === 'nothing' ? 'no scope' : `scope ${scope}`} gets ${status}`, async (g) => {
      assert.equal((await fetchFile(g.server.as(scope), g.rows, 'leads.csv')).status, status)
    })

  check('http-api 16', 'without a token 401', async (g) => {
    assert.equal((await fetch(`${g.server.base}/v1/runs/${g.rows}/artifacts/leads.csv`)).status, 401)
  })

  check('http-api 16', 'HEAD says the same headers and sends no file', async (g) => {
    const r = await fetch(`${g.server.base}/v1/runs/${g.rows}/artifacts/leads.csv`, { method: 'HEAD', headers: { 'X-Mantis-Token': g.acme.token } })
    assert.equal(r.status, 200)
    assert.equal(r.headers.get('content-type'), 'text/csv')
    assert.equal(await r.text(), '')
  })

  check('http-api 2', 'augur routes and computer sessions are not part of this server: 404', async (g) => {
    for (const [method, route] of [['GET', `/v1/runs/${g.rows}/augur`], ['GET', `/v1/runs/${g.rows}/augur/files/a.json`], ['POST', '/v1/computer_sessions'], ['GET', '/v1/computer_sessions'], ['GET', '/v1/computer_sessions/x'], ['DELETE', '/v1/computer_sessions/x']]) {
      const r = await g.acme.request(method, route, method === 'POST' ? {} : undefined)
      assert.deepEqual([r.status, r.text], [404, '{"detail":"Not Found"}'], `${method} ${route}`)
    }
  })
})
