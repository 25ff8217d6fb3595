// harness.mjs - start the real programs, talk to them as a caller does, kill them, and look for
// leftovers. Built-ins of Node 18 only.

import { spawn, execFileSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
export const bin = process.env.MANTIS_BIN || path.join(root, 'build', 'mantis')
// Sanitized builds are several times slower; deadlines stretch, nothing else changes.
export const slow = Number(process.env.MANTIS_TEST_SLOW || 1)

// --- processes ---------------------------------------------------------------------------------

// What a test that is interrupted would leave behind. Programs end first: a server writes until it is gone.
const started = new Set()
const temporary = new Set()
const nap = new Int32Array(new SharedArrayBuffer(4))

// One that is killed outright ends nothing: a watchdog does, that is told what there is.
let watchdog
function tell() {
  if (!watchdog) {
    watchdog = spawn('/bin/sh', [path.join(path.dirname(fileURLToPath(import.meta.url)), 'watchdog.sh')], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: { PATH: process.env.PATH } })
    watchdog.on('error', () => {})
    watchdog.stdin.on('error', () => {})
    watchdog.unref()
    watchdog.stdin.unref()
  }
  watchdog.stdin.write(`${[...[...started].map((child) => child.pid), ...temporary].join(' ')}\n`)
}

// This child ends with the test, however that ends.
export function keep(child) {
  if (!child.pid) return child // it did not start
  started.add(child)
  child.on('exit', () => { started.delete(child); tell() })
  tell()
  return child
}

