// faults.mjs - what the fault tests share: raw connections, broken receivers, and the signs that a server is
// well after all of it.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

import { bin, slow, tempDir, until } from './harness.mjs'

// ms: what one call takes at most on a busy machine, and less than whatever could hold it up, of which the
// shortest is a webhook's deadline of 10 s.
export const HELD_UP = 7000

// A connection that is driven byte by byte. `got` is what came; `ended` how it ended, null while open.
export class Wire {
  constructor(port, options = {}) {
    this.got = ''
    this.ended = null
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options })
    this.socket.on('data', (d) => { this.got += d.toString('latin1') })
    this.socket.on('end', () => { this.ended ??= 'end' })
    this.socket.on('close', () => { this.ended ??= 'close' })
    this.socket.on('error', (e) => { this.ended ??= e.code })
    this.opened = new Promise((resolve) => { this.socket.once('connect', resolve); this.socket.once('error', resolve) })
  }

  send(bytes) { this.socket.write(bytes, 'latin1'); return this }

  // No more will be sent; what comes is still read.
  half() { this.socket.end(); return this }

  cut() { this.socket.destroy(); return this }

  reset() { this.socket.resetAndDestroy(); return this }

  get answers() { return [...this.got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])).filter((s) => s !== 100) }

  async answered(n = 1, ms = 10000) {
    await until(ms * slow, `answer ${n} to a raw request`, () => this.answers.length >= n || this.ended, 5)
    return this.answers
  }

  async over(ms = 10000) {
    await until(ms * slow, 'the end of a connection', () => this.ended, 5)
    return this.got
  }
}

// One raw request to its first answer: the status, 0 when it was cut off without one.
export async function rawStatus(port, bytes, { half = false } = {}) {
  const wire = new Wire(port)
  wire.send(bytes)
  if (half) wire.half()
  await wire.answered()
  const status = wire.answers[0] ?? 0
  wire.cut()
  return { status, text: wire.got }
}

export const rssKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length

// Lines of the server's log; every one must be JSON.
export function logLines(server) {
  const lines = (server.logs + server.child.log).split('\n')
  lines.pop() // what is being written
  return lines.filter(Boolean).map((l) => {
    try { return JSON.parse(l) } catch { assert.fail(`a line of the log is not JSON: ${l.slice(0, 300)}`) }
  })
}

// Taken before the faults; well() afterwards says whether the server is as it was.
export class Vitals {
  constructor(server, { growthKb = 48 * 1024 } = {}) {
    this.server = server
    this.pid = server.child.pid
    this.rss = rssKb(this.pid)
    this.fds = descriptors(this.pid)
    this.limit = this.rss + growthKb * slow
  }

  async well() {
    assert.equal(this.server.child.exitCode ?? this.server.child.signalCode, null, this.server.child.log.slice(-2000))
    const r = await this.server.request('GET', '/health')
    assert.equal(r.status, 200)
    // node keeps its connections; a handful of descriptors are theirs
    await until(20000 * slow, `descriptors back to ${this.fds}`, () => descriptors(this.pid) <= this.fds + 8)
    const rss = rssKb(this.pid)
    assert.ok(rss < this.limit, `${rss} kB resident, ${this.rss} before`)
    logLines(this.server)
  }
}

// Asks /v1/runs/<id> over and over until stopped; says how long the slowest answer took, in ms.
export class Polls {
  constructor(caller, run) {
    this.slowest = 0
    this.n = 0
    this.statuses = new Set()
    this.on = true
    this.done = (async () => {
      while (this.on) {
        const t = performance.now()
        const r = await caller.request('GET', run ? `/v1/runs/${run}` : '/v1/queue')
        this.slowest = Math.max(this.slowest, performance.now() - t)
        this.statuses.add(r.status)
        this.n++
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
  }

  async stop() { this.on = false; await this.done; return this }
}

export const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
export const post = (body, more = '', path = '/v1/predict') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

export function metric(text, name, labels = {}) {
  let sum = 0
  for (const line of text.split('\n')) {
    const m = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (m && m[1] === name && Object.entries(labels).every(([k, v]) => m[2].includes(`${k}="${v}"`))) sum += Number(m[3])
  }
  return sum
}

// A clock that only the server sees (Debian package faketime): fake.jump(seconds) sets how far it is from the
// real one. `skip` says why there is none: it is not installed, or the program's sanitizer bears no library
// before its own.
const library = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((arch) => `/usr/lib/${arch}/faketime/libfaketime.so.1`).find((f) => fs.existsSync(f))

export class FakeClock {
  static skip = !library ? 'faketime is not installed' : fs.readFileSync(bin).includes('__asan_init') ? 'a sanitized program cannot be given a clock' : false

  constructor() {
    this.dir = tempDir('clock')
    this.file = path.join(this.dir, 'offset')
    this.env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' }
    this.jump(0)
  }

  jump(seconds) {
    fs.writeFileSync(this.file + '.new', `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`)
    fs.renameSync(this.file + '.new', this.file)
  }

  // The library keeps shared memory named after each process, and cannot tidy up after one that was killed.
  remove() {
    fs.rmSync(this.dir, { recursive: true, force: true })
    for (const name of fs.readdirSync('/dev/shm')) {
      const pid = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/.exec(name)?.[1]
      if (pid && !fs.existsSync(`/proc/${pid}`)) fs.rmSync(`/dev/shm/${name}`, { force: true })
    }
  }

  // For a test's options; where nobody can miss it when there is something to say.
  static needed(what) {
    if (FakeClock.skip) console.error(`\n*** SKIPPED: ${FakeClock.skip}: ${what} not tested ***\n`)
    return { skip: FakeClock.skip }
  }
}

