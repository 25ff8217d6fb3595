// Events of a run: SSE byte by byte, the JSON twin, and the one cursor that all of them share.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { rawExchange, slow, until, within } from '../lib/harness.mjs'
import { neverWas, queued, refused, roomy, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { frames, openStream } from '../lib/sse.mjs'
import { startTenants } from '../lib/tenants.mjs'

const cursorForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00#\d+$/

// One run is followed from its submission to its end; then the only slot is taken, so what comes later
// stays queued.
const start = async () => {
  const server = await startTenants({
    acme: roomy, rival: roomy, busy: roomy,
    watcher: { ...roomy, tenant_id: 'acme', scopes: ['status'] },
    reader: { ...roomy, tenant_id: 'acme', scopes: ['logs'] },
    fetcher: { ...roomy, tenant_id: 'acme', scopes: ['result'] },
  }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const acme = server.as('acme')
  const done = await acme.submit({ task_suite: [...wait(0, 'first thing'), ...wait(0, 'second\nthing "ž"')], profile_id: 'followed' })
  const whole = await openStream(acme, done)
  await within(60000 * slow, 'end of the followed run', whole.ended)
  await takeSlot(server.as('busy'))
  const still = await queued(acme)
  const pinged = await openStream(acme, still) // 25 s from now a heartbeat comes
  const twin = (await acme.request('GET', `/v1/runs/${done}/events`)).json
  return { server, acme, done, still, pinged, twin, live: whole, text: (await acme.request('GET', `/v1/runs/${done}/events?sse=true&steps=false`)).text }
}

const stop = async (g) => {
  g.pinged.close()
  await g.server.stop()
}

const sse = (g, query = '', headers = {}) => g.acme.request('GET', `/v1/runs/${g.done}/events?sse=true${query}`, undefined, headers)
const cursorsOf = (text) => frames(text).filter((f) => f.id).map((f) => f.id)

cases({ start, stop }, (check) => {
  // --- the stream

  check('http-api 11', 'a stream is text/event-stream, not cached and not buffered', async (g) => {
    const r = await sse(g)
    assert.equal(r.status, 200)
    assert.equal(r.headers.get('content-type'), 'text/event-stream')
    assert.equal(r.headers.get('cache-control'), 'no-cache')
    assert.equal(r.headers.get('x-accel-buffering'), 'no')
  })

  check('http-api 11', 'the first frame is the phase, to the byte, without an id', async (g) => {
    const first = `event: phase\ndata: {"phase":"complete","run_id":"${g.done}"}\n\n`
    assert.ok((await sse(g, `&since=${encodeURIComponent(g.twin.events.at(-1).ts)}`)).text.startsWith(first))
    const { text } = g.pinged
    assert.equal(text.slice(0, text.indexOf('\n\n') + 2), `event: phase\ndata: {"phase":"queued","run_id":"${g.still}"}\n\n`)
  })

  check('http-api 11', 'the last frame is terminal, to the byte, and the stream ends with it', async (g) => {
    const last = `event: terminal\ndata: {"phase":"complete","run_id":"${g.done}","halt_class":null}\n\n`
    assert.ok(g.text.endsWith(`\n\n${last}`), g.text.slice(-300))
    assert.ok(g.live.text.endsWith(`\n\n${last}`), g.live.text.slice(-300))
    assert.equal(g.text.split('event: terminal').length, 2)
  })

  check('http-api 11', 'every row is one frame of id, event and data in one line, and data is the row', async (g) => {
    const want = g.twin.events.map((row) => ({ id: `${row.ts}#${row.seq}`, event: row.kind, row }))
    const got = frames(g.text).filter((f) => f.id)
    assert.deepEqual(got.map((f) => ({ id: f.id, event: f.event, row: JSON.parse(f.data) })), want)
    for (const f of got) assert.equal(f.text, `id: ${f.id}\nevent: ${f.event}\ndata: ${f.data}\n\n`)
  })

  check('http-api 11', 'a row has ts, layer, kind, summary, step_index, detail and category', async (g) => {
    assert.ok(g.twin.events.length >= 6)
    for (const row of g.twin.events) {
      for (const k of ['ts', 'layer', 'kind', 'summary', 'step_index', 'detail', 'category']) assert.ok(k in row, `${k} in ${JSON.stringify(row)}`)
      assert.match(row.ts, stamp)
      assert.ok(row.summary.length <= 300)
      assert.ok(Number.isInteger(row.step_index) && row.step_index >= -1)
      assert.equal(typeof row.detail, 'object')
      assert.equal(row.category, 'reasoning')
    }
    assert.ok(g.twin.events.some((r) => r.step_index === -1) && g.twin.events.some((r) => r.step_index === 1))
  })

  check('http-api 11', 'text of the plan with a line end and quotes stays in its row', async (g) => {
    const intents = frames(g.text).filter((f) => f.event === 'step_start').map((f) => JSON.parse(f.data).detail.intent)
    assert.deepEqual(intents, ['first thing', 'second\nthing "ž"'])
  })

  check('http-api 11', 'a stream that was open all the time says each phase once, in order', async (g) => {
    const phases = frames(g.live.text).filter((f) => f.event === 'phase')
    assert.deepEqual(phases.map((f) => JSON.parse(f.data).phase).slice(-2), ['running', 'complete'])
    assert.ok(phases.length <= 3)
    for (const f of phases) {
      assert.equal(f.id, undefined)
      assert.deepEqual(Object.keys(JSON.parse(f.data)), ['phase', 'run_id'])
    }
  })

  check('http-api 11', 'who was there all the time and who comes afterwards get the same rows', async (g) => {
    const rows = (text) => frames(text).filter((f) => f.id).map((f) => [f.id, f.event, JSON.parse(f.data)])
    assert.deepEqual(rows(g.live.text), rows(g.text))
  })

  check('http-api 11', 'ids rise as strings and no two are the same', async (g) => {
    const ids = cursorsOf(g.text)
    for (const id of ids) assert.match(id, cursorForm)
    assert.deepEqual([...new Set(ids)].sort((a, b) => Number(a.split('#')[1]) - Number(b.split('#')[1])), ids)
    for (let i = 1; i < ids.length; i++) assert.ok(ids[i - 1].split('#')[0] <= ids[i].split('#')[0])
  })

  check('http-api 11', 'a step has a short frame, without id, before the row that ends it', async (g) => {
    const all = frames((await sse(g)).text)
    const steps = all.filter((f) => f.event === 'step')
    assert.equal(steps.length, 2)
    for (const f of steps) {
      assert.equal(f.id, undefined)
      const data = JSON.parse(f.data)
      assert.equal(data.run_id, g.done)
      assert.equal(data.success, true)
      assert.equal(data.type, 'wait')
      const next = all[all.indexOf(f) + 1]
      assert.equal(next.event, 'step_end')
      assert.equal(JSON.parse(next.data).ts, data.ts)
    }
  })

  check('http-api 11', 'steps=false leaves the short frames out', async (g) => {
    assert.ok(!g.text.includes('event: step\n'))
  })

  for (const word of ['true', '1', 'yes', 'on', 'T'])
    check('http-api 11', `sse=${word} is a stream`, async (g) => {
      const r = await g.acme.request('GET', `/v1/runs/${g.done}/events?sse=${word}`)
      assert.equal(r.headers.get('content-type'), 'text/event-stream')
    })

  for (const word of ['false', '0', 'no', 'off'])
    check('http-api 11', `sse=${word} is JSON`, async (g) => {
      const r = await g.acme.request('GET', `/v1/runs/${g.done}/events?sse=${word}`)
      assert.equal(r.headers.get('content-type'), 'application/json')
    })

  // --- where it goes on

  check('http-api 11', 'since a row\'s cursor: the rows behind it, from any of them', async (g) => {
    const ids = cursorsOf(g.text)
    for (let i = 0; i < ids.length; i++)
      assert.deepEqual(cursorsOf((await sse(g, `&since=${encodeURIComponent(ids[i])}`)).text), ids.slice(i + 1))
  })

  check('http-api 11', 'a Last-Event-ID does the same, and wins over since', async (g) => {
    const ids = cursorsOf(g.text)
    assert.deepEqual(cursorsOf((await sse(g, '', { 'Last-Event-ID': ids[2] })).text), ids.slice(3))
    assert.deepEqual(cursorsOf((await sse(g, `&since=${encodeURIComponent(ids[0])}`, { 'Last-Event-ID': ids[4] })).text), ids.slice(5))
    assert.deepEqual(cursorsOf((await sse(g, `&since=${encodeURIComponent(ids[4])}`, { 'Last-Event-ID': ids[0] })).text), ids.slice(1))
  })

  check('http-api 11', 'a cursor of the old form, a time alone, is taken everywhere', async (g) => {
    const row = g.twin.events[3]
    const later = g.twin.events.filter((r) => r.ts > row.ts).map((r) => `${r.ts}#${r.seq}`)
    assert.deepEqual(cursorsOf((await sse(g, `&since=${encodeURIComponent(row.ts)}`)).text), later)
    assert.deepEqual(cursorsOf((await sse(g, '', { 'Last-Event-ID': row.ts })).text), later)
    const json = (await g.acme.request('GET', `/v1/runs/${g.done}/events?since=${encodeURIComponent(row.ts)}`)).json
    assert.deepEqual(json.events.map((r) => `${r.ts}#${r.seq}`), later)
    const trace = (await g.acme.predict({ action: 'reasoning_trace', run_id: g.done, since: row.ts })).json
    assert.deepEqual(trace.events, json.events)
  })

  check('http-api 11', 'a time between two rows is a place between them', async (g) => {
    const all = (since) => g.acme.request('GET', `/v1/runs/${g.done}/events?since=${encodeURIComponent(since)}`).then((r) => r.json.count)
    assert.equal(await all('2020-01-01T00:00:00.000000+00:00'), g.twin.count)
    assert.equal(await all('2099-01-01T00:00:00.000000+00:00'), 0)
  })

  check('http-api 11', 'a plus that was not encoded arrives as a blank and is understood', async (g) => {
    const ids = cursorsOf(g.text)
    const [ts, n] = ids[2].split('#')
    assert.deepEqual(cursorsOf((await sse(g, `&since=${ts}%23${n}`)).text), ids.slice(3))
  })

  check('http-api 11', 'a cursor of the last row gives the end at once', async (g) => {
    const ids = cursorsOf(g.text)
    const all = frames((await sse(g, '', { 'Last-Event-ID': ids.at(-1) })).text)
    assert.deepEqual(all.map((f) => f.event), ['phase', 'terminal'])
  })

  check('http-api 11', 'a reader that loses its connection after every frame gets every row once', async (g) => {
    const got = []
    for (let last = ''; ;) {
      const stream = await openStream(g.acme, g.done, '&steps=false', last ? { 'Last-Event-ID': last } : {})
      await within(10000 * slow, 'a row or the end', Promise.race([stream.ended, stream.has((f) => f.id)]))
      const row = frames(stream.text).find((f) => f.id)
      stream.close()
      if (!row) break
      got.push(row.id)
      last = row.id
    }
    assert.deepEqual(got, cursorsOf(g.text))
  })

  for (const [what, value] of [['no time', 'banana'], ['one with a word behind', '2026-01-01T00:00:00.000000+00:00#x']])
    check('http-api 11', `a cursor that is ${what} is 422 naming where it came from`, async (g) => {
      const bad = await sse(g, `&since=${encodeURIComponent(value)}`)
      assert.equal(bad.status, 422, bad.text)
      assert.deepEqual(bad.json.detail[0].loc, ['query', 'since'])
      const header = await sse(g, '', { 'Last-Event-ID': value })
      assert.equal(header.status, 422, header.text)
      assert.deepEqual(header.json.detail[0].loc, ['header', 'Last-Event-ID'])
      assert.equal((await g.acme.request('GET', `/v1/runs/${g.done}/events?since=${encodeURIComponent(value)}`)).status, 422)
    })

  // --- one cursor

  check('http-api 11', 'logs have the times of the same rows, in the same order', async (g) => {
    const logs = (await g.acme.predict({ action: 'logs', run_id: g.done })).json.events.map((l) => JSON.parse(l))
    assert.deepEqual(logs.map((l) => [l.ts, l.message]), g.twin.events.map((r) => [r.ts, r.summary]))
    for (const [i, line] of logs.entries()) {
      const later = (await g.acme.request('GET', `/v1/runs/${g.done}/events?since=${encodeURIComponent(line.ts)}`)).json
      assert.equal(later.count, logs.filter((l) => l.ts > line.ts).length, `line ${i}`)
    }
  })

  check('http-api 11', 'the JSON twin is what action=reasoning_trace answers: status, events and count', async (g) => {
    const trace = (await g.acme.predict({ action: 'reasoning_trace', run_id: g.done })).json
    assert.deepEqual(trace, (await g.acme.request('GET', `/v1/runs/${g.done}/events`)).json)
    const { events, count, ...status } = trace
    assert.deepEqual(status, await g.acme.status(g.done))
    assert.equal(count, events.length)
  })

  check('http-api 11', 'since is strictly greater', async (g) => {
    for (const [i, row] of g.twin.events.entries()) {
      const r = (await g.acme.request('GET', `/v1/runs/${g.done}/events?since=${encodeURIComponent(`${row.ts}#${row.seq}`)}`)).json
      assert.deepEqual(r.events, g.twin.events.slice(i + 1))
      assert.equal(r.count, r.events.length)
    }
  })

  check('http-api 11', 'the numbers of the rows are 1, 2, 3 without a gap', async (g) => {
    assert.deepEqual(g.twin.events.map((r) => r.seq), g.twin.events.map((_, i) => i + 1))
  })

  check('http-api 11', 'a number is written the same in the stream, the JSON twin and the logs', async (g) => {
    const twin = (await g.acme.request('GET', `/v1/runs/${g.done}/events`)).text
    const logs = (await g.acme.predict({ action: 'logs', run_id: g.done })).text
    for (const text of [g.text, g.live.text, twin, logs]) assert.doesNotMatch(text, /\d\.\d{16,}/)
  })

  // --- who may, and what is not there

  check('http-api 11', 'an unknown run is 404 before anything is streamed', async (g) => {
    for (const query of ['', '?sse=true', '?sse=true&since=2026']) {
      const r = refused(await g.acme.request('GET', `/v1/runs/${neverWas}/events${query}`), 404, new RegExp(neverWas))
      assert.equal(r.headers.get('content-type'), 'application/json')
    }
  })

  check('http-api 11', 'a malformed run id is 400', async (g) => {
    refused(await g.acme.request('GET', '/v1/runs/a%20b/events?sse=true'), 400, /run_id/)
  })

  check('http-api 11', 'a run of another tenant is 404, streamed or not', async (g) => {
    for (const query of ['', '?sse=true'])
      refused(await g.server.as('rival').request('GET', `/v1/runs/${g.done}/events${query}`), 404)
  })

  for (const [scope, name, status] of [['status', 'watcher', 200], ['logs', 'reader', 200], ['result', 'fetcher', 403]])
    check('http-api 11', `a token with scope ${scope} alone gets ${status}`, async (g) => {
      for (const query of ['', '?sse=true']) assert.equal((await g.server.as(name).request('GET', `/v1/runs/${g.done}/events${query}`)).status, status)
    })

  check('http-api 11', 'a wrong token is 401 before streaming', async (g) => {
    refused(await g.server.as('nobody-at-all-here').request('GET', `/v1/runs/${g.done}/events?sse=true`), 401)
  })

  // --- streams of runs that go on

  check('http-api 11', 'what happens to a run comes to a stream that is open: cancelled, with its class', async (g) => {
    const id = await queued(g.acme)
    const stream = await openStream(g.acme, id)
    await within(5000 * slow, 'first frame', stream.has((f) => f.event === 'phase'))
    await g.acme.request('POST', `/v1/runs/${id}/cancel`)
    await within(10000 * slow, 'the end', stream.ended)
    assert.ok(stream.text.endsWith(`event: phase\ndata: {"phase":"cancelled","run_id":"${id}"}\n\n` +
      `event: terminal\ndata: {"phase":"cancelled","run_id":"${id}","halt_class":"cancelled"}\n\n`), stream.text)
  })

  check('http-api 11', 'a paused run has the phase running, with its status beside it', async (g) => {
    const id = await queued(g.acme)
    const stream = await openStream(g.acme, id)
    await within(5000 * slow, 'first frame', stream.has((f) => f.event === 'phase'))
    assert.equal((await g.acme.predict({ action: 'pause', run_id: id })).status, 200)
    await within(5000 * slow, 'phase running', stream.has((f) => f.data === `{"phase":"running","run_id":"${id}","status":"paused"}`))
    await g.acme.predict({ action: 'cancel', run_id: id })
    await within(10000 * slow, 'the end', stream.ended)
  })

  check('http-api 11', 'many streams of one run all get its end', async (g) => {
    const id = await queued(g.acme)
    const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(g.acme, id)))
    await g.acme.predict({ action: 'cancel', run_id: id })
    await within(10000 * slow, 'all ends', Promise.all(streams.map((s) => s.ended)))
    for (const s of streams) assert.equal(s.text, streams[0].text)
  })

  check('http-api 11', 'a stream whose reader hangs up is given back', async (g) => {
    const open = async () => Number(/^mantis_event_streams\{tenant_id="acme"\} (\d+)$/m.exec((await g.acme.request('GET', '/metrics')).text)?.[1] ?? 0)
    const id = await queued(g.acme)
    const before = await open()
    const streams = await Promise.all([1, 2, 3].map(() => openStream(g.acme, id)))
    assert.equal(await open(), before + 3)
    for (const s of streams) s.close()
    await until(5000 * slow, 'streams are given back', async () => (await open()) === before)
    await g.acme.predict({ action: 'cancel', run_id: id })
  })

  check('http-api 11', 'HEAD of a stream is its headers and nothing else: the connection goes on', async (g) => {
    const head = (method, path, more) => `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Mantis-Token: ${g.acme.token}\r\n${more}\r\n`
    const raw = await rawExchange(g.server.port, head('HEAD', `/v1/runs/${g.done}/events?sse=true`, '') + head('GET', '/v1/queue', 'Connection: close\r\n'))
    const [first, second] = raw.split('\r\n\r\n')
    assert.match(first, /^HTTP\/1\.1 200 [^]*text\/event-stream/)
    assert.match(second, /^HTTP\/1\.1 200 /)
  })

  check('http-api 11', 'a stream on which nothing happens says a ping, a comment line', async (g) => {
    await within(30000 * slow, 'a ping', g.pinged.has((f) => f.text === ': ping\n\n'))
  })
})
