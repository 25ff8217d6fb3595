// `mantis runs` as a person or a script uses it, against a real server.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, slow, startSite, tempDir, until, within } from './lib/harness.mjs'
import { neverWas, roomy, wait } from './lib/plans.mjs'
import { startTenants } from './lib/tenants.mjs'

let site, server, dir
before(async () => {
  dir = tempDir('cli')
  site = await startSite('marketplace')
  server = await startTenants({ acme: roomy, single: { ...roomy, max_concurrent_runs: 1 }, status: { tenant_id: 'acme', scopes: ['status'] } },
    { env: { MANTIS_ENV_URL: site.url, MANTIS_RUNTIME_CONCURRENCY: '3' } })
})
after(async () => {
  await server?.stop()
  await site?.stop()
  if (dir) fs.rmSync(dir, { recursive: true, force: true })
})

// The program; `ended` resolves to its exit code, or the name of the signal that ended it.
function start(args, { as = 'acme', endpoint = server.base, input } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', bin, 'runs', ...args], {
    cwd: dir, env: { PATH: process.env.PATH, MANTIS_ENDPOINT: endpoint, MANTIS_API_TOKEN: server.tokens[as], ASAN_OPTIONS: process.env.ASAN_OPTIONS },
  })
  child.out = child.err = ''
  child.stdout.on('data', (d) => { child.out += d })
  child.stderr.on('data', (d) => { child.err += d })
  child.stdin.end(input)
  child.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  return child
}

async function run(args, options) {
  const child = start(args, options)
  const code = await within(60000 * slow, `runs ${args[0]}`, child.ended)
  return { code, out: child.out, err: child.err }
}

async function ok(args, options) {
  const r = await run(args, options)
  assert.equal(r.code, 0, `${args.join(' ')}: ${r.out}${r.err}`)
  return r.out
}

let serial = 0
function planFile(steps) {
  const file = path.join(dir, `plan-${serial++}.json`)
  fs.writeFileSync(file, JSON.stringify(steps))
  return file
}

// RUN_ID of a run on a profile of its own.
async function submit(steps, more = [], options) {
  const out = await ok(['submit', '--suite', planFile(steps), '--profile-id', `cli-${serial}`, ...more], options)
  assert.match(out, /^\S+ queued\n$/)
  return out.split(' ')[0]
}

const lines = (text) => text.trim().split('\n').map((l) => JSON.parse(l))

