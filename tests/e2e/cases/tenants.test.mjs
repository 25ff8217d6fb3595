// Who may call: the modes, the keys file field by field, the caps, and what one tenant sees of another.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { bin, execFileSync, slow, startServer, tempDir, until } from '../lib/harness.mjs'
import { dryRun, neverWas, queued, rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { newToken, startTenants, TenantServer } from '../lib/tenants.mjs'

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex')
const hour = 3600000
const at = (ms) => new Date(Date.now() + ms).toISOString()

// Entries with one mistake: it costs that entry, and the log names the tenant.
const mistakes = [
  ['scopes', 'run'], ['scopes', { run: true }], ['scopes', [1]], ['scopes', 7],
  ['max_concurrent_runs', 'three'], ['max_concurrent_runs', 0], ['max_concurrent_runs', -1], ['max_concurrent_runs', 2.5], ['max_concurrent_runs', []], ['max_concurrent_runs', true],
  ['max_cost_per_run', '4.5'], ['max_cost_per_run', 0], ['max_cost_per_run', -1], ['max_cost_per_run', {}], ['max_cost_per_run', false],
  ['max_time_minutes_per_run', '25'], ['max_time_minutes_per_run', 0], ['max_time_minutes_per_run', 1.5], ['max_time_minutes_per_run', [25]],
  ['rate_limit_per_minute', '30'], ['rate_limit_per_minute', 0.5], ['rate_limit_per_minute', {}],
  ['anthropic_secret_name', 5], ['anthropic_secret_name', ['a']], ['anthropic_required', 'yes'], ['anthropic_required', 1],
  ['allowed_domains', '*.shop.example'], ['allowed_domains', [1]], ['allowed_domains', { host: 'x' }], ['allowed_domains', [null]],
  ['webhook_url', 5], ['webhook_url', ['http://hooks.example']], ['webhook_secret_name', 5], ['webhook_events', 'failed'], ['webhook_events', ['exploded']],
  ['label', 5], ['disabled', 'yes'], ['disabled', 1], ['expires_at', 'tomorrow'], ['expires_at', '2026-02-31T00:00:00Z'], ['expires_at', true], ['not_before', []],
  ['max_cost_per_day', 'ten'], ['max_cost_per_day', -1],
  // a name of a secret that would lead out of the secrets directory
  ['anthropic_secret_name', '../other'], ['anthropic_secret_name', '.hidden'], ['anthropic_secret_name', 'a/b'],
  ['webhook_secret_name', '/etc/passwd'], ['webhook_secret_name', '..'], ['webhook_secret_name', 'x\ny'],
]

// null is absent for a value, and empty for a list.
const nulls = ['max_concurrent_runs', 'max_cost_per_run', 'max_time_minutes_per_run', 'rate_limit_per_minute', 'anthropic_secret_name', 'allowed_domains', 'webhook_url', 'webhook_secret_name', 'label', 'disabled', 'expires_at', 'not_before']

// [what, fields, status of a call]
const times = [
  ['expired an hour ago', { expires_at: at(-hour) }, 401],
  ['expires in an hour', { expires_at: at(hour) }, 200],
  ['expires in an hour, in another zone', { expires_at: at(3 * hour).replace('Z', '+02:00') }, 200],
  ['expired an hour ago, in another zone', { expires_at: at(hour).replace('Z', '+02:00') }, 401],
  ['expires at a number of seconds ahead', { expires_at: Date.now() / 1000 + 3600 }, 200],
  ['expired at a number of seconds', { expires_at: 1000000000 }, 401],
  ['expires on a day far away', { expires_at: '2099-12-31' }, 200],
  ['is not valid yet', { not_before: at(hour) }, 401],
  ['has been valid for an hour', { not_before: at(-hour) }, 200],
  ['is disabled', { disabled: true }, 401],
  ['is not disabled', { disabled: false }, 200],
]

const hashed = newToken()
const hashedUpper = newToken()

// The keys file as text: what writeKeys() cannot say, too.
function keysText(server) {
  const keys = {}
  const put = (name, fields) => {
    server.tokens[name] = newToken()
    keys[server.tokens[name]] = fields
  }
  put('plain', { tenant_id: 'plain' })
  put('all', {
    tenant_id: 'all', scopes: ['run', 'status'], max_concurrent_runs: 2, max_cost_per_run: 4.5, max_time_minutes_per_run: 25, rate_limit_per_minute: 60,
    anthropic_secret_name: 'anthropic_api_key_all', allowed_domains: ['*.shop.example', 'crm.example.net'], webhook_url: 'https://hooks.example.net/m', webhook_secret_name: 'webhook_all',
  })
  put('second', { tenant_id: 'all', scopes: ['status'], rate_limit_per_minute: 7 })
  put('more', { tenant_id: 'more', scope: ['status'], some_future_field: { x: 1 }, max_runs: 1 })
  put('none', { tenant_id: 'none', scopes: [] })
  put('nulls', { tenant_id: 'nulls', scopes: null })
  put('odd', { tenant_id: 'odd', scopes: ['status', 'fly'] })
  put('unlimited', { tenant_id: 'unlimited', rate_limit_per_minute: 0 })
  put('below', { tenant_id: 'below', rate_limit_per_minute: -5 })
  put('narrow', { tenant_id: 'narrow', ...roomy, max_concurrent_runs: 1 })
  put('cheap', { tenant_id: 'cheap', rate_limit_per_minute: 0, max_cost_per_run: 4.5, max_time_minutes_per_run: 12 })
  put('rich', { tenant_id: 'rich', rate_limit_per_minute: 0, max_cost_per_run: 1000, max_time_minutes_per_run: 5000 })
  put('busy', { tenant_id: 'busy', ...roomy })
  put('spaced', { tenant_id: 'two words' })
  put('clash', { tenant_id: 'two/words' })
  put('nameless', { scopes: ['run'] })
  put('numbered', { tenant_id: 5 })
  put('empty', { tenant_id: '' })
  put('dots', { tenant_id: '...' })
  put('long', { tenant_id: 'x'.repeat(5000) })
  put('list', ['run'])
  put('word', 'acme')
  put('nothing', null)
  for (const [i, [field, value]] of mistakes.entries()) put(`mistake-${i}`, { tenant_id: `mistake-${i}`, [field]: value })
  for (const field of nulls) put(`null-${field}`, { tenant_id: `null-${field}`, [field]: null })
  for (const [i, [, fields]] of times.entries()) put(`time-${i}`, { tenant_id: `time-${i}`, ...fields })
  keys[`sha256:${sha256(hashed)}`] = { tenant_id: 'hashed' }
  keys[`sha256:${sha256(hashedUpper).toUpperCase()}`] = { tenant_id: 'hashed-upper' }
  keys['sha256:1234'] = { tenant_id: 'short-hash' }
  return JSON.stringify({ schema_version: 1, tenant_keys: keys })
}

const start = async () => {
  const server = new TenantServer({}, { token: '', env: { MANTIS_API_TOKEN: 'ignored-when-there-is-a-file', MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_MAX_COST_USD: '30', MANTIS_MAX_RUNTIME_MINUTES: '90' } })
  fs.writeFileSync(server.keysFile, keysText(server), { mode: 0o600 })
  await server.start()
  await takeSlot(server.as('busy'))
  return { server }
}

const call = (g, name) => g.server.as(name).request('GET', '/v1/queue')
const capsOf = async (caller, body = {}) => {
  const { task_suite: suite } = await dryRun(caller, { task_suite: wait(), ...body })
  return [suite._max_cost, suite._max_time_minutes]
}

// A server for one case.
async function using(promise, fn) {
  const server = await promise
  try { return await fn(server) } finally { await server.stop() }
}

const protectedRoutes = [
  ['POST', '/v1/predict', {}], ['POST', '/predict', {}], ['POST', '/v1/cua', {}], ['POST', '/v1/chat/completions', {}], ['GET', `/v1/runs/${neverWas}`], ['GET', `/v1/runs/${neverWas}/status`],
  ['GET', `/v1/runs/${neverWas}/result`], ['POST', `/v1/runs/${neverWas}/cancel`], ['GET', `/v1/runs/${neverWas}/events`], ['GET', `/v1/runs/${neverWas}/video`], ['GET', `/v1/runs/${neverWas}/artifacts/leads.csv`],
  ['GET', '/v1/queue'], ['POST', '/v1/recipes', {}], ['GET', '/v1/recipes'], ['GET', '/v1/recipes/x'], ['DELETE', '/v1/recipes/x'], ['POST', '/v1/diagnose/fingerprint', {}],
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  // --- 2: modes

  check('tenancy 2', 'with a keys file MANTIS_API_TOKEN is ignored, and the log says so', async (g) => {
    refused(await call(g, 'ignored-when-there-is-a-file'), 401, /invalid/)
    assert.equal((await call(g, 'plain')).status, 200)
    assert.match(g.server.child.log, /"level":"WARNING".*MANTIS_API_TOKEN is ignored/)
  })

  check('tenancy 2', 'a missing token and a wrong one are both 401, in different words', async (g) => {
    const none = await fetch(`${g.server.base}/v1/queue`)
    assert.equal(none.status, 401)
    assert.match((await none.json()).detail, /missing/)
    const empty = await fetch(`${g.server.base}/v1/queue`, { headers: { 'X-Mantis-Token': '' } })
    assert.equal(empty.status, 401)
    assert.match((await empty.json()).detail, /missing/)
    refused(await call(g, newToken()), 401, /invalid/)
  })

  check('tenancy 2', 'a token that is nearly right is wrong', async (g) => {
    const token = g.server.tokens.plain
    for (const near of [token.slice(1), token.slice(0, -1), `${token}0`, `0${token}`, token.toUpperCase(), token.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')), 'x'.repeat(5000)])
      refused(await call(g, near), 401, /invalid/)
  })

  check('tenancy 2', 'one token of the environment is tenant default with the defaults', async () => {
    await using(startServer({}), async (server) => {
      assert.equal((await server.request('GET', '/v1/queue')).json.tenant_id, 'default')
      const r = await server.predict({ task_suite: wait(), dry_run: true })
      assert.deepEqual([r.json.task_suite._max_cost, r.json.task_suite._max_time_minutes], [25, 60])
      assert.equal(rateHeaders(r)[0], 30)
      refused(await server.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': 'another' }), 401, /invalid/)
    })
  })

  check('tenancy 2', 'a raised server cap does not raise what tenant default may', async () => {
    await using(startServer({ env: { MANTIS_MAX_COST_USD: '75', MANTIS_MAX_RUNTIME_MINUTES: '240' } }), async (server) => {
      assert.deepEqual(await capsOf(server, { max_cost: 70, max_time_minutes: 200 }), [25, 60])
    })
  })

  check('tenancy 1', 'the one token comes from the secrets directory, without the line end', async () => {
    const secrets = tempDir('secrets')
    fs.writeFileSync(path.join(secrets, 'mantis_api_token'), '  kept-in-a-secret-file \n', { mode: 0o600 })
    try {
      await using(startServer({ token: '', env: { MANTIS_SECRETS_DIR: secrets } }), async (server) => {
        server.token = 'kept-in-a-secret-file'
        assert.equal((await server.request('GET', '/v1/queue')).json.tenant_id, 'default')
        // read once: it changes with the next start only
        fs.writeFileSync(path.join(secrets, 'mantis_api_token'), 'changed-meanwhile-by-somebody')
        assert.equal((await server.request('GET', '/v1/queue')).status, 200)
        refused(await server.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': 'changed-meanwhile-by-somebody' }), 401)
      })
      await using(startServer({ token: 'from-the-environment', env: { MANTIS_SECRETS_DIR: secrets } }), async (server) => {
        assert.equal((await server.request('GET', '/v1/queue')).status, 200)
        refused(await server.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': 'changed-meanwhile-by-somebody' }), 401)
      })
    } finally {
      fs.rmSync(secrets, { recursive: true })
    }
  })

  check('tenancy 2', 'without any configuration every protected route is 503, and open ones are not', async () => {
    await using(startServer({ token: '', env: { MANTIS_SECRETS_DIR: '/nonexistent' } }), async (server) => {
      for (const [method, route, body] of protectedRoutes) {
        refused(await server.request(method, route, body, { 'X-Mantis-Token': 'anything-at-all' }), 503, /token/)
        const none = await fetch(server.base + route, { method, body: body && JSON.stringify(body) })
        assert.equal(none.status, 503, `${method} ${route}`)
      }
      for (const route of ['/health', '/v1/health', '/v1/version', '/v1/models', '/metrics', '/openapi.json']) assert.equal((await fetch(server.base + route)).status, 200, route)
    })
  })

  for (const [what, make] of [['is not there', () => {}], ['is no JSON', (f) => fs.writeFileSync(f, '{"tenant_keys":')], ['is empty', (f) => fs.writeFileSync(f, '')], ['is a directory', (f) => fs.mkdirSync(f)], ['has no tenant_keys', (f) => fs.writeFileSync(f, '{"tenants":{}}')], ['holds a list', (f) => fs.writeFileSync(f, '[]')]])
    check('tenancy 2', `a keys file that ${what} at start: every call is 401, and the log says why`, async () => {
      const server = new TenantServer({})
      fs.rmSync(server.keysFile)
      make(server.keysFile)
      await using(server.start(), async () => {
        refused(await server.as(newToken()).request('GET', '/v1/queue'), 401)
        assert.match(server.child.log, /"level":"ERROR","logger":"mantis.tenants"/)
        assert.equal((await fetch(`${server.base}/health`)).status, 200)
      })
    })

  check('tenancy 2', 'a keys file and a keys document at once are refused at start', () => {
    const dir = tempDir('both')
    const env = { PATH: process.env.PATH, HOME: dir, MANTIS_DATA_DIR: dir, MANTIS_TENANT_KEYS_PATH: path.join(dir, 'keys.json'), MANTIS_TENANT_KEYS_JSON: '{"tenant_keys":{}}' }
    try {
      assert.throws(() => execFileSync(bin, ['serve', '--host', '127.0.0.1', '--port', '0'], { env, stdio: 'pipe' }),
        (e) => e.status === 2 && /MANTIS_TENANT_KEYS_PATH and MANTIS_TENANT_KEYS_JSON/.test(e.stderr))
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 20', 'MANTIS_TENANT_KEYS_JSON is written to a private file and is in force', async () => {
    const token = newToken()
    await using(startServer({ token: '', env: { MANTIS_API_TOKEN: '', MANTIS_TENANT_KEYS_JSON: JSON.stringify({ tenant_keys: { [token]: { tenant_id: 'modal' } } }) } }), async (server) => {
      server.token = token
      assert.equal((await server.request('GET', '/v1/queue')).json.tenant_id, 'modal')
      const file = path.join(server.dir, 'tenant_keys.json')
      assert.equal(fs.statSync(file).mode & 0o777, 0o600)
      assert.ok(!fs.readFileSync(`/proc/${server.child.pid}/environ`, 'utf8').includes(token), 'the token is still in the environment')
      // it is a keys file like any other
      const other = newToken()
      fs.writeFileSync(`${file}.new`, JSON.stringify({ tenant_keys: { [other]: { tenant_id: 'modal' } } }), { mode: 0o600 })
      fs.renameSync(`${file}.new`, file)
      server.token = other
      await until(6000 * slow, 'the new token is in force', async () => (await server.request('GET', '/v1/queue')).status === 200)
    })
  })

  check('tenancy 4', 'from one token to many: the old one as tenant default finds its runs', async () => {
    const dir = tempDir('migrate')
    try {
      const one = await startServer({ dir, env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
      await takeSlot(one)
      const id = await queued(one)
      await one.predict({ action: 'cancel', run_id: id })
      await one.stop()
      const many = new TenantServer({ default: roomy, acme: roomy }, { dir })
      many.tokens.default = one.token
      many.writeKeys({ default: roomy, acme: roomy })
      await using(many.start(), async () => {
        assert.equal((await many.as('default').status(id)).status, 'cancelled')
        refused(await many.as('acme').request('GET', `/v1/runs/${id}`), 404)
      })
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  // --- 3: the file

  check('tenancy 3', 'an entry with nothing but a tenant_id has the defaults', async (g) => {
    const r = await g.server.as('plain').predict({ task_suite: wait(), dry_run: true })
    assert.equal(r.json.tenant_id, 'plain')
    assert.deepEqual([r.json.task_suite._max_cost, r.json.task_suite._max_time_minutes], [25, 60])
    assert.equal(rateHeaders(r)[0], 30)
    assert.equal((await g.server.as('plain').request('GET', '/v1/recipes')).status, 200)
  })

  check('tenancy 3', 'five live runs are the default', async (g) => {
    const plain = g.server.as('plain')
    const ids = []
    for (let i = 0; i < 5; i++) ids.push(await queued(plain))
    refused(await plain.predict({ task_suite: wait(), profile_id: 'sixth' }), 429, /max_concurrent_runs|5/)
    for (const run_id of ids) await plain.predict({ action: 'cancel', run_id })
  })

  check('tenancy 3', 'every field of an entry is in force', async (g) => {
    const all = g.server.as('all')
    const r = await all.predict({ task_suite: wait(), dry_run: true })
    assert.deepEqual([r.json.task_suite._max_cost, r.json.task_suite._max_time_minutes], [4.5, 25])
    assert.equal(rateHeaders(r)[0], 60)
    refused(await all.predict({ task_suite: [{ type: 'navigate', intent: 'go', params: { url: 'https://elsewhere.example/' } }] }), 403, /elsewhere\.example/)
    assert.equal((await all.predict({ dry_run: true, task_suite: [{ type: 'navigate', intent: 'go', params: { url: 'https://a.shop.example/' } }] })).status, 200)
  })

  check('tenancy 3', 'two tokens of a tenant are the same tenant with scopes of their own', async (g) => {
    const second = g.server.as('second')
    const q = await second.request('GET', '/v1/queue')
    assert.equal(q.json.tenant_id, 'all')
    refused(await second.predict({ task_suite: wait() }), 403, /run/)
    const id = await queued(g.server.as('all'))
    assert.equal((await second.status(id)).run_id, id)
    await g.server.as('all').predict({ action: 'cancel', run_id: id })
  })

  check('tenancy 3', 'unknown fields are ignored, the singular scope among them', async (g) => {
    assert.equal((await g.server.as('more').predict({ task_suite: wait(), dry_run: true })).status, 200)
  })

  check('tenancy 3', '"scopes": [] is no scope at all', async (g) => {
    const none = g.server.as('none')
    refused(await none.predict({ task_suite: wait() }), 403, /scope/)
    for (const [method, route, body] of protectedRoutes.slice(4)) assert.equal((await none.request(method, route, body)).status, 403, `${method} ${route}`)
  })

  check('tenancy 3', '"scopes": null is the empty list', async (g) => {
    refused(await call(g, 'nulls'), 403)
  })

  check('tenancy 3', 'a scope that does not exist is left out and logged', async (g) => {
    assert.equal((await call(g, 'odd')).status, 200)
    refused(await g.server.as('odd').predict({ task_suite: wait() }), 403, /run/)
    assert.match(g.server.child.log, /odd.*no scope 'fly'/)
  })

  for (const name of ['unlimited', 'below'])
    check('tenancy 3', `rate_limit_per_minute of ${name === 'below' ? 'less than ' : ''}0 is no limit and no headers`, async (g) => {
      const r = await g.server.as(name).predict({ task_suite: wait(), dry_run: true })
      assert.deepEqual(rateHeaders(r), [null, null, null])
    })

  check('tenancy 3', 'max_concurrent_runs counts queued runs and gives the place back at the end', async (g) => {
    const narrow = g.server.as('narrow')
    const run_id = await queued(narrow)
    const r = refused(await narrow.predict({ task_suite: wait(), profile_id: 'second' }), 429)
    assert.ok(Number(r.headers.get('retry-after')) > 0)
    await narrow.predict({ action: 'cancel', run_id })
    const next = await queued(narrow)
    await narrow.predict({ action: 'cancel', run_id: next })
  })

  check('tenancy 3', 'a tenant_id goes by the name of its directory', async (g) => {
    assert.equal((await call(g, 'spaced')).json.tenant_id, 'two_words')
  })

  check('tenancy 3', 'two tenants whose names become the same directory: the later one is refused', async (g) => {
    refused(await call(g, 'clash'), 401)
    assert.match(g.server.child.log, /two\/words.*directory 'two_words'/)
  })

  for (const name of ['nameless', 'numbered', 'empty', 'dots', 'long', 'list', 'word', 'nothing'])
    check('tenancy 3', `an entry that is ${name === 'list' || name === 'word' || name === 'nothing' ? 'no object' : 'without a usable tenant_id'} is skipped (${name})`, async (g) => {
      refused(await call(g, name), 401)
      assert.equal((await call(g, 'plain')).status, 200)
    })

  for (const [i, [field, value]] of mistakes.entries())
    check('tenancy 3', `${field}: ${JSON.stringify(value)} disables that entry only, with a log line`, async (g) => {
      refused(await call(g, `mistake-${i}`), 401)
      const line = g.server.child.log.split('\n').find((l) => l.includes(`mistake-${i}'`))
      assert.ok(line?.includes('"WARNING"') && line.includes(field), line)
      assert.equal((await call(g, 'plain')).status, 200)
    })

  for (const field of nulls)
    check('tenancy 3', `${field}: null is the same as leaving it out`, async (g) => {
      const r = await g.server.as(`null-${field}`).predict({ task_suite: wait(), dry_run: true })
      assert.equal(r.status, 200, r.text)
      assert.deepEqual([r.json.task_suite._max_cost, r.json.task_suite._max_time_minutes, rateHeaders(r)[0]], [25, 60, 30])
    })

  for (const [i, [what, , status]] of times.entries())
    check('tenancy 3', `a token that ${what}: ${status}`, async (g) => {
      assert.equal((await call(g, `time-${i}`)).status, status)
    })

  check('tenancy 3', 'a key may be the SHA-256 of the token, in any case', async (g) => {
    assert.equal((await call(g, hashed)).json.tenant_id, 'hashed')
    assert.equal((await call(g, hashedUpper)).json.tenant_id, 'hashed-upper')
  })

  check('tenancy 3', 'the hash itself is no token', async (g) => {
    for (const token of [`sha256:${sha256(hashed)}`, sha256(hashed)]) refused(await call(g, token), 401)
  })

  check('tenancy 3', 'a hash that is too short is refused by tenant', async (g) => {
    refused(await call(g, 'sha256:1234'), 401)
    assert.match(g.server.child.log, /short-hash.*sha256/)
  })

  check('tenancy 3', 'defaults of the file hold where an entry says nothing, and null brings the built-in one not back', async () => {
    const tokens = { quiet: newToken(), loud: newToken() }
    const server = new TenantServer({})
    fs.writeFileSync(server.keysFile, JSON.stringify({
      schema_version: 1, defaults: { rate_limit_per_minute: 11, max_cost_per_run: 3, scopes: ['status'], allowed_domains: ['only.example'] },
      tenant_keys: { [tokens.quiet]: { tenant_id: 'quiet' }, [tokens.loud]: { tenant_id: 'loud', scopes: ['run'], rate_limit_per_minute: 12, allowed_domains: [] } },
    }))
    await using(server.start(), async () => {
      refused(await server.as(tokens.quiet).predict({ task_suite: wait() }), 403, /run/)
      const r = await server.as(tokens.loud).predict({ task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'https://any.example/' } }], dry_run: true })
      assert.equal(r.status, 200, r.text)
      assert.equal(r.json.task_suite._max_cost, 3)
      assert.equal(rateHeaders(r)[0], 12)
    })
  })

  // --- 7: caps

  const caps = [
    // [tenant, request, cost, minutes]; the server has 30 and 90
    ['rich', {}, 30, 90], ['plain', {}, 25, 60], ['cheap', {}, 4.5, 12],
    ['cheap', { max_cost: 2, max_time_minutes: 5 }, 2, 5], ['cheap', { max_cost: 20, max_time_minutes: 50 }, 4.5, 12], ['rich', { max_cost: 500, max_time_minutes: 4000 }, 30, 90],
    ['rich', { task_suite: { _micro_plan: wait(), _max_cost: 1.5, _max_time_minutes: 7 } }, 1.5, 7], ['rich', { task_suite: { _micro_plan: wait(), _max_cost: 400, _max_time_minutes: 700 } }, 30, 90],
    ['cheap', { task_suite: { _micro_plan: wait(), _max_cost: 10 } }, 4.5, 12],
    ['rich', { task_suite: { steps: wait(), runtime: { max_cost: 1.25, max_time_minutes: 8 } } }, 1.25, 8], ['rich', { task_suite: { steps: wait(), runtime: { max_cost: 1.25, max_time_minutes: 8 } }, max_cost: 6, max_time_minutes: 20 }, 6, 20],
    ['cheap', { task_suite: { steps: wait(), runtime: { max_cost: 100, max_time_minutes: 100 } } }, 4.5, 12],
  ]
  for (const [tenant, request, cost, minutes] of caps)
    check('tenancy 7', `${tenant} asks ${JSON.stringify(request)}: ${cost} USD, ${minutes} min`, async (g) => {
      const caller = tenant === 'plain' ? await startTenants({ plain: { rate_limit_per_minute: 0 } }, { env: { MANTIS_MAX_COST_USD: '30', MANTIS_MAX_RUNTIME_MINUTES: '90' } }) : null
      try {
        assert.deepEqual(await capsOf(caller ? caller.as('plain') : g.server.as(tenant), request), [cost, minutes])
      } finally {
        await caller?.stop()
      }
    })

  check('tenancy 7', 'the caps of a run are those of its dry run', async (g) => {
    const cheap = g.server.as('cheap')
    const r = await cheap.predict({ task_suite: wait(), max_cost: 20, profile_id: 'caps' })
    assert.deepEqual([r.json.payload.max_cost, r.json.payload.max_time_minutes], [4.5, 12])
    await cheap.predict({ action: 'cancel', run_id: r.json.run_id })
  })

  check('tenancy 7', 'video_fps is 1 to 30', async (g) => {
    for (const fps of [0, 31, -1]) refused(await g.server.as('rich').predict({ task_suite: wait(), dry_run: true, video_fps: fps }), 400, /video_fps/)
    for (const fps of [1, 30]) assert.equal((await g.server.as('rich').predict({ task_suite: wait(), dry_run: true, video_fps: fps })).status, 200)
  })

  check('tenancy 7', 'too many steps are 400, and a loop is clamped', async (g) => {
    const steps = Array.from({ length: 201 }, () => wait()[0])
    refused(await g.server.as('rich').predict({ task_suite: steps, dry_run: true }), 400, /200/)
    const looped = await dryRun(g.server.as('rich'), { task_suite: [...wait(), { type: 'loop', intent: 'again', loop_target: 0, loop_count: 5000 }] })
    assert.equal((looped.task_suite._micro_plan ?? looped.task_suite.steps).find((s) => s.type === 'loop').loop_count, 50)
  })

  // --- 8: what one sees of another

  check('tenancy 8', 'a run of another tenant is 404 on every route, in the words for one that never was', async (g) => {
    const id = await queued(g.server.as('busy'))
    const rich = g.server.as('rich')
    for (const [method, tail] of [['GET', ''], ['GET', '/status'], ['GET', '/result'], ['GET', '/events'], ['GET', '/events?sse=true'], ['GET', '/video'], ['GET', '/artifacts/result.json'], ['GET', '/webhook'], ['POST', '/cancel'], ['POST', '/webhook/replay']]) {
      const foreign = await rich.request(method, `/v1/runs/${id}${tail}`)
      const never = await rich.request(method, `/v1/runs/${neverWas}${tail}`)
      assert.equal(foreign.status, 404, tail)
      assert.equal(foreign.text.replaceAll(id, 'ID'), never.text.replaceAll(neverWas, 'ID'))
    }
    assert.equal((await g.server.as('busy').status(id)).status, 'queued')
    await g.server.as('busy').predict({ action: 'cancel', run_id: id })
  })

  check('tenancy 8', 'profiles of two tenants with the same name do not meet', async (g) => {
    const [a, b] = [await queued(g.server.as('busy'), { profile_id: 'same' }), await queued(g.server.as('rich'), { profile_id: 'same' })]
    assert.equal((await g.server.as('busy').status(a)).profile_id, 'busy__same')
    assert.equal((await g.server.as('rich').status(b)).profile_id, 'rich__same')
    await g.server.as('busy').predict({ action: 'cancel', run_id: a })
    await g.server.as('rich').predict({ action: 'cancel', run_id: b })
  })

  check('tenancy 8', 'a suite cannot name the profile or checkpoint of another tenant', async (g) => {
    const { task_suite: suite, profile_id: profile, workflow_id: workflow } = await dryRun(g.server.as('rich'), { task_suite: { _micro_plan: wait(), _profile_id: 'busy__same', _workflow_id: 'busy__x', _state_key: 'busy__x', _checkpoint_path: '/tmp/x.json' } })
    assert.equal(profile, 'rich__default')
    assert.match(workflow, /^rich__/)
    assert.doesNotMatch(JSON.stringify(suite), /busy__|\/tmp\/x\.json/)
  })

  check('tenancy 8', 'a tenant that asks later is not behind everything another has queued', async () => {
    await using(startTenants({ many: roomy, one: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } }), async (server) => {
      const many = []
      for (let i = 0; i < 4; i++) many.push(await queued(server.as('many')))
      const one = await queued(server.as('one'))
      const [third, other] = [await server.as('many').end(many[2]), await server.as('one').end(one)]
      assert.ok(other.started_at < third.started_at, `${other.started_at} is after ${third.started_at}`)
    })
  })

  check('tenancy 8', 'one live run per profile: the second is 409 and names the holder', async (g) => {
    const rich = g.server.as('rich')
    const id = await queued(rich, { profile_id: 'mine' })
    refused(await rich.predict({ task_suite: wait(), profile_id: 'mine' }), 409, new RegExp(id))
    await rich.predict({ action: 'cancel', run_id: id })
  })
})
