// secrets.mjs - looking for secrets where none may be: in files, in what was printed, in what /proc tells of
// processes, in their memory; written plainly or in one of the ways in which a program writes a text down.
// Secrets are {name: value}; what is found is told by name, never by value.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { bin, descendants, execFileSync, slow, until } from './harness.mjs'

// --- how a secret may be written -----------------------------------------------------------------

// Base64 of a text that holds it somewhere: what of it does not depend on its neighbours, for each of three places.
function base64(bytes) {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '')
    const tail = (before + bytes.length) % 3 // the last letter holds bits of what comes behind
    return text.slice([0, 2, 3][before], tail ? -1 : undefined)
  })
}

function writings(secret) {
  const bytes = Buffer.from(secret), url = encodeURIComponent(secret)
  const texts = [url, url.replace(/%../g, (c) => c.toLowerCase()), JSON.stringify(secret).slice(1, -1).replace(/\//g, '\\/'), bytes.toString('hex')]
  for (const b of [...base64(bytes), ...base64(Buffer.from(secret, 'utf16le'))]) texts.push(b, b.replace(/\+/g, '-').replace(/\//g, '_'))
  return [bytes, Buffer.from(secret, 'utf16le'), ...new Set(texts)].map((w) => Buffer.from(w))
}

// The names of those that the bytes hold.
export class Search {
  constructor(secrets) { this.list = Object.entries(secrets).map(([name, value]) => ({ name, forms: writings(value) })) }

  add(name, value) { this.list.push({ name, forms: writings(value) }) }

  in(bytes) { return this.list.filter((s) => s.forms.some((f) => bytes.includes(f))).map((s) => s.name) }
}

const searchOf = (secrets) => (secrets instanceof Search ? secrets : new Search(secrets))

// --- files ---------------------------------------------------------------------------------------

export function files(dir) {
  const found = []
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    const p = path.join(dir, e.name)
    if (e.isDirectory()) found.push(...files(p))
    else if (e.isFile()) found.push(p)
  }
  return found
}

// A file as it is and, where it is packed, what is in it.
function contents(file) {
  const raw = fs.readFileSync(file), all = [raw]
  for (let at = raw.indexOf('\x1f\x8b', 0, 'latin1'); at >= 0; at = raw.indexOf('\x1f\x8b', at + 1, 'latin1')) {
    try { all.push(zlib.gunzipSync(raw.subarray(at), { finishFlush: zlib.constants.Z_SYNC_FLUSH })) } catch { /* no gzip after all */ }
  }
  return all
}

// ["key: tenants/..."] of every file below dir.
export function holders(dir, secrets) {
  const search = searchOf(secrets), held = []
  for (const file of files(dir)) {
    let all
    try { all = contents(file) } catch { continue } // it went while we looked
    for (const name of new Set(all.flatMap((data) => search.in(data)))) held.push(`${name}: ${path.relative(dir, file)}`)
  }
  return held
}

// --- processes -----------------------------------------------------------------------------------

const proc = (pid, name) => { try { return fs.readFileSync(`/proc/${pid}/${name}`) } catch { return Buffer.alloc(0) } } // it ended

// Looks four times a second, until stopped, at what /proc tells of a server and of all that it started: to look takes a
// good part of a core, which a run on pixels has use for.
export class Watch {
  constructor(server, secrets) {
    this.server = server
    this.search = searchOf(secrets)
    this.found = new Set()
    this.seen = new Set() // names of the programs that were looked at
    this.credentials = new Map() // worker's pid -> what it shows the gateway
    this.on = true
    this.done = this.look()
  }

  async look() {
    for (; this.on; await new Promise((resolve) => setTimeout(resolve, 250)))
      for (const p of [{ pid: this.server.child.pid, comm: 'mantis' }, ...descendants(this.server.child.pid)]) this.regard(p)
  }

  regard({ pid, comm }) {
    this.seen.add(comm.startsWith('chrom') ? 'chromium' : comm)
    if (comm.startsWith('mantis-worker') && process.getuid() === 0 && !this.credentials.has(pid)) this.take(pid)
    for (const what of ['environ', 'cmdline']) for (const name of this.search.in(proc(pid, what))) this.found.add(`${name}: ${what} of ${comm}`)
  }

  take(pid) {
    const credential = credentialOf(pid)
    if (!credential) return
    this.credentials.set(pid, { credential, uid: Number(/Uid:\s+(\d+)/.exec(proc(pid, 'status'))[1]) })
    this.search.add(`credential of worker ${pid}`, credential)
  }

  async stop() { this.on = false; await this.done; return [...this.found] }
}

// What of a process could be written to a core file, part by part. Only root may look.
export function* memory(pid) {
  const mem = fs.openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of proc(pid, 'maps').toString().split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line)
      const [from, to] = range ? [BigInt(`0x${range[1]}`), BigInt(`0x${range[2]}`)] : [0n, 0n]
      if (to === from || to - from > 1n << 27n) continue
      const part = Buffer.alloc(Number(to - from))
      try { fs.readSync(mem, part, 0, part.length, from) } catch { continue }
      yield part
    }
  } finally { fs.closeSync(mem) }
}