// The connection of each of the first event streams is reset in the middle.
async function cuttingProxy(cuts) {
  const proxy = net.createServer((client) => {
    const upstream = net.connect(server.port, '127.0.0.1')
    let asked = ''
    client.on('data', (d) => { asked += d })
    client.pipe(upstream)
    upstream.on('data', (d) => {
      const cut = cuts > 0 && asked.includes('sse=true') && String(d).includes('\nid: ')
      cuts -= cut
      client.write(cut ? d.subarray(0, d.lastIndexOf('\nid: ') + 60) : d, () => { if (cut) client.resetAndDestroy() })
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.end())
    for (const s of [client, upstream]) s.on('error', () => {})
  })
  await new Promise((done) => { proxy.listen(0, '127.0.0.1', done) })
  return { url: `http://127.0.0.1:${proxy.address().port}`, close: () => proxy.close(), left: () => cuts }
}

test('list prints the runs newest first, page by page', async () => {
  const older = (await submit(wait())).split(' ')[0]
  const newer = (await submit(wait())).split(' ')[0]
  const first = await run(['list', '--limit', '1'], { as: 'status' })
  assert.equal(first.code, 0, first.err)
  assert.match(first.out, /^run_id +status +created_at +profile_id +model *\n/)
  assert.ok(first.out.includes(newer) && !first.out.includes(older), first.out)
  const [, place] = /^older ones: --before (\S+)\n$/.exec(first.err)
  assert.equal(JSON.parse(await ok(['list', '--limit', '1', '--before', place, '--json'])).runs[0].run_id, older)
  assert.equal(await ok(['list', '--status', 'timeout']), '(no runs)\n')
  assert.match((await run(['list', '--status', 'explode'])).err, /explode/)
})

test('a plan is looked at, submitted once per key, watched and read', { timeout: 120000 * slow }, async () => {
  const smoke = ['--profile-id', 'cli-smoke', '--max-cost', '2', '--workflow-id', 'cli-smoke']
  assert.match(await ok(['submit', ...smoke, '--dry-run']), /^\d+ steps: .*navigate.*\nabout \d/)
  const first = await ok(['submit', ...smoke, '--idempotency-key', 'k1'])
  const id = first.split(' ')[0]
  assert.equal((await ok(['submit', ...smoke, '--idempotency-key', 'k1'])).split(' ')[0], id)
  assert.match(await ok(['queue']), /^acme: \d+ queued, \d+ running, 0 recovering\n$/)
  const watched = await ok(['watch', id])
  assert.match(watched, /^\[0\] navigate +ok .*\n/m)
  assert.equal(JSON.parse(await ok(['result', id, '--json'])).result.viable, 3)
  const again = await ok(['watch', id, '--until-terminal'])
  assert.deepEqual(again.trim().split('\n'), watched.split('\n').filter((l) => l.startsWith('[')))
  const stats = JSON.parse(await until(5000 * slow, 'line of the log', async () => {
    const out = await ok(['stats', 'cli-smoke', '--data-dir', server.dir, '--json'])
    return JSON.parse(out).run_count && out
  }))
  assert.ok(stats.percentiles.total_time_s.p50 > 0 && stats.percentiles.act.p99 >= stats.percentiles.act.p50)
})

test('events come once each, through cut connections, and go on from any of them', { timeout: 120000 * slow }, async () => {
  const proxy = await cuttingProxy(2)
  const id = await submit([...wait(1), ...wait(1)])
  const events = lines(await ok(['events', id, '--json'], { endpoint: proxy.url }))
  assert.equal(proxy.left(), 0)
  proxy.close()
  const rows = events.filter((e) => e.id)
  const truth = (await server.as('acme').predict({ action: 'reasoning_trace', run_id: id })).json.events
  assert.deepEqual(rows.map((e) => e.data), truth)
  assert.equal(events.at(-1).event, 'terminal')
  const rest = lines(await ok(['events', id, '--json', '--since', rows[2].id])).filter((e) => e.id)
  assert.deepEqual(rest, rows.slice(3))
  assert.match(await ok(['events', id], { as: 'status' }), /\[0\] wait +ok .*\n[^]*\nend: complete\n$/)
  assert.match((await run(['events', id, '--since', 'rubbish'])).err, /^error: request failed \(422\): .*cursor/)
  assert.match((await run(['events', neverWas])).err, /^error: request failed \(404\): /)
})

test('a reader ends on SIGINT within two seconds with 130; the run goes on until it is cancelled', { timeout: 60000 * slow }, async () => {
  const id = await submit(wait(600))
  for (const command of ['events', 'watch']) {
    const reader = start([command, id])
    await until(20000 * slow, 'a line', () => reader.out.includes('step 1 of 1'))
    reader.kill('SIGINT')
    assert.equal(await within(2000 * slow, command, reader.ended), 130)
  }
  assert.match(await ok(['status', id]), /status +running/)
  assert.match(await ok(['cancel', id, '--reason', 'enough']), new RegExp(`^${id} cancelled`))
  assert.equal((await run(['watch', id])).code, 1)
})

test('watch says why a run is paused, outlasts it, and sees the end', { timeout: 60000 * slow }, async () => {
  const id = await submit([...wait(2), ...wait(0)])
  const watcher = start(['watch', id])
  await until(20000 * slow, 'the first step', () => watcher.out.includes('step 1 of 2'))
  assert.equal(await ok(['pause', id, '--reason', 'lunch']), `${id} paused\n`)
  await until(10000 * slow, 'the reason', () => watcher.err.includes('paused: lunch'))
  const stops = await run(['watch', id, '--stop-on-pause'])
  assert.equal(stops.code, 1)
  assert.match(stops.err, /error: run \S+ is paused/)
  assert.equal(await ok(['resume', id, '--input', '-'], { input: 'go on\n' }), `${id} running\n`)
  assert.equal(await within(30000 * slow, 'the end', watcher.ended), 0, watcher.err)
  assert.deepEqual(watcher.out.match(/^\[\d\]/gm), ['[0]', '[1]'])
  const late = await run(['resume', id])
  assert.equal(late.code, 1)
  assert.match(late.err, /^error: request failed \(400\): .*not paused|succeeded/)
})

test('a submit waits for its turn when the tenant has no slot left, and says so', { timeout: 90000 * slow }, async () => {
  const first = await submit(wait(2), [], { as: 'single' })
  const refused = await run(['submit', '--suite', planFile(wait()), '--profile-id', 'other', '--retries', '0'], { as: 'single' })
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^error: request failed \(429\): .*\(try again in \d+ s\)\n$/)
  const second = await run(['submit', '--suite', planFile(wait()), '--profile-id', 'other', '--json'], { as: 'single' })
  assert.equal(second.code, 0, second.err)
  assert.match(second.err, /^warning: .*sending it again in \d+ s \(1 of 4\)\n/)
  assert.notEqual(JSON.parse(second.out).run_id, first)
  await ok(['watch', JSON.parse(second.out).run_id], { as: 'single' })
})

