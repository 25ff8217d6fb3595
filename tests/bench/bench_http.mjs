// The HTTP service under load: small calls beside nginx serving a static file of the same size on the same
// core, submissions that are on disk before they are answered, and ten thousand event streams.
//
// Nothing is carried out: the worker that stands beside the server sleeps. MANTIS_NGINX names nginx.

import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { bin, tempDir, until } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = Number(process.env.MANTIS_BENCH_ROUNDS || 3)
const seconds = Number(process.env.MANTIS_BENCH_SECONDS || 4)
const nStreams = Number(process.env.MANTIS_BENCH_STREAMS || 10000)
const connections = 32
const token = 'bench-token-bench-token'
const serverCore = '0', clientCore = os.cpus().length > 1 ? '1' : '0'
const dir = tempDir('bench-http')
const here = path.dirname(new URL(import.meta.url).pathname)
const children = []

function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'], ...options })
  children.push(child)
  return child
}

// --- the servers -------------------------------------------------------------------------------

// Beside a copy of mantis stands the worker it will start: one that only sleeps.
async function startServer() {
  const programs = path.join(dir, 'bin'), data = path.join(dir, 'data')
  fs.mkdirSync(programs, { mode: 0o711 })
  fs.mkdirSync(data, { mode: 0o711 })
  fs.copyFileSync(bin, path.join(programs, 'mantis'))
  fs.writeFileSync(path.join(programs, 'mantis-worker'), '#!/bin/sh\nexec sleep 100000\n', { mode: 0o755 })
  const keys = path.join(dir, 'keys.json')
  fs.writeFileSync(keys, JSON.stringify({
    tenant_keys: { [token]: { tenant_id: 'bench', scopes: ['run'], max_concurrent_runs: 1000000, rate_limit_per_minute: 0 } },
  }), { mode: 0o600 })
  const log = path.join(dir, 'serve.log')
  const child = start('taskset', ['-c', serverCore, path.join(programs, 'mantis'), 'serve', '--host', '127.0.0.1',
    '--port', '0', '--data-dir', data, '--ready-fd', '3'], {
    env: { PATH: process.env.PATH, MANTIS_TENANT_KEYS_PATH: keys, MANTIS_BROWSER: '/bin/true', MANTIS_CHROMIUM_SANDBOX: 'off' },
    stdio: ['ignore', 'ignore', fs.openSync(log, 'w'), 'pipe'],
  })
  await new Promise((resolve, reject) => { child.stdio[3].once('data', resolve); child.on('exit', reject) })
  const port = Number(/listening[^\n]*?:(\d+)/.exec(fs.readFileSync(log, 'utf8'))[1])
  return { child, port, pid: child.pid }
}

function freePort() {
  return new Promise((resolve) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)) })
  })
}

async function startNginx(name, files, accessLog) {
  const home = path.join(dir, name), port = await freePort()
  fs.mkdirSync(path.join(home, 'www'), { recursive: true, mode: 0o755 })
  for (const [file, size] of Object.entries(files)) fs.writeFileSync(path.join(home, 'www', `${file}.json`), 'x'.repeat(size))
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${home}/tmp;`).join(' ')
  fs.writeFileSync(path.join(home, 'nginx.conf'), `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 1024; use epoll; }
http { access_log ${accessLog ? `${home}/access.log` : 'off'}; keepalive_requests 1000000000; sendfile on; tcp_nopush on;
open_file_cache max=100; types { application/json json; } root ${home}/www; ${temps}
server { listen 127.0.0.1:${port}; } }
`)
  const child = start('taskset', ['-c', serverCore, process.env.MANTIS_NGINX || 'nginx', '-p', home, '-c', `${home}/nginx.conf`, '-e', `${home}/error.log`])
  await until(5000, 'nginx', () => new Promise((resolve) => {
    http.get({ port, host: '127.0.0.1', path: `/${Object.keys(files)[0]}.json`, agent: false }, (r) => { r.resume(); resolve(r.statusCode === 200) })
      .on('error', () => resolve(false))
  }))
  return { child, port, pid: child.pid }
}

// --- wrk ---------------------------------------------------------------------------------------

function cpuSeconds(pid) {
  const f = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(f[11]) + Number(f[12])) / 100
}

function wrk(server, route, { body, headers = [], time = seconds, conns = connections } = {}) {
  const before = cpuSeconds(server.pid)
  const args = ['-c', clientCore, 'wrk', '-t1', `-c${conns}`, `-d${time}s`, '--latency', ...headers.flatMap((h) => ['-H', h])]
  if (body) args.push('-s', path.join(here, 'http.lua'))
  const out = execFileSync('taskset', [...args, `http://127.0.0.1:${server.port}${route}`], {
    encoding: 'utf8', env: { ...process.env, BODY: body || '', TOKEN: token },
  })
  if (/Non-2xx/.test(out)) throw new Error(`${route}: ${out}`)
  const ms = /99%\s+([\d.]+)(us|ms|s)/.exec(out), unit = { us: 0.001, ms: 1, s: 1000 }
  const requests = Number(/(\d+) requests in/.exec(out)[1])
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), p99: Number(ms[1]) * unit[ms[2]], requests,
    cpu: ((cpuSeconds(server.pid) - before) / requests) * 1e6,
  }
}

