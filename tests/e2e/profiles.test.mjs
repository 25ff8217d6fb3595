// Logins live in the profile: a run with the same profile_id is signed in, also after one that was
// cancelled or reached its cap; another profile and another tenant are not.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { startSite, until } from './lib/harness.mjs'
import { startTenants } from './lib/tenants.mjs'

const roomy = { max_concurrent_runs: 10, rate_limit_per_minute: 1000, max_cost_per_run: 25 }
const open = { type: 'navigate', intent: 'Open the customers', params: { url: '{{ENV_URL}}/customers/' } }
const signIn = [
  { type: 'navigate', intent: 'Open the sign-in page', params: { url: '{{ENV_URL}}/' } },
  { type: 'fill_field', intent: 'Write the email', params: { label: 'Email', aliases: ['Work email'], value: 'dana@tallowmere.example' } },
  { type: 'fill_field', intent: 'Write the password', params: { label: 'Password', value: 'harbor-lantern-42' } },
  { type: 'submit', intent: 'Press "Sign in"', params: { label: 'Sign in', aliases: ['Log in'] }, hints: { expect_url_contains: ['/customers/'] } },
]
const wait = { type: 'wait', intent: 'Wait', params: { seconds: 60 } }

let site, server
before(async () => {
  site = await startSite('crm')
  server = await startTenants({ acme: roomy, rival: roomy }, { env: { MANTIS_ENV_URL: site.url } })
  await site.admin('POST', '/__env__/trust')
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

const run = async (name, profile_id, steps, extra) => {
  const caller = server.as(name)
  const id = await caller.submit({ task_suite: { steps }, profile_id, max_cost: 1, ...extra })
  return { caller, id }
}
const end = async ({ caller, id }) => {
  const s = await caller.end(id, 90000)
  return { ...s, result: (await caller.result(id)).result }
}
// Where the site sends who opens the customers: there, or to its login.
const place = async (name, profile) => {
  const { result } = await end(await run(name, profile, [open]))
  return new URL(result.final_url).pathname
}
const profileDir = (name, profile) => path.join(server.dir, 'tenants', name, 'chrome-profile', `${name}__${profile}`)

test('agent-loop 13 a login is there for the next run of its profile, and for nobody else', { timeout: 240000 }, async () => {
  const first = await end(await run('acme', 'desk', signIn))
  assert.equal(first.status, 'succeeded', JSON.stringify(first.result?.step_details))
  assert.equal(await place('acme', 'desk'), '/customers/')
  assert.match(await place('acme', 'other'), /login/)
  assert.match(await place('rival', 'desk'), /login/)
})

test('agent-loop 13 a login is kept by a run that is cancelled', { timeout: 240000 }, async () => {
  const r = await run('acme', 'cancelled', [...signIn, wait])
  await until(60000, 'signed in', async () => (await r.caller.events(r.id)).filter((e) => e.kind === 'step_end').length >= signIn.length)
  const asked = Date.now()
  await r.caller.predict({ action: 'cancel', run_id: r.id })
  const s = await end(r)
  assert.equal(s.status, 'cancelled')
  await until(4000, 'its worker gone', async () => !(await r.caller.status(r.id)).in_memory_thread_alive)
  assert.ok(Date.now() - asked < 4000, `${Date.now() - asked} ms`)
  assert.equal(await place('acme', 'cancelled'), '/customers/')
})

test('caches go after a run, logins stay', async () => {
  const dir = profileDir('acme', 'desk')
  for (const name of ['Default/Cache', 'Default/Code Cache', 'Default/GPUCache', 'ShaderCache', 'component_crx_cache']) assert.ok(!fs.existsSync(path.join(dir, name)), name)
  assert.ok(fs.existsSync(path.join(dir, 'Default/Cookies')) || fs.existsSync(path.join(dir, 'Default/Network/Cookies')))
})

test('a profile in use is refused, by name', async () => {
  const r = await run('acme', 'busy', [wait])
  const again = await r.caller.predict({ task_suite: { steps: [wait] }, profile_id: 'busy' })
  assert.equal(again.status, 409)
  assert.match(again.json.detail, new RegExp(r.id))
  await r.caller.predict({ action: 'cancel', run_id: r.id })
  await end(r)
})
