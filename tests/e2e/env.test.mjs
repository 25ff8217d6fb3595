// `mantis env`: a site is started, answers, and is ended without ever touching a stranger's process.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, slow, startSite, tempDir, until } from './lib/harness.mjs'

let dir
before(() => { dir = tempDir('env') })
after(() => fs.rmSync(dir, { recursive: true, force: true }))

function env(...args) {
  const r = spawnSync(bin, ['env', ...args], { encoding: 'utf8', timeout: 20000 * slow, env: { ...process.env, TMPDIR: dir } })
  assert.equal(r.error, undefined)
  return r
}

const alive = (pid) => {
  try {
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length

test('start leaves a site behind and stop ends it', async () => {
  const handle = path.join(dir, 'one.json')
  const started = env('start', '--env', 'marketplace', '--seed', '7', '--handle', handle)
  assert.equal(started.status, 0, started.stderr)
  const said = JSON.parse(started.stdout)
  assert.deepEqual(Object.keys(said), ['url', 'admin_token', 'handle_file'])
  assert.equal(said.handle_file, handle)
  assert.match(said.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.equal(fs.statSync(handle).mode & 0o777, 0o600)
  const { pid } = JSON.parse(fs.readFileSync(handle, 'utf8'))
  const health = await (await fetch(`${said.url}/__env__/health`)).json()
  assert.deepEqual(health, { ok: true, site: 'marketplace', seed: 7 })
  const rows = await (await fetch(`${said.url}/__env__/rows`, { headers: { 'X-Env-Admin': said.admin_token } })).json()
  assert.ok(rows.rows.length > 50)

  const second = env('start', '--env', 'lab', '--handle', handle)
  assert.equal(second.status, 1)
  assert.match(second.stderr, new RegExp(`running \\(pid ${pid}\\)`))

  assert.ok(alive(pid))
  const stopped = env('stop', '--handle', handle)
  assert.equal(stopped.status, 0, stopped.stderr)
  assert.ok(!fs.existsSync(handle))
  await until(5000 * slow, 'end of the site', () => !alive(pid))
  assert.equal(env('stop', '--handle', handle).status, 1)
})

test('without --handle the file goes to TMPDIR and is named after site and process', () => {
  const said = JSON.parse(env('start', '--env', 'lab').stdout)
  const { pid } = JSON.parse(fs.readFileSync(said.handle_file, 'utf8'))
  assert.equal(said.handle_file, path.join(dir, `mantis-env-lab-${pid}.json`))
  assert.equal(env('stop', '--handle', said.handle_file).status, 0)
})

test('stop leaves a process alone that only has the same number', async () => {
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
  try {
    const handle = path.join(dir, 'stranger.json')
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const start = Number(fs.readFileSync(`/proc/${stranger.pid}/stat`, 'utf8').split(') ')[1].split(' ')[19])
    for (const other of [{ pid_start: start - 1, boot_id: boot }, { pid_start: start, boot_id: 'another boot' }]) {
      fs.writeFileSync(handle, JSON.stringify({ url: 'http://127.0.0.1:1', admin_token: 'x', pid: stranger.pid, ...other }))
      const r = env('stop', '--handle', handle)
      assert.equal(r.status, 0)
      assert.match(r.stderr, /warning: .*was not running/)
      assert.ok(!fs.existsSync(handle))
      assert.ok(alive(stranger.pid))
    }
    // the same file with the right time and boot does name that process
    fs.writeFileSync(handle, JSON.stringify({ pid: stranger.pid, pid_start: start, boot_id: boot }))
    assert.equal(env('stop', '--handle', handle).status, 0)
    await until(5000 * slow, 'end of the named process', () => stranger.signalCode === 'SIGTERM')
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('mistakes are explained', () => {
  const handle = path.join(dir, 'rubbish.json')
  fs.writeFileSync(handle, '{"pid":1}')
  for (const [args, status, says] of [
    [['start'], 2, /--env NAME is missing[^]*marketplace[^]*lab/],
    [['start', '--env', 'nowhere'], 2, /no practice site 'nowhere'[^]*marketplace[^]*lab/],
    [['start', '--env', 'lab', '--colour', 'red'], 2, /'--colour'[^]*usage: mantis env start/],
    [['start', '--env', 'lab', '--seed', 'x'], 2, /whole number/],
    [['start', '--env', 'lab', '--port', '99999'], 1, /99999/],
    [['start', '--env', 'lab', '--host', 'example.org'], 1, /numeric address/],
    [['start', '--env', 'lab', '--handle', path.join(dir, 'no', 'such', 'x.json')], 1, /no\/such/],
    [['stop'], 2, /--handle FILE is missing/],
    [['stop', '--handle', handle], 1, /not the handle/],
    [['stpo'], 2, /mantis env stop/],
  ]) {
    const r = env(...args)
    assert.equal(r.status, status, `${args}: ${r.stderr}`)
    assert.match(r.stderr, says)
    assert.equal(r.stdout, '')
  }
  assert.equal(env('start', '--help').status, 0)
})

test('in the foreground a site serves until SIGTERM and takes its handle with it', async () => {
  const handle = path.join(dir, 'front.json')
  const site = await startSite('lab', 3, ['--handle', handle])
  assert.equal((await site.admin('GET', '/__env__/health')).seed, 3)
  assert.ok(fs.existsSync(handle))
  site.child.kill('SIGTERM')
  assert.deepEqual(await site.child.ended, { code: 0, signal: null })
  assert.ok(!fs.existsSync(handle))
})

test('a visitor who gives up leaves no open connection behind', async () => {
  const site = await startSite('lab', 1, ['--handle', path.join(dir, 'held.json')])
  const idle = descriptors(site.child.pid)
  const end = new AbortController()
  const waiting = ['/lab/never', '/lab/hang', '/lab/slow?ms=60000'].map((p) =>
    fetch(site.url + p, { signal: end.signal }).then((r) => r.text()).catch((e) => e.name))
  await until(5000 * slow, 'three held connections', () => descriptors(site.child.pid) >= idle + 3)
  end.abort()
  for (const name of await Promise.all(waiting)) assert.equal(name, 'AbortError')
  await until(5000 * slow, 'no held connection', () => descriptors(site.child.pid) <= idle)
  await site.stop()
})
