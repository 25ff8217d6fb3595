// otp.test.mjs - a run that signs in to the crm asks for the code that came by telephone: it is paused, goes on
// by API and by CLI, after kill -9 of what carried it, after its hold expired, and the code is in no file.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import zlib from 'node:zlib'
import { bin, Server, slow, startSite, tempDir, until, victim } from './lib/harness.mjs'
import { holders } from './lib/secrets.mjs'

const task = JSON.parse(fs.readFileSync(new URL('./tasks/crm/sign_in.json', import.meta.url)))
let site

before(async () => { site = await startSite('crm', 42) })
after(() => site?.stop())

// --- the code in files ---------------------------------------------------------------------------

test('the search finds a code in a file, however it is written', () => {
  const dir = tempDir('search'), code = '12/456+'
  const base64 = ['x', 'xy', 'xyz'].map((before) => Buffer.from(`${before}${code} and more`).toString('base64'))
  for (const data of [`x ${code} y`, Buffer.from(code, 'utf16le'), zlib.gzipSync(`a ${code}`), ...base64, Buffer.from(code).toString('base64'),
    encodeURIComponent(code), '12%2f456%2b', Buffer.from(code).toString('hex'), JSON.stringify(code).replace('/', '\\/')]) {
    fs.writeFileSync(path.join(dir, 'f'), data)
    assert.deepEqual(holders(dir, { code }), ['code: f'], String(data))
  }
  fs.writeFileSync(path.join(dir, 'f'), '12/456 +')
  assert.deepEqual(holders(dir, { code }), [])
  fs.rmSync(dir, { recursive: true })
})

// --- the run -------------------------------------------------------------------------------------

const code = async () => (await site.admin('GET', '/__env__/code')).code

async function signIn(name, options, work) {
  const server = new Server({ dir: tempDir('otp'), ...options, env: { MANTIS_ENV_URL: site.url, ...options.env } })
  await site.admin('POST', '/__env__/reset', { seed: 42 })
  try {
    await server.start()
    const body = { task_suite: task.plan, profile_id: 'otp', ...options.body }
    const id = await server.submit(body)
    if (!options.body) await until(60000 * slow, 'the question', async () => (await server.status(id)).status === 'paused')
    const secret = await work(server, id)
    const s = await server.end(id, 90000)
    assert.equal(s.status, 'succeeded', `${name}: ${JSON.stringify(s)}`)
    assert.equal((await site.admin('GET', `/__env__/oracle?task_id=${task.oracle}`)).passed, true)
    const { result } = await server.result(id)
    assert.ok(!JSON.stringify([s, result, await server.events(id)]).includes(secret), `${name}: the code is told`)
    assert.deepEqual(holders(server.dir, { secret }), [], `${name}: the code is in files`)
    await server.stop()
    assert.deepEqual(holders(server.dir, { secret }), [], `${name}: the code is in files after the server ended`)
    assert.ok(!(server.logs + server.child.log).includes(secret), `${name}: the code is in the server's log`)
  } finally {
    await server.stop()
    fs.rmSync(server.dir, { recursive: true, force: true })
  }
}

// 409: the worker that was released is still ending.
const resume = async (server, id, value) => {
  const r = await until(20000 * slow, 'the resume', async () => {
    const answer = await server.predict({ action: 'resume', run_id: id, user_input: value })
    return answer.status !== 409 && answer
  }, 100)
  assert.equal(r.status, 200, r.text)
  return value
}