// Makes a process that waits for something fault when it goes on, as a broken pointer would. (The first process of a
// PID namespace takes no signal from outside but SIGKILL.) Only root may.
const nonsense = { x64: [0x0f, 0x0b], arm64: [0, 0, 0, 0] } // an instruction that is none

export async function crash(pid) {
  const at = await until(5000 * slow, 'where it waits', () => / (0x[0-9a-f]+)\n$/.exec(proc(pid, 'syscall'))?.[1])
  const mem = fs.openSync(`/proc/${pid}/mem`, 'r+')
  try { fs.writeSync(mem, Buffer.from(nonsense[process.arch]), 0, nonsense[process.arch].length, Number(at)) } finally { fs.closeSync(mem) }
}

const bearer = 'Authorization: Bearer '

// The credential of a live worker: nothing but its memory has it. null: not yet.
export function credentialOf(pid) {
  try {
    for (const part of memory(pid))
      for (let at = part.indexOf(bearer); at >= 0; at = part.indexOf(bearer, at + 1)) {
        const found = /^[0-9a-f]{64}/.exec(part.toString('latin1', at + bearer.length, at + bearer.length + 64))
        if (found) return found[0]
      }
  } catch (e) { if (!['ENOENT', 'ESRCH'].includes(e.code)) throw e }
  return null
}

const call = `require('http').get(JSON.parse(require('fs').readFileSync(0)), (r) => { console.log(r.statusCode); process.exit() })
  .on('error', (e) => { console.log(e.code); process.exit() })`

// How the gateway answers, by HTTP status, who asks it for a profile's models as a worker does: from its user, with its credential.
export function knock(server, profile, { credential, uid }) {
  const request = { socketPath: path.join(server.dir, 'gateway/model.sock'), path: `/${profile}/models`, headers: { authorization: `Bearer ${credential}` } }
  const said = execFileSync('setpriv', ['--reuid', uid, '--regid', uid, '--clear-groups', process.execPath, '-e', call], { input: JSON.stringify(request), timeout: 20000 * slow })
  return Number(said) || String(said)
}

// A sanitizer's leak check attaches to the process: there it can be looked at, and dumped.
export const sanitized = () => fs.readFileSync(bin).includes('__asan_init')

// Nothing that a server starts may write a core, and neither another process of a worker's user can write down what it knows.
export function assertNoCores(server) {
  const below = descendants(server.child.pid).map((p) => ({ ...p, limits: proc(p.pid, 'limits').toString() })).filter((p) => p.limits)
  for (const p of below) assert.match(p.limits, /Max core file size +0 +0 /, p.comm)
  for (const { pid } of below.filter((p) => p.comm.startsWith('mantis-worker'))) {
    const uid = Number(/Uid:\s+(\d+)/.exec(proc(pid, 'status'))[1])
    if (uid && !sanitized()) assert.equal(fs.statSync(`/proc/${pid}/environ`).uid, 0, 'the worker can be dumped')
  }
}
