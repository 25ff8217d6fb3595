// What the tests start ends with them, also when the test itself is killed and can end nothing.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import test from 'node:test'
import { descendants, processes, slow, tempDir, until } from './lib/harness.mjs'

// A test with one of each; a wrapped server, a stream that nobody ends, and programs that do not end when they are told to.
const program = `
import http from 'node:http'
import { spawn } from 'node:child_process'
import { keep, startServer, startSite, tempDir } from '${new URL('lib/harness.mjs', import.meta.url)}'
import { startModelServer } from '${new URL('lib/model_server.mjs', import.meta.url)}'
import { startPilot } from '${new URL('lib/pilot.mjs', import.meta.url)}'
const dir = process.argv[1]
await startSite('shop')
const model = await startModelServer(dir, { rules: [{ text: 'one two', pace_ms: 60000 }] })
http.request(model.url + '/v1/chat/completions', { method: 'POST' }).end('{"stream":true,"messages":[]}')
const deaf = ['-c', 'trap "" TERM; while :; do sleep 1; done']
keep(spawn('sh', deaf, { stdio: 'ignore' }))
spawn('sh', deaf, { stdio: 'ignore', env: { PATH: process.env.PATH, STATE: tempDir('child') } }) // nobody's, but for its directory
await startPilot(dir, { model: 'holo3' })
await startServer({ env: { MANTIS_BRAIN: 'page' } })
await startServer({ wrap: ['nice', '-n', '1'] })
console.log('all are there')
`

test('what a test started is gone soon after the test was killed', { timeout: 60000 * slow }, async () => {
  const dir = tempDir('harness')
  const node = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    env: { ...process.env, TMPDIR: dir }, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  node.stdout.on('data', (d) => { out += d })
  await until(30000 * slow, 'its children', () => out.includes('all are there') || node.exitCode !== null)
  assert.match(out, /all are there/)
  const children = descendants(node.pid).map((p) => p.pid)
  assert.ok(children.length >= 7, String(children))
  node.kill('SIGKILL')
  const left = () => processes().filter((p) => children.includes(p.pid)).map((p) => `${p.pid} ${p.args.join(' ')}`)
  await until(20000 * slow, 'the end of what it started', () => left().length === 0).catch((error) => assert.fail(`${error.message}:\n${left().join('\n')}`))
  await until(5000 * slow, 'the end of its directories', () => fs.readdirSync(dir).every((name) => !name.startsWith('mantis-e2e-')))
})