test('a server that is not there, or is another, is named at once', { timeout: 30000 * slow }, async () => {
  const stub = net.createServer((c) => { c.on('error', () => {}).resume(); c.end('HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>nobody') })
  await new Promise((done) => { stub.listen(0, '127.0.0.1', done) })
  const endpoint = `http://127.0.0.1:${stub.address().port}`
  for (const command of [['queue'], ['list'], ['submit'], ['events', neverWas], ['pause', neverWas], ['watch', neverWas]])
    assert.deepEqual(await run(command, { endpoint }), { code: 1, out: '', err: 'error: that is not a Mantis server (status 404, text/html)\n' }, command[0])
  await new Promise((done) => { stub.close(done) })
  for (const command of [['queue'], ['submit'], ['events', neverWas], ['pause', neverWas]]) {
    const r = await run(command, { endpoint })
    assert.equal(r.code, 1)
    assert.match(r.err, new RegExp(`^error: cannot reach ${endpoint}`), command[0])
  }
})

const asking = [
  { type: 'request_user_input', intent: 'Ask for the code', params: { prompt: 'Which code?' } },
  { type: 'wait', intent: 'Wait a moment', params: { seconds: 2 } },
]

test('watch at a terminal draws where the run is, and takes the answer to what it asks, unseen', { timeout: 120000 * slow }, async () => {
  const id = await submit(asking)
  // it is looked at late, and its last line alone: where it is and since when is the run's
  await until(60000 * slow, 'two seconds of the pause', async () => {
    const status = JSON.parse(await ok(['status', id, '--json']))
    return status.status === 'paused' && Date.now() - Date.parse(status.started_at) > 2000
  }, 200)
  // script(1) gives it a terminal; what is typed comes through
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'script', '-qefc', `stty cols 90; exec '${bin}' runs watch --tail 1 ${id}`, '/dev/null'], {
    cwd: dir, env: { PATH: process.env.PATH, TERM: 'xterm', MANTIS_ENDPOINT: server.base, MANTIS_API_TOKEN: server.tokens.acme, ASAN_OPTIONS: process.env.ASAN_OPTIONS },
  })
  let out = ''
  child.stdout.on('data', (d) => { out += d })
  const ended = new Promise((resolve) => child.on('close', resolve))
  await until(60000 * slow, 'the question', () => out.includes('answer (not shown), then Enter:'))
  assert.match(out, /paused: user_input: Which code\?/)
  assert.match(out, /paused {2}\[[#.]{24}\] 1\/2 {2}\d+\.\d s/)
  assert.ok(Number(/ (\d+\.\d) s/.exec(out)[1]) >= 2, out)
  child.stdin.write('4711-secret\n')
  assert.equal(await within(60000 * slow, 'watch', ended), 0, out)
  assert.ok(!out.includes('4711-secret'), 'it is not echoed')
  assert.match(out, /running {2}\[#{12}\.{12}\] 2\/2 {2}\d+\.\d s/)
  assert.match(out, /step 2\/2 wait: Wait a moment/)
  assert.ok(out.endsWith('\r\x1b[J') || out.trimEnd().endsWith('\x1b[J'), 'nothing of it stays')
  const { events } = JSON.parse(await ok(['logs', id, '--json']))
  assert.ok(events.some((l) => l.includes('resumed')))
})

test('watch into a pipe prints plain lines and asks nothing', { timeout: 120000 * slow }, async () => {
  const id = await submit(asking)
  const child = start(['watch', id])
  await until(60000 * slow, 'the pause', () => child.err.includes('paused: user_input: Which code?'))
  assert.match(child.err, new RegExp(`answer with: mantis runs resume ${id}`))
  await ok(['resume', id, '--user-input', '4711'])
  assert.equal(await within(60000 * slow, 'watch', child.ended), 0, child.err)
  assert.doesNotMatch(child.out + child.err, /[\x1b\r]/)
  assert.match(child.err, /^status=succeeded updated_at=/m)
})
