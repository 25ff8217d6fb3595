// What passing a call on to the model server costs: the same calls to the scripted model server directly and through `mantis
// serve`, in turn; then 64 streams of 100 events a second through a serve that has one core.

import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { bin, tempDir, until } from '../e2e/lib/harness.mjs'
import { startModelServer } from '../e2e/lib/model_server.mjs'
import { percentile } from './lib.mjs'

const rounds = Number(process.env.MANTIS_BENCH_ROUNDS || 5)
const calls = Number(process.env.MANTIS_BENCH_CALLS || 1000)
const nStreams = Number(process.env.MANTIS_BENCH_STREAMS || 64)
const seconds = Number(process.env.MANTIS_BENCH_SECONDS || 10)
const token = 'bench-token-bench-token'
const serverCore = '0', otherCore = os.cpus().length > 1 ? '1' : '0'
const dir = tempDir('bench-chat')
const program = path.join(path.dirname(bin), 'tests/bench/bench_chat')
const run = promisify(execFile)

const events = seconds * 100
const script = { rules: [{ when: 'stream', text: 'word '.repeat(events), pace_ms: 10 }, { text: 'The total is 12.' }] }
const body = (content, more) => JSON.stringify({ model: 'holo3', messages: [{ role: 'user', content }], ...more })

const cpuSeconds = (pid) => {
  const f = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(f[11]) + Number(f[12])) / 100
}

async function startServer(url) {
  const keys = path.join(dir, 'keys.json'), log = path.join(dir, 'serve.log')
  fs.writeFileSync(keys, JSON.stringify({ tenant_keys: { [token]: { tenant_id: 'bench', scopes: ['run'], rate_limit_per_minute: 0 } } }), { mode: 0o600 })
  const child = spawn('taskset', ['-c', serverCore, bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', path.join(dir, 'data'), '--ready-fd', '3'], {
    env: { PATH: process.env.PATH, MANTIS_TENANT_KEYS_PATH: keys, MANTIS_BRAIN: 'holo3', MANTIS_MODEL_URL: url, MANTIS_MODEL_NAME: 'served' },
    stdio: ['ignore', 'ignore', fs.openSync(log, 'w'), 'pipe'],
  })
  await new Promise((resolve, reject) => { child.stdio[3].once('data', resolve); child.on('exit', reject) })
  await until(10000, 'the model server', () => fs.readFileSync(log, 'utf8').includes('the model server is ready'))
  return { child, pid: child.pid, port: Number(/listening[^\n]*?:(\d+)/.exec(fs.readFileSync(log, 'utf8'))[1]) }
}

const client = async (...args) => (await run('taskset', ['-c', otherCore, program, ...args.map(String)], { maxBuffer: 1 << 26 })).stdout.trim().split('\n')

async function latency(direct, through) {
  const times = { direct: [], through: [] }
  for (let i = 0; i < rounds; i++)
    for (const [name, port] of [['direct', direct], ['through', through]])
      times[name].push(...(await client('calls', port, token, body('How much?'), calls + 20)).slice(20).map(Number))
  const at = (name, p) => percentile(times[name], p) / 1000
  const row = (name) => `p50 ${at(name, 50).toFixed(3)} ms, p99 ${at(name, 99).toFixed(3)} ms`
  console.log(`one call after the other, ${rounds} rounds of ${calls}: direct ${row('direct')}; through serve ${row('through')}`)
  console.log(`added by serve: p50 ${(at('through', 50) - at('direct', 50)).toFixed(3)} ms (aim <= 1), p99 ${(at('through', 99) - at('direct', 99)).toFixed(3)} ms (aim <= 3)`)
}

async function streams(name, port, pid) {
  const cpu = pid && cpuSeconds(pid)
  const lines = (await client('streams', port, token, body('stream', { stream: true }), nStreams)).map((l) => l.split(' ').map(Number))
  const took = Math.max(...lines.map((l) => l[1])) / 1e6
  const got = lines.reduce((n, l) => n + l[0], 0), wanted = nStreams * (events + 3) // its beginning, its end, [DONE]
  console.log(`${nStreams} streams ${name}: ${(events / took).toFixed(0)} events/s each for ${took.toFixed(1)} s, ${got} events, lost ${wanted - got} (aim 0), ${lines.filter((l) => !l[2]).length} cut` +
    (pid ? `; serve used ${(((cpuSeconds(pid) - cpu) / took) * 100).toFixed(1)} % of its core` : ''))
}

const model = await startModelServer(dir, script)
const direct = Number(new URL(model.url).port)
let server
try {
  server = await startServer(model.url)
  console.log(`serve on core ${serverCore}, model server and client not; load before ${os.loadavg()[0].toFixed(1)}`)
  await latency(direct, server.port)
  await streams('directly', direct)
  await streams('through serve', server.port, server.pid)
  console.log(`load after ${os.loadavg()[0].toFixed(1)}`)
} finally {
  server?.child.kill()
  await model.stop()
  if (server) await new Promise((resolve) => (server.child.exitCode !== null ? resolve() : server.child.on('exit', resolve)))
  fs.rmSync(dir, { recursive: true, force: true })
}
