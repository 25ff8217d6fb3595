// faults_disk.test.mjs - the data directory fills up, and the server is killed meanwhile: a submission is either
// stored and answered or refused with a reason, and goes on when there is room again. The disk is a tmpfs that is
// mounted for it; where that is refused the test is skipped and says so.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { execFileSync, slow, tempDir, until } from './lib/harness.mjs'
import { Polls, Vitals } from './lib/faults.mjs'
import { queued, roomy, takeSlot, wait } from './lib/plans.mjs'
import { TenantServer } from './lib/tenants.mjs'

const disk = tempDir('disk')
let skip = false
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=711', 'mantis-e2e', disk], { stdio: 'pipe' })
} catch (error) {
  skip = 'a file system cannot be mounted here'
  console.error(`\n*** SKIPPED: ${skip} (${String(error.stderr ?? error).trim()}): full disks are not tested ***\n`)
  fs.rmdirSync(disk)
}

let server, acme
const accepted = new Map() // run -> {key, body}

before(async () => {
  if (skip) return
  server = new TenantServer({ acme: { ...roomy, max_concurrent_runs: 1000000 } }, { dir: disk, env: { MANTIS_BROWSER: '/bin/false' } })
  await server.start()
  acme = server.as('acme')
})
after(async () => {
  if (skip) return
  await server?.stop()
  execFileSync('umount', [disk])
  fs.rmdirSync(disk)
})

const filler = path.join(disk, 'filler')

// Everything that is free, but for some.
function fill(leaveBytes = 0) {
  const fd = fs.openSync(filler, 'a')
  try {
    for (let size = 65536; size >= 512; size /= 2)
      try { for (;;) fs.writeSync(fd, Buffer.alloc(size)) } catch (error) { assert.equal(error.code, 'ENOSPC') }
    if (leaveBytes) fs.ftruncateSync(fd, Math.max(0, fs.fstatSync(fd).size - leaveBytes))
  } finally { fs.closeSync(fd) }
}

const empty = () => fs.rmSync(filler, { force: true })

// One submission with a key; what was answered with 200 is remembered.
async function submit() {
  const key = crypto.randomUUID()
  const body = { task_suite: wait(600, 'x'.repeat(2000)), profile_id: `disk-${key}` }
  const r = await acme.predict(body, { 'Idempotency-Key': key })
  if (r.status === 200) accepted.set(r.json.run_id, { key, body })
  return r
}

async function submitUntilFull() {
  return until(30000 * slow, 'a refusal', async () => {
    const replies = await Promise.all(Array.from({ length: 10 }, submit))
    return replies.find((r) => r.status !== 200)
  }, 0)
}

// Each accepted run is there and its key stands for it.
async function nothingLost() {
  for (const [run, { key, body }] of accepted) {
    const r = await acme.request('GET', `/v1/runs/${run}/status`)
    assert.equal(r.status, 200, `${run}: ${r.text}`)
    const again = await acme.predict(body, { 'Idempotency-Key': key })
    assert.equal(again.json.run_id, run, again.text)
  }
  assert.ok(accepted.size > 0)
}

function clearRefusal(r) {
  assert.equal(r.status, 503, r.text)
  assert.match(r.json.detail, /disk is full/)
  assert.ok(!r.text.includes(disk), 'no path of the server is shown')
}

// It answers; when it is not ready it says that it is the disk.
async function health() {
  const r = await server.request('GET', '/health')
  if (r.status !== 200) {
    assert.equal(r.status, 503)
    assert.match(r.json.reason, /space|full/)
  }
}

test('a full disk refuses submissions with a reason, and polls go on', { skip }, async () => {
  const first = await queued(acme)
  const vitals = new Vitals(server)
  for (let i = 0; i < 5; i++) assert.equal((await submit()).status, 200)
  fill()
  const polls = new Polls(acme, first)
  clearRefusal(await submitUntilFull())
  for (let i = 0; i < 20; i++) clearRefusal(await submit())
  const cancel = await acme.request('POST', `/v1/runs/${first}/cancel`)
  assert.ok([200, 503].includes(cancel.status), cancel.text)
  for (let i = 0; i < 20; i++) {
    const recipe = await acme.request('POST', '/v1/recipes', { name: `r${i}`, schema: { fields: [{ name: 'x'.repeat(2000) }] } })
    if (recipe.status !== 200) clearRefusal(recipe)
  }
  await polls.stop()
  assert.deepEqual([...polls.statuses], [200])
  await health()
  empty()
  const r = await until(10000 * slow, 'submissions to be taken again', async () => { const x = await submit(); return x.status === 200 && x }, 50)
  assert.equal((await acme.request('GET', `/v1/runs/${r.json.run_id}`)).json.run_id, r.json.run_id)
  await nothingLost()
  await vitals.well()
})

test('a disk that is full only now and then loses nothing', { skip }, async () => {
  let refused = 0
  for (let round = 0; round < 30; round++) {
    fill(Math.floor(Math.random() * 200000))
    for (const r of await Promise.all(Array.from({ length: 8 }, submit)))
      if (r.status !== 200) { clearRefusal(r); refused++ }
    empty()
  }
  assert.ok(refused > 0, 'it was never full')
  await nothingLost()
})

test('kill -9 with a full disk loses nothing that was accepted', { skip }, async () => {
  for (let round = 0; round < 5; round++) {
    fill(Math.floor(Math.random() * 100000))
    const pending = Promise.allSettled(Array.from({ length: 12 }, submit))
    await new Promise((r) => setTimeout(r, Math.random() * 20)) // the kill comes at any moment of them
    await server.kill('SIGKILL')
    await pending
    empty()
    await server.start()
  }
  await nothingLost()
})

test('a server that is started on a full disk says so or serves, and is well when there is room', { skip }, async () => {
  await server.kill('SIGTERM')
  fill()
  let started = true
  try { await server.start() } catch (error) {
    started = false
    assert.match(error.message, /full|No space left/, 'it says why it does not start')
    assert.ok(!/SIG/.test(error.message), error.message)
  }
  if (started) {
    await health()
    const r = await submit()
    if (r.status !== 200) clearRefusal(r)
  }
  empty()
  if (!started) await server.start()
  await until(10000 * slow, 'submissions to be taken', async () => (await submit()).status === 200, 50)
  await nothingLost()
})

test('a run that ends while the disk is full ends truly, and its files are made when they are asked for', { skip }, async () => {
  const run = await queued(acme)
  fill()
  const cancel = () => acme.request('POST', `/v1/runs/${run}/cancel`)
  const seen = await cancel()
  if (seen.status !== 200) clearRefusal(seen)
  empty()
  const { json } = await until(10000 * slow, 'its end', async () => { const r = await cancel(); return r.json.terminal && r }, 50)
  const result = await until(10000 * slow, 'its result.json', async () => { const r = await acme.request('GET', `/v1/runs/${run}/artifacts/result.json`); return r.status === 200 && r }, 50)
  assert.equal(result.json.run_id, run)
  const file = JSON.parse(fs.readFileSync(path.join(disk, 'tenants', 'acme', 'runs', run, 'status.json')))
  assert.equal(file.status, json.status)
})
