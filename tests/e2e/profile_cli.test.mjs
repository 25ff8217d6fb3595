// mantis profile: list, export, rm, import; with a running serve and without; a profile in use is refused.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, startServer, startSite, tempDir } from './lib/harness.mjs'

const open = { type: 'navigate', intent: 'Open the customers', params: { url: '{{ENV_URL}}/customers/' } }
const signIn = [
  { type: 'navigate', intent: 'Open the sign-in page', params: { url: '{{ENV_URL}}/' } },
  { type: 'fill_field', intent: 'Write the email', params: { label: 'Email', aliases: ['Work email'], value: 'dana@tallowmere.example' } },
  { type: 'fill_field', intent: 'Write the password', params: { label: 'Password', value: 'harbor-lantern-42' } },
  { type: 'submit', intent: 'Press "Sign in"', params: { label: 'Sign in', aliases: ['Log in'] }, hints: { expect_url_contains: ['/customers/'] } },
]

let site, server, dir
before(async () => {
  dir = tempDir('profile-cli')
  site = await startSite('crm')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
  await site.admin('POST', '/__env__/trust')
})
after(async () => {
  await server?.stop()
  await site?.stop()
  fs.rmSync(dir, { recursive: true, force: true })
})

const profile = (...args) => {
  const r = spawnSync(bin, ['profile', ...args, '--data-dir', server.dir], { encoding: 'utf8' })
  return { code: r.status, out: r.stdout, err: r.stderr }
}
const run = async (steps, profile_id) => {
  const id = await server.submit({ task_suite: { steps }, profile_id, max_cost: 1 })
  const s = await server.end(id, 90000)
  return { ...s, path: new URL((await server.result(id)).result.final_url).pathname }
}

test('a profile is carried to another name with its login', { timeout: 240000 }, async () => {
  const file = path.join(dir, 'desk.tar.gz')
  assert.equal((await run(signIn, 'desk')).path, '/customers/')
  const listed = JSON.parse(profile('list', '--json').out).profiles
  assert.deepEqual(listed.map((p) => [p.tenant, p.profile_id, p.run_id]), [['default', 'desk', '']])
  assert.ok(listed[0].bytes > 1000)
  assert.match(profile('list').out, /desk/)

  const e = profile('export', 'desk', file)
  assert.equal(e.code, 0, e.err)
  assert.match(e.err, /holds cookies/)
  assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  const again = profile('import', 'desk', file)
  assert.equal(again.code, 1)
  assert.match(again.err, /--replace/)
  assert.equal(profile('import', 'desk', file, '--replace').code, 0)
  assert.equal(profile('import', 'twin', file, '--json').code, 0)
  assert.equal((await run([open], 'twin')).path, '/customers/')

  const rm = profile('rm', 'twin')
  assert.equal(rm.code, 0, rm.err)
  assert.match((await run([open], 'twin')).path, /login/)
  assert.equal(profile('rm', 'nobody').code, 1)
  assert.equal(profile('rm', '../x').code, 1)
})

test('a profile in use is refused, and by whom is said', { timeout: 120000 }, async () => {
  const id = await server.submit({ task_suite: { steps: [{ type: 'wait', intent: 'Wait', params: { seconds: 60 } }] }, profile_id: 'busy' })
  for (const args of [['rm', 'busy'], ['export', 'busy', path.join(dir, 'x.tar.gz')], ['import', 'busy', path.join(dir, 'desk.tar.gz'), '--replace']]) {
    const r = profile(...args)
    assert.equal(r.code, 1)
    assert.match(r.err, new RegExp(id), args.join(' '))
  }
  assert.equal(JSON.parse(profile('list', '--json').out).profiles.find((p) => p.profile_id === 'busy')?.run_id, id)
  await server.predict({ action: 'cancel', run_id: id })
  await server.end(id)
})

test('what is no profile is not put in place', () => {
  const file = path.join(dir, 'other.tar.gz')
  fs.mkdirSync(path.join(dir, 'other'))
  fs.writeFileSync(path.join(dir, 'other', 'readme'), 'x')
  spawnSync('tar', ['-czf', file, '-C', path.join(dir, 'other'), '.'])
  const r = profile('import', 'fresh', file)
  assert.equal(r.code, 1)
  assert.match(r.err, /no Default\//)
  fs.symlinkSync('/etc/passwd', path.join(dir, 'other', 'link'))
  spawnSync('tar', ['-czf', file, '-C', path.join(dir, 'other'), '.'])
  assert.match(profile('import', 'fresh', file).err, /no plain file/)
  const left = fs.readdirSync(path.join(server.dir, 'tenants/default/chrome-profile'))
  assert.ok(!left.some((n) => n.includes('import') || n.includes('fresh')), left.join(' '))
})

test('without a serve the files are worked on as they are', { timeout: 60000 }, async () => {
  await server.kill('SIGTERM')
  const r = profile('rm', 'desk')
  assert.equal(r.code, 0, r.err)
  assert.ok(!fs.existsSync(path.join(server.dir, 'tenants/default/chrome-profile/default__desk')))
  await server.start()
})
