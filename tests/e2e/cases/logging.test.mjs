// Log lines: JSON, one a line whatever is in them, with whom they are about.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { rawExchange, slow, startServer, until } from '../lib/harness.mjs'
import { queued, roomy, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({ acme: roomy, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const acme = server.as('acme')
  const done = await acme.submit({ task_suite: wait(0, 'an intent\nwith a line end') })
  await acme.end(done)
  await takeSlot(server.as('busy'))
  return { server, acme, done }
}

const linesOf = (server) => server.child.log.split('\n').slice(0, -1)
const line = (server, fits) => until(5000 * slow, 'a log line', () => linesOf(server).map((l) => JSON.parse(l)).find(fits))
const of = (server, reply) => line(server, (l) => l.request_id === reply.headers.get('x-request-id'))

async function using(options, fn) {
  const server = await startServer(options)
  try { return await fn(server) } finally { await server.stop() }
}

const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const badTraces = ['', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331', '00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'.repeat(300)]
const badIds = ['', 'a b', 'x'.repeat(65), 'a"b', 'a=b;c', '<script>', 'ž'.normalize('NFD').replace(/z/, '%')]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 19', 'every line is one JSON object with ts, level, logger and msg', async (g) => {
    await g.acme.predict({ task_suite: wait(0, 'x\r\ny'), dry_run: true })
    await g.acme.request('GET', '/v1/runs/a%0Ab')
    const lines = linesOf(g.server)
    assert.ok(lines.length > 4)
    for (const text of lines) {
      const l = JSON.parse(text)
      assert.match(l.ts, stamp)
      assert.ok(['DEBUG', 'INFO', 'WARNING', 'ERROR'].includes(l.level), l.level)
      assert.match(l.logger, /^mantis\.\w+$/)
      assert.equal(typeof l.msg, 'string')
      assert.deepEqual(Object.keys(l).filter((k) => !['ts', 'level', 'logger', 'msg', 'tenant_id', 'run_id', 'request_id', 'trace_id', 'client', 'exc'].includes(k)), [])
    }
  })

  check('http-api 19', 'lines about a run name it and its tenant, also those that no call caused', async (g) => {
    const ended = await line(g.server, (l) => l.run_id === g.done && l.msg.startsWith('run ended'))
    assert.equal(ended.tenant_id, 'acme')
    assert.equal(ended.request_id, undefined)
  })

  check('http-api 19', 'an answer carries the id its line has, and each call has its own', async (g) => {
    const replies = await Promise.all(Array.from({ length: 10 }, () => g.acme.predict({ task_suite: wait(), dry_run: true })))
    const ids = replies.map((r) => r.headers.get('x-request-id'))
    assert.equal(new Set(ids).size, 10)
    for (const r of replies) assert.equal((await of(g.server, r)).tenant_id, 'acme')
  })

  check('http-api 19', 'a caller\'s own X-Request-Id is taken', async (g) => {
    const r = await g.acme.predict({ task_suite: wait(), dry_run: true }, { 'X-Request-Id': 'my.own-ID_1' })
    assert.equal(r.headers.get('x-request-id'), 'my.own-ID_1')
    await of(g.server, r)
  })

  for (const id of badIds)
    check('http-api 19', `the X-Request-Id ${JSON.stringify(id.slice(0, 20))}${id.length > 20 ? '...' : ''} is replaced`, async (g) => {
      const raw = await rawExchange(g.server.port, `GET /v1/nowhere HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\nConnection: close\r\n\r\n`)
      const [, given] = /X-Request-Id: (.*)\r\n/i.exec(raw)
      assert.match(given, /^[0-9a-f]{16}$/)
    })

  check('http-api 19', 'open routes and refusals have an id, too', async (g) => {
    for (const route of ['/health', '/v1/version', '/v1/nowhere']) assert.ok((await g.acme.request('GET', route)).headers.get('x-request-id'), route)
    assert.ok((await g.server.as('nobody-with-that').request('GET', '/v1/queue')).headers.get('x-request-id'))
  })

  check('http-api 19', 'a traceparent\'s trace id is in the line', async (g) => {
    const r = await g.acme.predict({ task_suite: wait(), dry_run: true }, { traceparent: good })
    assert.equal((await of(g.server, r)).trace_id, '0af7651916cd43dd8448eb211c80319c')
  })

  for (const trace of badTraces)
    check('http-api 19', `the traceparent ${JSON.stringify(trace.slice(0, 60))} is no trace, and nothing is refused for it`, async (g) => {
      const r = await g.acme.predict({ task_suite: wait(), dry_run: true }, { traceparent: trace })
      assert.equal(r.status, 200)
      assert.equal((await of(g.server, r)).trace_id, undefined)
    })

  check('http-api 19', 'a path, a run id and a reason with line ends and quotes make no second line', async (g) => {
    const id = await queued(g.acme)
    await g.acme.request('POST', `/v1/runs/${id}/cancel`, { reason: 'one\n{"level":"ERROR","msg":"forged"}' })
    await g.acme.request('GET', '/v1/runs/%22%7D%0A%7B%22level%22%3A%22ERROR%22/status')
    await g.acme.request('GET', '/v1/%0d%0anowhere')
    for (const text of linesOf(g.server)) assert.notEqual(JSON.parse(text).msg, 'forged')
  })

  check('http-api 19', 'bytes that are no UTF-8 do not break a line', async (g) => {
    await rawExchange(g.server.port, Buffer.from('GET /v1/runs/\xff\xfe HTTP/1.1\r\nHost: x\r\nX-Mantis-Token: \xc3\x28\r\nConnection: close\r\n\r\n', 'latin1'))
    for (const text of linesOf(g.server)) JSON.parse(text)
  })

  check('http-api 19', 'LOG_LEVEL=WARNING prints no call; ERROR prints no warning', async () => {
    const env = (level) => ({ env: { LOG_LEVEL: level, MANTIS_MAX_COST_USD: 'much' }, args: [] })
    // the listening line is INFO: such a server is started and asked by hand
    for (const [level, seen] of [['WARNING', true], ['ERROR', false]]) {
      const log = await startQuietly({ ...env(level).env })
      assert.equal(/MANTIS_MAX_COST_USD/.test(log), seen, log)
      assert.doesNotMatch(log, /"level":"INFO"/)
    }
  })

  check('http-api 19', 'LOG_LEVEL=DEBUG prints what INFO prints, and no secret', async () => {
    await using({ env: { LOG_LEVEL: 'DEBUG' } }, async (server) => {
      await server.predict({ task_suite: wait(), dry_run: true })
      await until(5000 * slow, 'an audit line', () => server.child.log.includes('predict tenant=default'))
      assert.ok(!server.child.log.includes(server.token))
      for (const text of linesOf(server)) JSON.parse(text)
    })
  })

  check('http-api 19', 'an unknown LOG_LEVEL is INFO', async () => {
    await using({ env: { LOG_LEVEL: 'LOUD' } }, async (server) => assert.match(server.child.log, /listening/))
  })

  check('http-api 19', 'MANTIS_LOG_FORMAT other than json is plain text', async () => {
    const log = await startQuietly({ MANTIS_LOG_FORMAT: 'text' })
    const listening = log.split('\n').find((l) => l.includes('listening on'))
    assert.ok(listening, log)
    assert.throws(() => JSON.parse(listening))
    assert.match(listening, /INFO/)
  })
})

// A server whose log says no port: what it prints until it is asked to stop.
async function startQuietly(env) {
  const { spawn } = await import('node:child_process')
  const { bin, tempDir } = await import('../lib/harness.mjs')
  const { rmSync } = await import('node:fs')
  const dir = tempDir('quiet')
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dir, '--ready-fd', '3'],
    { env: { PATH: process.env.PATH, HOME: dir, MANTIS_API_TOKEN: 'x'.repeat(32), ...env }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', (d) => { log += d })
  const ended = new Promise((resolve) => child.on('close', resolve))
  await new Promise((resolve) => child.stdio[3].once('data', resolve))
  child.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
  return log
}
