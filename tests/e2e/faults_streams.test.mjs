// faults_streams.test.mjs - event streams that are cut, never read, begun at nonsense, or whose run goes away.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'

import { slow, until } from './lib/harness.mjs'
import { FakeClock, get, HELD_UP, metric, rawStatus, rssKb, Vitals, Wire } from './lib/faults.mjs'
import { queued, refused, roomy, takeSlot } from './lib/plans.mjs'
import { startTenants } from './lib/tenants.mjs'

let server, acme, header, vitals

before(async () => {
  server = await startTenants({ acme: { ...roomy, max_concurrent_runs: 1000 } })
  acme = server.as('acme')
  header = `X-Mantis-Token: ${acme.token}\r\n`
  await takeSlot(acme)
  vitals = new Vitals(server)
})
after(async () => {
  await vitals.well()
  await server?.stop()
})

const stream = (run, more = '') => get(`/v1/runs/${run}/events?sse=true`, header + more)
const open = async () => metric((await server.request('GET', '/metrics')).text, 'mantis_event_streams')

// Two events of a run that waits.
async function stir(caller, run, reason = 'stir') {
  for (const action of ['pause', 'resume']) assert.equal((await caller.predict({ action, run_id: run, reason })).status, 200)
}

test('two thousand streams that come and are cut at any moment leave nothing', async () => {
  const runs = await Promise.all(Array.from({ length: 10 }, () => queued(acme)))
  let streamed = 0
  for (let wave = 0; wave < 4; wave++) {
    const wires = Array.from({ length: 500 }, (_, i) => new Wire(server.port).send(stream(runs[i % runs.length])))
    const cutting = wires.map(async (w, i) => {
      await w.opened
      if (i % 3) await until(20000 * slow, 'the first frame', () => w.got.includes('event: phase') || w.ended, 10)
      if (i % 7 === 0) w.half()
      else if (i % 2) w.cut()
      else w.reset()
    })
    for (const run of runs) await stir(acme, run)
    await Promise.all(cutting)
    streamed += wires.filter((w) => w.got.includes('event: phase')).length
    await until(20000 * slow, 'the streams to be gone', async () => (await open()) === 0, 50)
    for (const w of wires) w.cut()
  }
  assert.ok(streamed > 1000, `only ${streamed} streams had begun`)
  for (const run of runs) await acme.request('POST', `/v1/runs/${run}/cancel`)
  await vitals.well()
})