const middle = (list, key) => median(list.map((r) => r[key]))

// --- calls -------------------------------------------------------------------------------------

const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
function call(server, method, route, body) {
  return new Promise((resolve, reject) => {
    const text = body ? JSON.stringify(body) : ''
    const req = http.request({
      port: server.port, host: '127.0.0.1', path: route, method, agent,
      headers: { 'X-Mantis-Token': token, 'Content-Type': 'application/json', 'Content-Length': text.length },
    }, (r) => {
      let data = ''
      r.on('data', (d) => { data += d })
      r.on('end', () => (r.statusCode === 200 ? resolve(data) : reject(new Error(`${method} ${route}: ${r.statusCode} ${data}`))))
    })
    req.on('error', reject)
    req.end(text)
  })
}

const plan = { steps: [{ type: 'wait', intent: 'Wait', params: { seconds: 600 } }] }

// --- parts -------------------------------------------------------------------------------------

async function smallCalls(server) {
  await call(server, 'POST', '/v1/predict', { run_id: 'first', profile_id: 'first', task_suite: plan })
  await call(server, 'POST', '/v1/predict', { run_id: 'waits', profile_id: 'waits', task_suite: plan })
  const status = JSON.stringify({ action: 'status', run_id: 'waits' })
  const rows = [
    { name: 'GET phase poll', file: 'phase', route: '/v1/runs/waits', headers: [`X-Mantis-Token: ${token}`], aim: 0.8 },
    { name: 'GET /health', file: 'health', route: '/health', aim: 0.8 },
    { name: 'POST action=status', file: 'status', route: '/v1/predict', body: status, aim: 0.5 },
  ]
  const files = {
    phase: (await call(server, 'GET', '/v1/runs/waits')).length,
    health: (await call(server, 'GET', '/health')).length,
    status: (await call(server, 'GET', '/v1/runs/waits/status')).length,
  }
  const quiet = await startNginx('nginx', files, false), logging = await startNginx('nginx-log', files, true)
  console.log(`small calls, ${connections} connections, server on one core, wrk on ${clientCore === serverCore ? 'the same' : 'another'}; medians of ${rounds} rounds of ${seconds} s`)
  for (const row of rows) {
    const ours = [], theirs = [], logged = []
    for (let i = 0; i < rounds; i++) {
      theirs.push(wrk(quiet, `/${row.file}.json`))
      ours.push(wrk(server, row.route, row))
      logged.push(wrk(logging, `/${row.file}.json`))
    }
    const [a, b, c] = [ours, theirs, logged].map((l) => ({ rate: middle(l, 'rate'), cpu: middle(l, 'cpu'), p99: middle(l, 'p99') }))
    console.log(`  ${row.name.padEnd(20)} ${a.rate.toFixed(0).padStart(7)}/s  p99 ${a.p99.toFixed(2)} ms  ${a.cpu.toFixed(1)} us of CPU` +
      `   nginx ${b.rate.toFixed(0)}/s p99 ${b.p99.toFixed(2)} ms ${b.cpu.toFixed(1)} us (with access_log ${c.rate.toFixed(0)}/s ${c.cpu.toFixed(1)} us)`)
    console.log(`  ${''.padEnd(20)} ratio ${(a.rate / b.rate).toFixed(2)} by rate, ${(b.cpu / a.cpu).toFixed(2)} by CPU (with access_log ${(a.rate / c.rate).toFixed(2)}, ${(c.cpu / a.cpu).toFixed(2)}); aim >= ${row.aim}, p99 <= 2 ms`)
  }
  quiet.child.kill()
  logging.child.kill()
}