// Nothing is reaped in an exit handler: a child that ended is a zombie there.
function runs(child) {
  try {
    const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch { return false }
}

// A test may have mounted a small disk there.
function unmount(dir) {
  try {
    execFileSync('umount', [dir], { stdio: 'ignore' })
    fs.rmSync(dir, { recursive: true, force: true })
  } catch (error) { console.error(`${dir} is left behind: ${error.message}`) }
}

process.on('exit', () => {
  for (const [signal, ms] of [['SIGTERM', 5000], ['SIGKILL', 1000]]) {
    for (const child of started) if (runs(child)) process.kill(child.pid, signal)
    for (const end = Date.now() + ms; [...started].some(runs) && Date.now() < end;) Atomics.wait(nap, 0, 0, 20)
  }
  for (const dir of temporary) {
    try { fs.rmSync(dir, { recursive: true, force: true }) } catch { unmount(dir) }
  }
  started.clear()
  temporary.clear()
  if (watchdog) tell()
})
for (const [signal, code] of [['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143]])
  process.once(signal, () => process.exit(code))

// A child whose stderr is kept; `ready` is a promise for the newline it writes to fd 3. It is told to
// end when this process dies, however that happens.
function launch(args, env, what, wrap = []) {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...wrap, bin, ...args], {
    // Models of these tests are scripts that see nothing; selftest.test.mjs asks them where they click.
    env: { PATH: process.env.PATH, HOME: os.tmpdir(), MANTIS_SELFTEST: 'off', ...sharedEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  keep(child)
  child.log = ''
  child.out = ''
  child.stderr.on('data', (d) => { child.log += d })
  child.stdout.on('data', (d) => { child.out += d })
  child.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
  child.ready = new Promise((resolve, reject) => {
    child.stdio[3].once('data', () => resolve())
    child.on('error', reject)
    child.ended.then(({ code, signal }) => reject(new Error(`${what} ended (${code ?? signal}):\n${child.log}`)))
  })
  child.ready.catch(() => {})
  return child
}

// What a whole test run is set to. MANTIS_REPO_ROOT: for a binary that is not in the source tree's build/.
function sharedEnv() {
  const env = {}
  for (const name of ['ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'MANTIS_REPO_ROOT'])
    if (process.env[name]) env[name] = process.env[name]
  return env
}

export async function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

// Ask again until the answer is truthy. The pause is between questions, never instead of one.
export async function until(ms, what, ask, every = 20) {
  const end = Date.now() + ms
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await new Promise((r) => setTimeout(r, every))
  }
}

// Gone when this process ends.
export function tempDir(name, parent = os.tmpdir()) {
  const dir = fs.mkdtempSync(path.join(parent, `mantis-e2e-${name}-`))
  temporary.add(dir)
  tell()
  fs.chmodSync(dir, 0o711) // workers run under another uid and must reach their own directories
  return dir
}

// --- mantis env ----------------------------------------------------------------------------------

export async function startSite(name, seed = 42, args = []) {
  const child = launch(['env', 'start', '--env', name, '--seed', String(seed), '--foreground',
    '--ready-fd', '3', ...args], {}, `mantis env ${name}`)
  await within(10000 * slow, `site ${name}`, child.ready)
  const { url, admin_token: token } = JSON.parse(await until(2000 * slow, 'site address', () => child.out.includes('}') && child.out))
  const admin = async (method, route, body) => {
    const r = await fetch(url + route, { method, headers: { 'X-Env-Admin': token }, body: body && JSON.stringify(body) })
    return r.json()
  }
  return { url, admin, child, stop: () => stop(child) }
}

// --- mantis serve --------------------------------------------------------------------------------

export class Server {
  constructor(options = {}) {
    this.dir = options.dir || tempDir('data')
    this.keep = Boolean(options.dir)
    this.token = options.token ?? crypto.randomBytes(32).toString('hex')
    this.env = { MANTIS_API_TOKEN: this.token, ...options.env }
    this.args = options.args || []
    this.wrap = options.wrap // a program and its arguments that start it
    this.logs = ''
  }

  async start() {
    this.child = launch(['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', this.dir,
      '--ready-fd', '3', ...this.args], this.env, 'mantis serve', this.wrap)
    await within(10000 * slow, 'mantis serve', this.child.ready)
    const line = await until(2000 * slow, 'listening line', () => this.child.log.split('\n').find((l) => l.includes('listening')))
    this.port = Number(/:(\d+)/.exec(JSON.parse(line).msg)[1])
    this.base = `http://127.0.0.1:${this.port}`
    return this
  }

  async request(method, route, body, headers = {}) {
    const r = await fetch(this.base + route, {
      method,
      headers: { 'X-Mantis-Token': this.token, 'Content-Type': 'application/json', ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await r.text()
    let json = null
    try { json = JSON.parse(text) } catch { /* not every reply is JSON */ }
    return { status: r.status, headers: r.headers, text, json }
  }

  predict(body, headers) { return this.request('POST', '/v1/predict', body, headers) }

  async submit(body) {
    const r = await this.predict({ detached: true, ...body })
    if (r.status !== 200) throw new Error(`submit: ${r.status} ${r.text}`)
    return r.json.run_id
  }

  async status(id) { return (await this.predict({ action: 'status', run_id: id })).json }

  async result(id) { return (await this.predict({ action: 'result', run_id: id })).json }

  async events(id) {
    const r = await this.predict({ action: 'logs', run_id: id, tail: 10000 })
    return r.json.events.map((l) => JSON.parse(l))
  }

  async end(id, ms = 60000) {
    return until(ms * slow, `run ${id}`, async () => {
      const s = await this.status(id)
      return s.terminal && s
    }, 50)
  }

  async kill(signal = 'SIGKILL') {
    this.child.kill(signal)
    const how = await within(15000 * slow, 'end of mantis serve', this.child.ended)
    this.logs += this.child.log
    return how
  }

  async stop() {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) await this.kill('SIGTERM')
    if (!this.keep) fs.rmSync(this.dir, { recursive: true, force: true })
  }
}

export async function startServer(options) {
  return new Server(options).start()
}

async function stop(child) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  await within(10000 * slow, 'end of child', child.ended)
}

// --- looking at processes ---------------------------------------------------------------------------

// All processes: {pid, ppid, comm, args}. Linux /proc; the tests see into the workers' namespaces.
export function processes() {
  const list = []
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8')
      const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (rest[0] === 'Z') continue
      const args = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean)
      list.push({ pid: Number(name), ppid: Number(rest[1]), comm: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), args })
    } catch { /* it ended while we looked */ }
  }
  return list
}

export function descendants(pid, list = processes()) {
  const found = []
  const todo = [pid]
  while (todo.length) {
    const p = todo.pop()
    for (const q of list) if (q.ppid === p) { found.push(q); todo.push(q.pid) }
  }
  return found
}

// The process of one run to be killed: 'worker', 'chromium' (the browser process) or 'xvfb'.
export function victim(serverPid, kind) {
  const below = descendants(serverPid)
  const is = {
    worker: (p) => p.comm.startsWith('mantis-worker'),
    chromium: (p) => p.comm.startsWith('chrom') && !p.args.some((a) => a.startsWith('--type=')) && !p.args[0].includes('crashpad'),
    xvfb: (p) => p.comm === 'Xvfb',
  }[kind]
  return below.find(is)
}

// What a run must not leave behind. Take one before, one after.
export function leftovers() {
  const names = (dir) => { try { return fs.readdirSync(dir) } catch { return [] } }
  const segments = fs.readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').length - 1
  return {
    processes: processes().filter((p) => /^(mantis-worker|Xvfb|chrom|chrome_crashpad)/.test(p.comm)).map((p) => `${p.pid} ${p.comm}`).sort(),
    shm: names('/dev/shm').sort(),
    segments,
    locks: names('/tmp').filter((n) => /^\.X\d+-lock$/.test(n)).sort(),
    sockets: names('/tmp/.X11-unix').sort(),
    temp: names('/tmp').filter((n) => /^(\.org\.chromium|org\.chromium|mantis-w)/.test(n)).sort(),
  }
}

export function rowKey(row) {
  return ['year', 'make', 'model', 'price', 'phone', 'url'].map((k) => `${k}=${row[k] ?? ''}`).join('|')
}

export { execFileSync }

// A raw TCP exchange: send bytes, collect what comes until the peer closes or ms pass.
export function rawExchange(port, bytes, ms = 2000) {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (d) => { got += d })
    socket.on('close', () => resolve(got))
    socket.on('error', (e) => (got ? resolve(got) : reject(e)))
    setTimeout(() => socket.destroy(), ms)
  })
}
