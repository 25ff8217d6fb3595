// faults_webhook.test.mjs - webhook receivers that are down, slow, lying, or somewhere they should not be: one
// delivery id per run whatever happens, nobody else waits for them, nobody sees a secret.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import dns from 'node:dns/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import { after, before, test } from 'node:test'

import { slow, until } from './lib/harness.mjs'
import { HELD_UP, Polls, Vitals } from './lib/faults.mjs'
import { queued, refused, roomy, takeSlot, wait } from './lib/plans.mjs'
import { startTenants } from './lib/tenants.mjs'

const secrets = { acme: 'kept-by-acme-' + crypto.randomBytes(8).toString('hex'), rival: 'kept-by-rival-' + crypto.randomBytes(8).toString('hex') }
const tenants = {
  acme: { ...roomy, webhook_secret_name: 'hook_acme' },
  rival: { ...roomy, webhook_secret_name: 'hook_rival' },
}
let server, vitals
const closers = []

before(async () => {
  server = await startTenants(tenants, { env: { MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  for (const [name, value] of Object.entries(secrets)) server.secret(`hook_${name}`, value)
  await takeSlot(server.as('acme'))
  vitals = new Vitals(server)
})
after(async () => {
  try {
    await vitals.well()
  } finally {
    await server?.stop()
    for (const close of closers) close()
  }
})

// A TCP server that does as told with each connection; `n` counts them.
async function rawReceiver(serve, host = '127.0.0.1') {
  const sockets = new Set()
  const receiver = net.createServer((socket) => {
    receiver.n++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.resume()
    serve(socket, receiver.n)
  })
  receiver.n = 0
  await new Promise((resolve) => receiver.listen(0, host, resolve))
  receiver.url = `http://127.0.0.1:${receiver.address().port}/hook`
  receiver.end = () => { receiver.close(); for (const s of sockets) s.destroy() }
  closers.push(receiver.end)
  return receiver
}

// One that answers every complete request; `seen` has {id, attempt, run, status, signed}.
async function receiver(answer = () => 204, secret = secrets.acme, port = 0) {
  const seen = []
  const r = http.createServer((req, res) => {
    let text = ''
    req.on('data', (d) => { text += d })
    req.on('end', () => {
      const expected = 'sha256=' + crypto.createHmac('sha256', secret).update(text).digest('hex')
      seen.push({ id: req.headers['x-mantis-delivery'], attempt: Number(req.headers['x-mantis-attempt']), run: JSON.parse(text).run_id, signed: req.headers['x-mantis-signature'] === expected, at: performance.now(), text, headers: JSON.stringify(req.headers) })
      const how = answer(seen.length, req, res)
      if (typeof how === 'number') res.writeHead(how).end()
    })
  })
  await new Promise((resolve) => r.listen(port, '127.0.0.1', resolve))
  r.seen = seen
  r.port = r.address().port
  r.url = `http://127.0.0.1:${r.port}/hook`
  r.end = () => { r.close(); r.closeAllConnections() }
  closers.push(r.end)
  return r
}

// A run that is over at once and whose webhook goes to url.
async function told(tenant, url) {
  const caller = server.as(tenant)
  const run = await queued(caller, { callback_url: url })
  assert.equal((await caller.request('POST', `/v1/runs/${run}/cancel`)).json.status, 'cancelled')
  return run
}

async function delivery(tenant, run) {
  const r = await server.as(tenant).request('GET', `/v1/runs/${run}/webhook`)
  assert.equal(r.status, 200, r.text)
  assert.equal(r.json.deliveries.length, 1, r.text)
  for (const secret of Object.values(secrets)) assert.ok(!r.text.includes(secret), 'a caller sees no secret')
  return r.json.deliveries[0]
}

const settled = (tenant, run, n = 1) =>
  until(20000 * slow, `attempt ${n} for ${run}`, async () => { const d = await delivery(tenant, run); return d.attempts >= n && d }, 50)

test('a receiver that is down at first gets the delivery when it is up, once and signed', async () => {
  const placeholder = await rawReceiver(() => {})
  const { port } = placeholder.address()
  await new Promise((resolve) => { placeholder.close(resolve) })
  const run = await told('acme', `http://127.0.0.1:${port}/hook?key=hidden`)
  const failed = await settled('acme', run)
  assert.equal(failed.state, 'pending')
  assert.match(failed.last_error, /cannot reach http:\/\/127\.0\.0\.1:\d+/)
  assert.ok(!JSON.stringify(failed).includes('hidden'), 'the query of an address is not shown')
  const up = await receiver(() => 204, secrets.acme, port)
  await until(20000 * slow, 'the delivery', () => up.seen.length > 0)
  assert.deepEqual(up.seen.map((s) => [s.id, s.run, s.signed]), [[failed.delivery_id, run, true]])
  assert.equal((await settled('acme', run, 2)).state, 'delivered')
  up.end()
})

test('a receiver that never answers holds up neither other tenants nor polls, and counts as a timeout', async () => {
  const silent = await rawReceiver(() => {})
  const quick = await receiver(() => 204, secrets.rival)
  const stuck = []
  for (let i = 0; i < 12; i++) stuck.push(await told('acme', silent.url)) // more than acme's share of attempts
  await until(10000 * slow, 'attempts at the silent one', () => silent.n > 0)
  const polls = new Polls(server.as('acme'), stuck[0])
  const began = performance.now()
  for (let i = 0; i < 5; i++) await told('rival', quick.url)
  await until(10000 * slow, "the other tenant's deliveries", () => quick.seen.length === 5)
  assert.ok(performance.now() - began < HELD_UP * slow, 'they did not wait for the silent one')
  assert.ok(quick.seen.every((s) => s.signed && s.attempt === 1))
  await polls.stop()
  assert.ok(polls.slowest < HELD_UP * slow, `a poll took ${polls.slowest} ms`)
  assert.deepEqual([...polls.statuses], [200])
  const d = await until(20000 * slow, 'the deadline', async () => { for (const run of stuck) { const one = await delivery('acme', run); if (one.attempts) return one } }, 250)
  assert.match(d.last_error, /no answer from http:\/\/127\.0\.0\.1:\d+ in 10 s/)
  assert.equal(d.log[0].status, 0)
  silent.end()
  quick.end()
})

test('receivers that lie are asked again, those that said 2xx are not', async () => {
  const endless = (socket, head) => { // as much as is taken
    socket.write(head)
    const more = () => { while (!socket.destroyed && socket.write('x'.repeat(16384))); }
    socket.on('drain', more)
    more()
  }
  const kinds = {
    'garbage instead of HTTP': [(s) => s.end('SSH-2.0-OpenSSH_9.2\r\n'), false],
    'a hang-up': [(s) => s.end(), false],
    'a reset': [(s) => s.resetAndDestroy(), false],
    'half a status line': [(s) => s.end('HTTP/1.1 2'), false],
    'a flood of 1xx': [(s) => endless(s, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20000)), false],
    'a flood of 1xx and then 200': [(s) => s.end('HTTP/1.1 102 Processing\r\n\r\n'.repeat(20000) + 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), false],
    'huge headers': [(s) => endless(s, 'HTTP/1.1 200 OK\r\nX: '), false],
    'many headers': [(s) => s.end(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(50000)}\r\n`), false],
    'an error': [(s) => s.end('HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n'), false],
    'an error without end': [(s) => endless(s, 'HTTP/1.1 503 Oops\r\n\r\n'), false],
    'a body without end': [(s) => endless(s, 'HTTP/1.1 200 OK\r\n\r\n'), true],
    'a length that is too large': [(s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort'), true],
    'a length that is too small': [(s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nlong'), true],
    '200 and then a reset': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', () => s.resetAndDestroy()), true],
    'chunks that are none': [(s) => s.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'), true],
    '100 and then 202': [(s) => s.end('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n'), true],
  }
  const polls = new Polls(server.as('acme'))
  await Promise.all(Object.entries(kinds).map(async ([name, [serve, good]]) => {
    const liar = await rawReceiver((socket) => { socket.once('data', () => serve(socket)) })
    const run = await told('acme', liar.url)
    const d = await settled('acme', run)
    if (good) {
      assert.equal(d.state, 'delivered', `${name}: ${JSON.stringify(d)}`)
      assert.equal(liar.n, 1, name)
    } else {
      assert.equal(d.state, 'pending', `${name}: ${JSON.stringify(d)}`)
      assert.ok(d.last_error, name)
      await until(10000 * slow, `${name}: asked again`, () => liar.n > 1)
    }
    assert.ok((d.last_error ?? '').length < 500, name)
    liar.end()
  }))
  await polls.stop()
  assert.ok(polls.slowest < HELD_UP * slow, `a poll took ${polls.slowest} ms`)
})

test('redirects are never followed, to wherever', async () => {
  const inner = await receiver()
  for (const [status, to] of [[302, inner.url], [307, inner.url], [308, 'http://169.254.169.254/latest/meta-data'], [301, ''], [303, '//localhost:1/'], [307, '/hook']]) {
    const outer = await rawReceiver((s) => { s.once('data', () => s.end(`HTTP/1.1 ${status} Moved\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`)) })
    const d = await settled('acme', await told('acme', outer.url))
    assert.equal(d.last_status, status)
    assert.match(d.last_error, /redirects are not followed/)
    assert.equal(outer.n, 1, 'to itself neither')
    outer.end()
  }
  assert.equal(inner.seen.length, 0)
  inner.end()
})

test('one delivery id from the first attempt on, through kill -9 between attempts', async () => {
  const flaky = await receiver((n) => (n <= 2 ? 500 : 204))
  const run = await told('acme', flaky.url)
  for (let n = 1; n <= 2; n++) { // after an attempt that failed, once stored and once maybe not
    await until(20000 * slow, `attempt ${n}`, () => flaky.seen.length >= n, 2)
    await server.kill('SIGKILL')
    await server.start()
  }
  await until(30000 * slow, 'the delivery', async () => (await delivery('acme', run)).state === 'delivered', 50)
  assert.equal(new Set(flaky.seen.map((s) => s.id)).size, 1, JSON.stringify(flaky.seen.map(({ id, attempt, run: of, at }) => ({ id, attempt, of, at }))) + ` of ${run}`)
  assert.equal(flaky.seen.at(-1).id, (await delivery('acme', run)).delivery_id)
  assert.ok(flaky.seen.every((s) => s.signed && s.run === run))
  const n = flaky.seen.length
  await server.kill('SIGKILL')
  await server.start()
  vitals = new Vitals(server)
  const later = await receiver()
  await told('acme', later.url)
  await until(20000 * slow, 'a later delivery', () => later.seen.length === 1)
  assert.equal(flaky.seen.length, n, 'what was delivered is not sent again')
  flaky.end()
  later.end()
})

test('no answer, log line, metric or webhook shows a secret', async () => {
  const r = await receiver()
  const run = await told('acme', r.url)
  await until(20000 * slow, 'the delivery', () => r.seen.length === 1)
  const acme = server.as('acme')
  const shown = [server.logs + server.child.log, r.seen[0].text, r.seen[0].headers]
  for (const path of [`/v1/runs/${run}`, `/v1/runs/${run}/status`, `/v1/runs/${run}/result`, `/v1/runs/${run}/events`, `/v1/runs/${run}/webhook`, '/v1/webhooks', '/metrics', '/v1/queue'])
    shown.push((await acme.request('GET', path)).text)
  for (const text of shown) {
    for (const secret of Object.values(secrets)) assert.ok(!text.includes(secret))
    assert.ok(!text.includes(server.tokens.acme))
  }
  r.end()
})

test('without leave, private addresses are refused: as numbers, as names, and as what a name turns out to be', async (t) => {
  const guarded = await startTenants({ acme: roomy })
  t.after(() => guarded.stop())
  const acme = guarded.as('acme')
  await takeSlot(acme)
  const inner = await receiver()
  const body = (url) => ({ task_suite: wait(600), profile_id: crypto.randomUUID(), callback_url: url })
  for (const url of [inner.url, `http://localhost:${inner.port}/`, `http://LOCALHOST.:${inner.port}/`, `http://x.localhost:${inner.port}/`, `http://[::1]:${inner.port}/`,
    `http://[::ffff:127.0.0.1]:${inner.port}/`, `http://2130706433:${inner.port}/`, `http://0x7f.1:${inner.port}/`, `http://017700000001:${inner.port}/`, `http://127.1:${inner.port}/`, `http://0.0.0.0:${inner.port}/`,
    'http://10.0.0.1/', 'http://192.168.1.1/', 'http://172.16.0.1/', 'http://169.254.169.254/latest', 'http://[fe80::1]/', 'http://[fd00::1]/', 'http://100.64.0.1/'])
    refused(await acme.predict(body(url)), 400, /private address/)
  for (const url of [`http://user:pass@127.0.0.1:${inner.port}/`, 'http://user@example.com/', 'http://example.com@127.0.0.1/'])
    assert.ok(!refused(await acme.predict(body(url)), 400, /user name|password/).text.includes('pass@'))
  for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'gopher://127.0.0.1/', 'javascript:alert(1)', 'http://', 'http:///x', 'http://example.com:0/', 'http://example.com:99999/', 'http://exa mple.com/', 'http://example.com/\u0007', 'x'.repeat(5000)])
    refused(await acme.predict(body(url)), 400, /callback_url|webhook/)
  assert.equal(inner.seen.length, 0)
  inner.end()

  // this machine's own name says nothing about where it leads until it is resolved
  const { address } = await dns.lookup(os.hostname(), { family: 4 }).catch(() => ({ address: '' }))
  if (!/^(10|127|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(address))
    return console.error(`\n*** SKIPPED: the name of this machine does not lead to a private address but to '${address}' ***\n`)
  const own = await rawReceiver(() => {}, address)
  const run = await queued(acme, { callback_url: `http://${os.hostname()}:${own.address().port}/` })
  await acme.request('POST', `/v1/runs/${run}/cancel`)
  const d = await until(20000 * slow, 'an attempt', async () => {
    const [one] = (await acme.request('GET', `/v1/runs/${run}/webhook`)).json.deliveries
    return one?.attempts && one
  }, 50)
  assert.match(d.last_error, /private address/)
  assert.equal(own.n, 0, 'nothing was connected')
  own.end()
})
