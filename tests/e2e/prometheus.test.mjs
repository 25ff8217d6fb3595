// prometheus.test.mjs - a real Prometheus scrapes the server, with the token, and gets figures that move.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { startServer, tempDir, until } from './lib/harness.mjs'

let server, dir, prometheus, address

const freePort = () => new Promise((resolve) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address()
    s.close(() => resolve(port))
  })
})

before(async () => {
  server = await startServer({ env: { MANTIS_METRICS_TOKEN: 'scrape-me' } })
  dir = tempDir('prometheus')
  address = `127.0.0.1:${await freePort()}`
  fs.writeFileSync(path.join(dir, 'prometheus.yml'), `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: mantis
    authorization: { credentials: scrape-me }
    static_configs: [{ targets: ['127.0.0.1:${server.port}'] }]
  - job_name: stranger
    static_configs: [{ targets: ['127.0.0.1:${server.port}'] }]
`)
  prometheus = spawn('setpriv', ['--pdeathsig', 'KILL', 'prometheus', `--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=${address}`], { stdio: ['ignore', 'ignore', 'pipe'] })
  prometheus.log = ''
  prometheus.stderr.on('data', (d) => { prometheus.log += d })
})

after(async () => {
  if (prometheus) {
    const ended = new Promise((resolve) => prometheus.on('exit', resolve))
    prometheus.kill('SIGKILL')
    await ended
  }
  await server?.stop()
  if (dir) fs.rmSync(dir, { recursive: true, force: true })
})

async function query(text) {
  const r = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(text)}`)
  return (await r.json()).data.result
}

test('promtool finds nothing to say about /metrics', async () => {
  await server.predict({ task_suite: [{ type: 'wait', intent: 'w', params: { seconds: 0 } }], detached: false })
  const text = await (await fetch(server.base + '/metrics', { headers: { Authorization: 'Bearer scrape-me' } })).text()
  assert.match(text, /^mantis_run_duration_seconds_count\{.*status="completed".*\} 1$/m)
  assert.equal(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' }), '')
})

test('Prometheus scrapes the figures with the token, and is refused without it', async () => {
  const up = await until(30000, `a scrape; ${prometheus.log}`, async () => {
    const list = await query('up').catch(() => [])
    return list.length === 2 && list
  }, 200)
  const of = (job) => up.find((s) => s.metric.job === job).value[1]
  assert.equal(of('mantis'), '1')
  assert.equal(of('stranger'), '0')
  const runs = await query('mantis_run_duration_seconds_count{job="mantis"}')
  assert.equal(runs[0].value[1], '1')
  assert.equal(runs[0].metric.tenant_id, 'default')
  assert.equal((await query('mantis_build_info')).length, 1)
})
