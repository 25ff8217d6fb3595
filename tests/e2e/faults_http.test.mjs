// faults_http.test.mjs - callers who cannot or will not speak HTTP well, and connections that break at any
// point: the call is refused or answered, the others are served meanwhile, and nothing of it stays.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'

import { slow, until } from './lib/harness.mjs'
import { descriptors, get, HELD_UP, logLines, post, rawStatus, rssKb, Vitals, Wire } from './lib/faults.mjs'
import { roomy, takeSlot, wait } from './lib/plans.mjs'
import { startTenants } from './lib/tenants.mjs'

let server, acme, token, vitals
let serial = 0

before(async () => {
  server = await startTenants({ acme: { ...roomy, max_concurrent_runs: 100000 } })
  acme = server.as('acme')
  token = `X-Mantis-Token: ${server.tokens.acme}\r\n`
  await takeSlot(acme) // what follows stays queued: no browser comes and goes
})
after(() => server?.stop())
beforeEach(() => { vitals = new Vitals(server) })
afterEach(() => vitals.well())

const plan = () => JSON.stringify({ task_suite: wait(600), profile_id: `raw-${serial++}` })
const status = async (bytes) => (await rawStatus(server.port, bytes)).status

// --- what is sent -------------------------------------------------------------------------------

test('a request that could be read in two ways is refused and its connection closed', async () => {
  const head = `POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}`
  const next = get('/v1/version') // would be answered if it counted as the next request
  for (const [name, bytes] of Object.entries({
    'two lengths': `${head}Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}`,
    'two equal lengths': `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
    'length and coding': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'coding and length': `${head}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
    'two codings': `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    'an unknown coding': `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'a list of codings': `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'an empty coding': `${head}Transfer-Encoding:\r\n\r\n{}`,
    'chunks in HTTP/1.0': `POST /v1/predict HTTP/1.0\r\n${token}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a blank before the colon': `${head}Content-Length : 2\r\n\r\n{}`,
    'a coding with a blank before the colon': `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    'a folded line': `${head}X: a\r\n Content-Length: 2\r\n\r\n{}`,
    'a carriage return in a value': `${head}X: a\rContent-Length: 2\r\n\r\n{}`,
    'a length below zero': `${head}Content-Length: -1\r\n\r\n`,
    'a length with a sign': `${head}Content-Length: +2\r\n\r\n{}`,
    'a length in hexadecimal': `${head}Content-Length: 0x2\r\n\r\n{}`,
    'a list of lengths': `${head}Content-Length: 2, 2\r\n\r\n{}`,
    'no host': `GET /health HTTP/1.1\r\n\r\n`,
    'two hosts': `GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
  })) {
    const wire = new Wire(server.port).send(bytes + next)
    const text = await wire.over(10000)
    assert.equal(wire.answers[0], 400, `${name}: ${text}`)
    assert.ok(!text.includes('"deploy_age_days"'), `${name}: what came after it was taken for a request`)
    wire.cut()
  }
})

test('a token that is sent twice does not authenticate, whichever is right', async () => {
  const wrong = 'X-Mantis-Token: wrong\r\n'
  for (const headers of [token + wrong, wrong + token, token + token]) {
    const { status, text } = await rawStatus(server.port, get('/v1/queue', headers))
    assert.equal(status, 400, text)
    assert.match(text, /X-Mantis-Token header was sent 2 times/)
    assert.ok(!text.includes(server.tokens.acme))
  }
  assert.equal(await status(get('/v1/queue', token)), 200)
  assert.equal(await status(get('/v1/queue', token.replace('\r\n', ' \t\r\n'))), 200, 'blanks around a value are none of it')
})

test('bodies that are no chunks are refused', async () => {
  const head = `POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}Transfer-Encoding: chunked\r\n\r\n`
  for (const body of ['ZZ\r\nabc\r\n0\r\n\r\n', '-1\r\nabc\r\n0\r\n\r\n', '0x2\r\n{}\r\n0\r\n\r\n', '2\r\n{}XX0\r\n\r\n'])
    assert.equal(await status(head + body), 400, body)
  assert.equal(await status(`${head}FFFFFFFFFFFFFFFFF\r\nabc\r\n`), 413)
  const good = JSON.stringify({ action: 'nothing' })
  const { text } = await rawStatus(server.port, `${head}${good.length.toString(16)};x=y\r\n${good}\r\n0\r\nX-Mantis-Token: other\r\n\r\n`)
  assert.match(text, /there is no 'nothing'/)
})