// n callers of one stream that do not read (lib/mute.py). read() lets one of them read to the end.
async function mute(port, n, request) {
  const child = spawn('python3', [new URL('lib/mute.py', import.meta.url).pathname, String(port), String(n)], { stdio: ['pipe', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (d) => { out += d })
  const line = async (ms) => {
    await until(ms * slow, 'a line of mute.py', () => out.includes('\n') || child.exitCode !== null, 5)
    const at = out.indexOf('\n')
    const text = out.slice(0, at)
    out = out.slice(at + 1)
    return text
  }
  child.stdin.write(JSON.stringify(request) + '\n')
  assert.equal(await line(20000), 'ready')
  return {
    read: async () => { child.stdin.write('read\n'); return JSON.parse(await line(60000)) },
    end: () => { child.kill('SIGKILL') },
  }
}

test('streams that are never read keep nothing in memory and nobody waiting', async (t) => {
  const run = await queued(acme)
  const silent = await mute(server.port, 60, stream(run))
  t.after(() => silent.end())
  const eager = new Wire(server.port).send(stream(run))
  await until(20000 * slow, 'the streams', async () => (await open()) === 61, 20)
  const before = rssKb(server.child.pid)
  let slowest = 0
  for (let i = 0; i < 250; i++) {
    const at = performance.now()
    await stir(acme, run, 'r'.repeat(250))
    slowest = Math.max(slowest, performance.now() - at)
  }
  assert.ok(slowest < HELD_UP * slow, `one pause and resume took ${slowest} ms`)
  await acme.request('POST', `/v1/runs/${run}/cancel`)
  await until(10000 * slow, 'the end at the one that reads', () => eager.got.includes('event: terminal'))
  await until(10000 * slow, 'that one to be gone', async () => (await open()) === 60, 20)
  const grown = rssKb(server.child.pid) - before
  assert.ok(grown < 30000 * slow, `${grown} kB more`)
  const { events } = (await acme.request('GET', `/v1/runs/${run}/events`)).json
  for (let i = 0; i < 3; i++) assert.deepEqual(await silent.read(), { ids: events.length, whole: true }, 'late, but whole')
  silent.end()
  eager.cut()
  await until(20000 * slow, 'the streams to be gone', async () => (await open()) === 0, 50)
  await vitals.well()
})

test('a Last-Event-ID that is none is refused by name, one that may be is taken', async () => {
  const run = await queued(acme)
  await stir(acme, run)
  const { events } = (await acme.request('GET', `/v1/runs/${run}/events`)).json
  const ask = (id) => rawStatus(server.port, stream(run, `Last-Event-ID: ${id}\r\n`))
  for (const id of ['nonsense', '-1', '%00', '"}', '\xff', '2026', '2026-03-04T05:06:07.123456+00:00#x', '#', 'x'.repeat(3000), "'; DROP TABLE runs; --"]) {
    const { status, text } = await ask(id)
    assert.equal(status, 422, `${id}: ${text}`)
    assert.match(text, /Last-Event-ID/)
  }
  for (const id of [events[0].ts, `${events[0].ts}#${events[0].seq}`, '2000-01-01T00:00:00.000000+00:00', '2999-01-01T00:00:00.000000+00:00#999999999']) {
    const { status, text } = await ask(id)
    assert.equal(status, 200, `${id}: ${text}`)
  }
  refused(await acme.request('GET', '/v1/runs/20200101_000000_00000000/events?sse=true', undefined, { 'Last-Event-ID': 'nonsense' }), 404)
  await acme.request('POST', `/v1/runs/${run}/cancel`)
})

test('a run that grows old while it is followed ends its streams', FakeClock.needed('old runs that are followed are'), async (t) => {
  const clock = new FakeClock()
  const aging = await startTenants({ acme: roomy }, { env: { ...clock.env, MANTIS_RUN_TTL_DAYS: '7' } })
  t.after(async () => { await aging.stop(); clock.remove() })
  const caller = aging.as('acme')
  const token = `X-Mantis-Token: ${caller.token}\r\n`
  await takeSlot(caller)
  const paused = await queued(caller), over = await queued(caller)
  for (let i = 0; i < 250; i++) await stir(caller, over, 'r'.repeat(250))
  assert.equal((await caller.predict({ action: 'pause', run_id: paused })).status, 200)
  await caller.request('POST', `/v1/runs/${over}/cancel`)
  await aging.kill('SIGTERM')
  await aging.start() // the first look for old runs comes some seconds after it
  const events = `/v1/runs/${over}/events?sse=true`
  const late = await mute(aging.port, 3, get(events, token))
  t.after(() => late.end())
  const waiting = new Wire(aging.port).send(get(`/v1/runs/${paused}/events?sse=true`, token))
  const streams = async () => metric((await aging.request('GET', '/metrics')).text, 'mantis_event_streams')
  await until(10000 * slow, 'the streams', async () => waiting.got.includes('event: phase') && (await streams()) === 4)
  clock.jump(8 * 86400)
  await until(20000 * slow, 'the end of the run that was paused for too long', () => /event: terminal\ndata: \{"phase":"cancelled"/.test(waiting.got))
  await until(20000 * slow, 'the run that was over to be gone', async () => (await caller.request('GET', `/v1/runs/${over}`)).status === 404, 50)
  for (let i = 0; i < 3; i++) assert.ok((await late.read()).whole, 'a stream ends, with what there still was to send')
  await until(10000 * slow, 'the streams to be gone', async () => (await streams()) === 0, 20)
  assert.equal((await aging.request('GET', '/health')).status, 200)
  assert.equal((await rawStatus(aging.port, get(events, token))).status, 404)
  waiting.cut()
})
