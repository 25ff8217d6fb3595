// Time from exec to the first 200 on /health, and resident memory when idle, of `mantis serve`.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import { bin, tempDir } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = 11

function get(port) {
  return new Promise((resolve) => {
    http.get({ port, host: '127.0.0.1', path: '/health', agent: false }, (r) => { r.resume(); resolve(r.statusCode) })
      .on('error', () => resolve(0))
  })
}

async function round() {
  const dir = tempDir('bench')
  const began = process.hrtime.bigint()
  const child = spawn(bin, ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dir, '--ready-fd', '3'], {
    env: { PATH: process.env.PATH, MANTIS_API_TOKEN: 'bench' }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (d) => { log += d })
  await new Promise((resolve) => child.stdio[3].once('data', resolve))
  const port = Number(/listening[^\n]*:(\d+)/.exec(log)[1])
  while (await get(port) !== 200);
  const ms = Number(process.hrtime.bigint() - began) / 1e6
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024
  child.kill('SIGTERM')
  await new Promise((resolve) => child.on('exit', resolve))
  fs.rmSync(dir, { recursive: true, force: true })
  return { ms, rss }
}

const all = []
for (let i = 0; i < rounds; i++) all.push(await round())
console.log(`start to first 200 on /health   ${median(all.map((a) => a.ms)).toFixed(1)} ms   (median of ${rounds}; aim <= 50)`)
console.log(`idle resident memory            ${median(all.map((a) => a.rss)).toFixed(1)} MB   (median of ${rounds}; aim <= 15)`)