test('a chunked body without end is refused at its cap', async () => {
  const wire = new Wire(server.port).send(`POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}Transfer-Encoding: chunked\r\n\r\n`)
  const chunk = `10000\r\n${' '.repeat(65536)}\r\n`
  await until(60000 * slow, 'the end of an endless body', async () => {
    for (let i = 0; i < 32 && !wire.ended; i++) wire.send(chunk)
    await new Promise((resolve) => (wire.ended ? resolve() : wire.socket.write('', resolve)))
    return wire.ended
  }, 0)
  assert.ok(wire.answers.every((s) => s === 413), wire.got)
})

test('lines, addresses and headers that are too long are refused', async () => {
  assert.equal(await status(get(`/health?${'a'.repeat(100000)}`)), 414)
  assert.equal(await status(get('/health', `X: ${'a'.repeat(100000)}\r\n`)), 431)
  assert.equal(await status(get('/health', 'A: b\r\n'.repeat(20000))), 431)
  assert.equal(await status(`POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}Content-Length: 999999999\r\n\r\n{`), 413)
  assert.equal(await status(`POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}Content-Length: 99999999999999999999999\r\n\r\n{`), 413)
})

test('rubbish, other protocols and old versions are refused or answered', async () => {
  for (const [bytes, wanted] of [
    ['GET /health HTTP/1.0\r\n\r\n', 200], ['GET /health\r\n\r\n', 400], ['GET /health HTTP/2.0\r\nHost: x\r\n\r\n', 505],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505], ['GET /health http/1.1\r\nHost: x\r\n\r\n', 400], ['foo bar\r\n\r\n', 400],
    ['GET /hea\x00lth HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    [get('/health%00'), 404], [get('/health').replace('Host', 'X-\x00: a\r\nHost'), 400],
    ['GET http://elsewhere.example/health HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n', 200],
    ['GET http://elsewhere.example HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    ['CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 404], ['TRACE /health HTTP/1.1\r\nHost: x\r\nX: secret\r\n\r\n', 405],
    ['OPTIONS /v1/predict HTTP/1.1\r\nHost: x\r\n\r\n', 405], ['get /health HTTP/1.1\r\nHost: x\r\n\r\n', 405],
    ['HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n', 200], ['\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n', 200],
    ['GET /health HTTP/1.1\nHost: x\n\n', 200],
  ]) {
    const { status, text } = await rawStatus(server.port, bytes)
    assert.equal(status, wanted, `${JSON.stringify(bytes)}: ${text}`)
    assert.ok(!text.includes('secret'))
  }
  for (const bytes of ['\x00\x01\x02 nonsense\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + '\x00'.repeat(100)]) {
    const wire = new Wire(server.port).send(bytes) // no line that ends: it waits for more, within its allowance
    await wire.opened
    wire.cut()
  }
})

test('Expect: 100-continue is answered before the body, and other bodies are refused before they are sent', async () => {
  const body = JSON.stringify({ action: 'nothing' })
  const head = (more) => `POST /v1/predict HTTP/1.1\r\nHost: x\r\n${more}Expect: 100-continue\r\n`
  const good = new Wire(server.port).send(`${head(token)}Content-Length: ${body.length}\r\n\r\n`)
  await until(5000 * slow, '100 Continue', () => good.got.startsWith('HTTP/1.1 100 '), 5)
  good.send(body)
  assert.deepEqual(await good.answered(), [400])
  good.cut()
  const large = new Wire(server.port).send(`${head(token)}Content-Length: 999999999\r\n\r\n`)
  assert.deepEqual(await large.answered(), [413])
  assert.ok(!large.got.includes(' 100 '), large.got)
  large.cut()
})

test('names in headers cannot write into the log or into answers', async () => {
  const evil = ['a b', '"}\\', '{"level":"ERROR"}', '\x1b[31m', '<script>', '\xff\xfe', 'x'.repeat(5000)]
  for (const value of evil) {
    const headers = `X-Request-Id: ${value}\r\ntraceparent: ${value}\r\nIdempotency-Key: ${value}-${serial++}\r\n`
    const { text } = await rawStatus(server.port, post(plan(), token + headers))
    const head = text.split('\r\n\r\n')[0]
    assert.ok(!head.includes(value), head)
    assert.match(head, /X-Request-Id: [A-Za-z0-9_.-]+/)
  }
  const { text } = await rawStatus(server.port, get('/health', 'X-Request-Id: a%0d%0aSet-Cookie: x\r\n'))
  assert.ok(!/^Set-Cookie/m.test(text))
  for (const line of logLines(server)) assert.match(line.request_id ?? 'none', /^[A-Za-z0-9_.-]{1,64}$/)
})

// --- how it is sent -----------------------------------------------------------------------------

test('a caller that says it will send no more still gets its answer', async () => {
  for (const delay of [0, 0, 0, 1, 2, 5])
    for (const bytes of [get('/health'), get('/v1/queue', token), post(plan(), token), post('{', token)]) {
      const wire = new Wire(server.port).send(bytes)
      if (delay) await new Promise((r) => setTimeout(r, delay))
      wire.half()
      await wire.over()
      assert.equal(wire.answers.length, 1, `${bytes.split('\r\n')[0]} after ${delay} ms: ${wire.got}`)
    }
})

test('pipelined calls are answered in order, submissions among them', async () => {
  const call = (_, i) => i % 3 === 0 ? post(plan(), `${token}X-Request-Id: n${i}\r\n`)
    : i % 3 === 1 ? get('/health', `X-Request-Id: n${i}\r\n`) : post('{"action":"status"}', `${token}X-Request-Id: n${i}\r\n`)
  for (const half of [false, true]) {
    const calls = Array.from({ length: 30 }, call)
    const wire = new Wire(server.port).send(calls.join(''))
    if (half) wire.half()
    assert.deepEqual(await wire.answered(30, 20000), calls.map((_, i) => [200, 200, 400][i % 3]))
    assert.deepEqual([...wire.got.matchAll(/X-Request-Id: n(\d+)/g)].map((m) => Number(m[1])), calls.map((_, i) => i))
    wire.cut()
  }
})

test('a connection that is reset at any point leaves nothing behind', async () => {
  const whole = post(plan(), token)
  const ends = [0, 1, 10, whole.indexOf('\r\n\r\n'), whole.indexOf('\r\n\r\n') + 4, whole.length - 3]
  for (let round = 0; round < 20; round++)
    await Promise.all(ends.map(async (end) => {
      const wire = new Wire(server.port)
      await wire.opened
      wire.send(whole.slice(0, end))
      await new Promise((r) => setImmediate(r))
      wire.reset()
    }))
  for (let round = 0; round < 40; round++) { // with the answer on its way, of a run that exists then
    const wire = new Wire(server.port)
    await wire.opened
    wire.send(post(plan(), token))
    await new Promise((r) => setTimeout(r, round % 8))
    wire.reset()
  }
})

test('slow senders keep nobody else waiting', async () => {
  const head = `POST /v1/predict HTTP/1.1\r\nHost: x\r\n${token}Content-Length: 1000\r\n\r\n`
  const crowd = []
  for (let i = 0; i < 600; i++) crowd.push(new Wire(server.port).send(i % 2 ? 'GET /health HTTP/1.1\r\nX-Slow: ' : head + '{'))
  await Promise.all(crowd.map((w) => w.opened))
  let slowest = 0
  for (let i = 0; i < 40; i++) {
    for (const w of crowd) w.send('a') // each a byte, now and then
    const t = performance.now()
    assert.equal((await acme.request('GET', '/v1/queue')).status, 200)
    slowest = Math.max(slowest, performance.now() - t)
  }
  assert.ok(slowest < HELD_UP * slow, `one call took ${slowest} ms`)
  assert.ok(crowd.every((w) => w.ended === null), 'they are within their allowance')
  for (const w of crowd) w.cut()
})

test('callers that read nothing of a large answer cost no more than others', async () => {
  const large = (await server.request('GET', '/openapi.json')).text.length
  const crowd = []
  for (let i = 0; i < 300; i++) {
    const w = new Wire(server.port)
    w.socket.pause()
    w.send(get('/openapi.json').repeat(30))
    crowd.push(w)
  }
  await Promise.all(crowd.map((w) => w.opened))
  for (let i = 0; i < 20; i++) assert.equal((await server.request('GET', '/health')).status, 200)
  const grown = rssKb(server.child.pid) - vitals.rss
  assert.ok(grown < 60000 * slow, `${grown} kB more for 300 of them, with answers of ${large} bytes`)
  for (const w of crowd) w.reset()
})

test('more connections than there are descriptors wait, and all goes on when they leave', async (t) => {
  const small = await startTenants({ acme: roomy }, { wrap: ['prlimit', '--nofile=600:600'] })
  t.after(() => small.stop())
  const header = `X-Mantis-Token: ${small.tokens.acme}\r\n`
  const health = new Vitals(small)
  const early = new Wire(small.port)
  let asked = 0
  for (let wave = 0; wave < 10; wave++) { // 20,000 in all
    const crowd = Array.from({ length: 2000 }, () => new Wire(small.port))
    await Promise.all(crowd.slice(0, 400).map((w) => w.opened))
    assert.ok(descriptors(small.child.pid) <= 600)
    early.send(get('/health')).send(post(JSON.stringify({ task_suite: wait(600), profile_id: `full-${wave}` }), header))
    assert.deepEqual(await early.answered(asked += 2), Array(asked).fill(200), 'who was there before is served')
    for (const w of crowd) wave % 2 ? w.cut() : w.reset()
    assert.equal((await small.request('GET', '/health')).status, 200) // whoever comes next
  }
  await health.well()
  early.cut()
})