function submissions(server) {
  const body = JSON.stringify({ run_id: 'run-%d', profile_id: 'p%d', task_suite: plan })
  const r = wrk(server, '/v1/predict', { body, conns: 64, time: Math.max(seconds, 4) })
  console.log(`detached submissions   ${r.rate.toFixed(0)}/s  p99 ${r.p99.toFixed(1)} ms   each on disk before its answer; 64 connections (aim >= 1000/s)`)
  return r.requests
}

// Runs 1 to nStreams are there: wrk numbers some requests that it does not send, at its start and its end.
async function moreRuns(server, made) {
  const left = Array.from({ length: nStreams }, (_, i) => i + 1).filter((i) => i < 64 || i > made - 64)
  await Promise.all(Array.from({ length: 32 }, async () => {
    for (let i; (i = left.pop());) {
      await call(server, 'POST', '/v1/predict', { run_id: `run-${i}`, profile_id: `p${i}`, task_suite: plan }).catch((e) => {
        if (!/ 409 /.test(e.message)) throw e
      })
    }
  }))
}

const rssKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
const nowUs = () => Number(process.hrtime.bigint() / 1000n)

// Streams over `route`, held by a server that had `before` KB without any; then send() makes each have a row; resolves to the arrival times by number.
async function streams(server, label, route, before, send) {
  const began = nowUs()
  const child = start('taskset', ['-c', clientCore, path.join(path.dirname(bin), 'tests/bench/bench_streams'), String(server.port), token, String(nStreams), route],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (d) => { out += d })
  const ended = new Promise((resolve, reject) => child.on('exit', (code) => (code ? reject(new Error('bench_streams failed')) : resolve())))
  let failed = false
  ended.catch(() => { failed = true })
  await until(120000, 'streams', () => failed || out.includes('open'))
  const opened = (nowUs() - began) / 1e6, each = (rssKb(server.pid) - before) / nStreams
  const sent = failed ? null : await send()
  await ended
  await until(30000, 'end of the streams', () => fs.readdirSync(`/proc/${server.pid}/fd`).length < 200)
  const arrived = new Map(out.trim().split('\n').slice(1).map((l) => l.split(' ').map(Number)))
  const late = [...arrived].map(([i, at]) => (at - (sent.get(i) ?? sent.get(0))) / 1000).sort((a, b) => a - b)
  console.log(`${label.padEnd(44)} ${each.toFixed(1)} KB each (aim <= 25), opened in ${opened.toFixed(1)} s; a row reached p50 ${late[late.length >> 1].toFixed(0)} ms, ` +
    `p99 ${late[Math.floor(late.length * 0.99)].toFixed(0)} ms, all ${late[late.length - 1].toFixed(0)} ms after it was asked for (aim <= 1000)`)
}

async function eventStreams(server) {
  const last = async (id) => JSON.parse(await call(server, 'GET', `/v1/runs/${id}/events`)).events.at(-1)
  const before = rssKb(server.pid)
  const since = async (id) => encodeURIComponent(`${(await last(id)).ts}`)
  await streams(server, `${nStreams} streams of one run`, `/v1/runs/waits/events?sse=true&since=${await since('waits')}`, before, async () => {
    const at = nowUs()
    await call(server, 'POST', '/v1/predict', { action: 'pause', run_id: 'waits' })
    return new Map([[0, at]])
  })
  const newest = await since(`run-${nStreams}`)
  await streams(server, `${nStreams} streams of as many runs`, `/v1/runs/run-%d/events?sse=true&since=${newest}`, before, async () => {
    const sent = new Map()
    let next = 1
    await Promise.all(Array.from({ length: 32 }, async () => {
      while (next <= nStreams) {
        const i = next++
        sent.set(i, nowUs())
        await call(server, 'POST', '/v1/predict', { action: 'pause', run_id: `run-${i}` })
      }
    }))
    return sent
  })
}

try {
  const server = await startServer()
  await smallCalls(server)
  const made = submissions(server)
  await moreRuns(server, made)
  await eventStreams(server)
} finally {
  for (const child of children) child.kill()
  agent.destroy()
  await Promise.all(children.map((c) => (c.exitCode !== null || c.signalCode ? null : new Promise((resolve) => c.on('exit', resolve)))))
  fs.rmSync(dir, { recursive: true, force: true })
}