const cli = (server, args, input) => new Promise((resolve, reject) => {
  const child = spawn(bin, ['runs', ...args], {
    env: { PATH: process.env.PATH, HOME: server.dir, MANTIS_ENDPOINT: server.base, MANTIS_API_TOKEN: server.token },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (d) => { text += d })
  child.stderr.on('data', (d) => { text += d })
  child.on('error', reject)
  child.on('exit', (status) => resolve({ status, text }))
  child.stdin.end(input ?? '')
})

test('agent-loop 13: pause and resume by the API, the question in the status', { timeout: 300000 }, () => signIn('api', {}, async (server, id) => {
  const s = await server.status(id)
  assert.equal(s.prompt, 'Which code did you get?')
  assert.equal(s.reason, 'otp')
  assert.equal(s.pause_state.step_index, 5)
  assert.match(s.pause_state.browser_state.url, /\/login\/code$/)
  const none = await server.predict({ action: 'resume', run_id: id })
  assert.equal(none.status, 400)
  return resume(server, id, await code())
}))

test('agent-loop 13: resume by the CLI, the code on stdin', { timeout: 300000 }, () => signIn('cli', {}, async (server, id) => {
  const secret = await code()
  const r = await cli(server, ['resume', '--run-id', id, '--user-input-stdin'], `${secret}\n`)
  assert.equal(r.status, 0, r.text)
  return secret
}))

test('agent-loop 13: a code that is sent with the request is asked for by nobody', { timeout: 300000 }, async () => {
  // The site gives its code when the password is right, so a fixed one is wrong: the run is told so by the page.
  const server = new Server({ env: { MANTIS_ENV_URL: site.url } })
  await site.admin('POST', '/__env__/reset', { seed: 42 })
  try {
    await server.start()
    const steps = task.plan.steps.slice(0, 6)
    const id = await server.submit({ task_suite: { ...task.plan, steps }, user_input: '271828', profile_id: 'pre' })
    const s = await server.end(id)
    assert.equal(s.status, 'succeeded', JSON.stringify(s))
    const { result } = await server.result(id)
    assert.equal(result.step_details[4].data, 'request_user_input:answered')
    assert.equal(s.payload.user_input, undefined)
    assert.deepEqual(holders(server.dir, { code: '271828' }), [])
  } finally {
    await server.stop()
  }
})

for (const kind of ['serve', 'worker', 'chromium', 'xvfb']) {
  test(`agent-loop 13: resume after kill -9 of ${kind}`, { timeout: 300000 }, () => signIn(kind, {}, async (server, id) => {
    const secret = await code()
    if (kind === 'serve') {
      await server.kill('SIGKILL')
      await server.start()
    } else {
      process.kill(victim(server.child.pid, kind).pid, 'SIGKILL')
      await until(20000 * slow, 'the end of the worker', () => !victim(server.child.pid, 'worker'))
    }
    const s = await server.status(id)
    assert.equal(s.status, 'paused')
    assert.equal(s.prompt, 'Which code did you get?')
    return resume(server, id, secret)
  }))
}

test('agent-loop 13: resume after the hold expired', { timeout: 300000 }, () => signIn('hold', { env: { MANTIS_PAUSE_HOLD_SECONDS: '1' } }, async (server, id) => {
  const secret = await code()
  await until(20000 * slow, 'the end of the worker', () => !victim(server.child.pid, 'worker'))
  assert.equal((await server.status(id)).status, 'paused')
  return resume(server, id, secret)
}))

// The answer dies with the server; the run asks again and takes another one.
test('agent-loop 13: an answer that the server forgot is asked for again', { timeout: 300000 }, () => signIn('forgot', { env: { MANTIS_PAUSE_HOLD_SECONDS: '0' } }, async (server, id) => {
  const secret = await code()
  await until(20000 * slow, 'the end of the worker', () => !victim(server.child.pid, 'worker'))
  await resume(server, id, secret)
  await server.kill('SIGKILL')
  await server.start()
  await until(60000 * slow, 'the question again', async () => (await server.status(id)).status === 'paused')
  return resume(server, id, secret)
}))

test('agent-loop 12: a paused run is cancelled within 2 s and stays paused for as long as nobody says a word', { timeout: 120000 }, async () => {
  const server = new Server({ env: { MANTIS_ENV_URL: site.url } })
  await site.admin('POST', '/__env__/reset', { seed: 42 })
  try {
    await server.start()
    const id = await server.submit({ task_suite: task.plan, profile_id: 'cancel' })
    await until(60000 * slow, 'the question', async () => (await server.status(id)).status === 'paused')
    const began = Date.now()
    await server.predict({ action: 'cancel', run_id: id })
    assert.equal((await server.end(id)).status, 'cancelled')
    await until(5000 * slow, 'the end of the worker', () => !victim(server.child.pid, 'worker'))
    assert.ok(Date.now() - began < 2500 * slow, `${Date.now() - began} ms`)
  } finally {
    await server.stop()
  }
})

