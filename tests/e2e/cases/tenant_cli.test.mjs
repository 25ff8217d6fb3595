// `mantis tenant` edits the file that a running server reads again, and `mantis store` looks after its database.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { bin, slow, startServer, tempDir, until } from '../lib/harness.mjs'
import { dryRun, queued, rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { newToken, startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({ acme: roomy, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  return { server }
}

// {status, out, err} of one command.
const mantis = (args, env = {}) => new Promise((resolve) => {
  execFile(bin, args, { env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env }, timeout: 60000 * slow }, (e, out, err) => resolve({ status: e ? e.code ?? e.signal : 0, out, err }))
})
const tenant = (g, ...args) => mantis(['tenant', ...args, '--keys', g.server.keysFile])
const store = (server, ...args) => mantis(['store', ...args, '--data-dir', server.dir])

const keys = (g) => JSON.parse(fs.readFileSync(g.server.keysFile, 'utf8')).tenant_keys
const status = async (g, token) => (await g.server.as(token).request('GET', '/v1/queue')).status
const becomes = (g, token, wanted) => until(5000 * slow, `a token answers ${wanted}`, async () => (await status(g, token)) === wanted)
const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex')

async function add(g, ...args) {
  const r = await tenant(g, 'add', ...args)
  assert.equal(r.status, 0, r.err)
  assert.match(r.out, /^[0-9a-f]{64}\n$/)
  return r.out.trim()
}

async function done(promise) {
  const r = await promise
  assert.equal(r.status, 0, r.err)
  return r
}

// A keys file of one's own, for what no server has to see.
async function aside(text, fn) {
  const dir = tempDir('tenant')
  const file = path.join(dir, 'keys.json')
  if (text !== null) fs.writeFileSync(file, text, { mode: 0o600 })
  try { return await fn(file, dir) } finally { fs.rmSync(dir, { recursive: true, force: true }) }
}

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  // --- tenant

  check('tenancy 4', 'add: the token that is printed is in force within 5 s', async (g) => {
    const token = await add(g, 'added')
    await becomes(g, token, 200)
    assert.equal((await g.server.as(token).request('GET', '/v1/queue')).json.tenant_id, 'added')
    assert.equal(await status(g, 'acme'), 200)
  })

  check('tenancy 10', 'add: every option is a field of the entry, and in force', async (g) => {
    const token = await add(g, 'optioned', '--scopes', 'run,status', '--max-cost', '4.5', '--max-time', '25', '--rate', '60', '--concurrency', '2', '--domain', '*.shop.example', '--domain', 'crm.example.net',
      '--webhook', 'https://hooks.example.net/m', '--webhook-secret', 'webhook_optioned', '--anthropic-secret', 'anthropic_api_key_optioned', '--label', 'for the tests', '--expires', '2099-01-01T00:00:00Z')
    assert.deepEqual(keys(g)[token], {
      tenant_id: 'optioned', label: 'for the tests', scopes: ['run', 'status'], max_concurrent_runs: 2, max_cost_per_run: 4.5, max_time_minutes_per_run: 25, rate_limit_per_minute: 60,
      anthropic_secret_name: 'anthropic_api_key_optioned', allowed_domains: ['*.shop.example', 'crm.example.net'], webhook_url: 'https://hooks.example.net/m', webhook_secret_name: 'webhook_optioned', expires_at: '2099-01-01T00:00:00Z',
    })
    await becomes(g, token, 200)
    const caller = g.server.as(token)
    const r = await caller.predict({ task_suite: wait(), dry_run: true })
    assert.deepEqual([r.json.task_suite._max_cost, r.json.task_suite._max_time_minutes, rateHeaders(r)[0]], [4.5, 25, 60])
    refused(await caller.predict({ dry_run: true, task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'http://other.example/' } }] }), 403)
  })

  check('tenancy 10', 'add --hash keeps only the hash, and the token works', async (g) => {
    const token = await add(g, 'hashed', '--hash')
    assert.ok(keys(g)[`sha256:${sha256(token)}`])
    assert.ok(!fs.readFileSync(g.server.keysFile, 'utf8').includes(token))
    await becomes(g, token, 200)
  })

  check('tenancy 10', 'add --token-file writes it there, for its owner only, and prints nothing', async (g) => {
    const file = path.join(g.server.config, 'a-token')
    const r = await done(tenant(g, 'add', 'filed', '--token-file', file))
    assert.equal(r.out, '')
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
    const token = fs.readFileSync(file, 'utf8').trim()
    assert.match(token, /^[0-9a-f]{64}$/)
    assert.ok(!r.err.includes(token))
    await becomes(g, token, 200)
    const again = await tenant(g, 'add', 'filed', '--token-file', file)
    assert.equal(again.status, 1)
    assert.equal(fs.readFileSync(file, 'utf8').trim(), token)
  })

  check('tenancy 10', 'add with scopes none is a token that may nothing', async (g) => {
    const token = await add(g, 'mute', '--scopes', 'none')
    await becomes(g, token, 403)
    assert.deepEqual(keys(g)[token].scopes, [])
  })

  check('tenancy 4', 'rotate: both tokens are the tenant; revoke takes the old one out of force', async (g) => {
    const old = await add(g, 'turning', '--max-cost', '3', '--label', 'first')
    await becomes(g, old, 200)
    const run_id = await queued(g.server.as(old))
    const r = await done(tenant(g, 'rotate', 'turning', '--label', 'second'))
    const next = r.out.trim()
    await becomes(g, next, 200)
    assert.equal(await status(g, old), 200)
    assert.equal((await g.server.as(next).status(run_id)).status, 'queued')
    assert.equal((await dryRun(g.server.as(next), { task_suite: wait() })).task_suite._max_cost, 3)
    await done(tenant(g, 'revoke', '--label', 'first'))
    await becomes(g, old, 401)
    assert.equal(await status(g, next), 200)
    assert.equal((await g.server.as(next).status(run_id)).status, 'queued')
    await g.server.as(next).predict({ action: 'cancel', run_id })
  })

  check('tenancy 4', 'rotate --grace gives the old token an end', async (g) => {
    const old = await add(g, 'graced')
    await becomes(g, old, 200)
    const next = (await done(tenant(g, 'rotate', 'graced', '--grace', '3'))).out.trim()
    assert.equal(await status(g, old), 200)
    await until(10000 * slow, 'the old one ended', async () => (await status(g, old)) === 401)
    assert.equal(await status(g, next), 200)
  })

  check('tenancy 4', 'revoke by id takes every token of the tenant, and no other', async (g) => {
    const [one, two] = [await add(g, 'leaving'), await add(g, 'leaving')]
    await becomes(g, two, 200)
    await done(tenant(g, 'revoke', 'leaving'))
    await becomes(g, one, 401)
    assert.equal(await status(g, two), 401)
    assert.equal(await status(g, 'acme'), 200)
  })

  check('tenancy 4', 'revoke by the beginning of a token, or of its hash', async (g) => {
    const [one, two] = [await add(g, 'prefixed'), await add(g, 'prefixed', '--hash')]
    await becomes(g, two, 200)
    await done(tenant(g, 'revoke', '--token-prefix', one.slice(0, 12)))
    await done(tenant(g, 'revoke', '--token-prefix', `sha256:${sha256(two).slice(0, 12)}`))
    await becomes(g, one, 401)
    await becomes(g, two, 401)
  })

  check('tenancy 10', 'list shows tenants and caps, and of a token its beginning and length only', async (g) => {
    const token = await add(g, 'listed', '--max-cost', '1.5', '--label', 'seen')
    const rows = JSON.parse((await done(tenant(g, 'list', '--json'))).out)
    const row = rows.find((r) => r.tenant_id === 'listed')
    assert.deepEqual([row.max_cost_per_run, row.label, row.state, row.scopes], [1.5, 'seen', 'active', ['run', 'status', 'result', 'logs']])
    assert.equal(row.token, `${token.slice(0, 4)}... (64)`)
    for (const r of [await tenant(g, 'list'), await tenant(g, 'list', '--json')]) {
      assert.ok(r.out.includes('listed'))
      for (const t of [token, g.server.tokens.acme]) assert.ok(!r.out.includes(t) && !r.out.includes(sha256(t)))
    }
  })

  check('tenancy 10', 'list says which tokens are expired, disabled or not valid yet', async () => {
    const text = JSON.stringify({ tenant_keys: { [newToken()]: { tenant_id: 'a', expires_at: '2020-01-01T00:00:00Z' }, [newToken()]: { tenant_id: 'b', disabled: true }, [newToken()]: { tenant_id: 'c', not_before: '2099-01-01T00:00:00Z' }, [newToken()]: { tenant_id: 'd' } } })
    await aside(text, async (file) => {
      const rows = JSON.parse((await done(mantis(['tenant', 'list', '--json', '--keys', file]))).out)
      assert.deepEqual(rows.map((r) => [r.tenant_id, r.state]), [['a', 'expired'], ['b', 'disabled'], ['c', 'not_yet'], ['d', 'active']])
    })
  })

  check('tenancy 10', 'what stands in the file beside the entry stays: defaults, unknown fields, other entries', async () => {
    const before = { schema_version: 1, note: 'mine', defaults: { max_cost_per_run: 2 }, tenant_keys: { [newToken()]: { tenant_id: 'old', future: { a: 1 } } } }
    await aside(JSON.stringify(before), async (file) => {
      const token = (await done(mantis(['tenant', 'add', 'new', '--keys', file]))).out.trim()
      const after = JSON.parse(fs.readFileSync(file, 'utf8'))
      assert.deepEqual(after, { ...before, tenant_keys: { ...before.tenant_keys, [token]: { tenant_id: 'new' } } })
    })
  })

  check('tenancy 10', 'the file is made when it is not there, 0600', async () => {
    await aside(null, async (file, dir) => {
      await done(mantis(['tenant', 'add', 'first', '--keys', file]))
      assert.equal(fs.statSync(file).mode & 0o777, 0o600)
      assert.deepEqual(fs.readdirSync(dir), ['keys.json'])
    })
  })

  check('tenancy 10', 'the file is the one of MANTIS_TENANT_KEYS_PATH, else of the secrets directory', async () => {
    await aside(null, async (file, dir) => {
      await done(mantis(['tenant', 'add', 'a'], { MANTIS_TENANT_KEYS_PATH: file }))
      assert.match(fs.readFileSync(file, 'utf8'), /"a"/)
      await done(mantis(['tenant', 'add', 'b'], { MANTIS_SECRETS_DIR: dir }))
      assert.match(fs.readFileSync(path.join(dir, 'mantis_tenant_keys'), 'utf8'), /"b"/)
    })
  })

  const refusals = [
    ['no id', ['add'], 2], ['an id with a slash', ['add', '../x'], 2], ['an id with a blank', ['add', 'two words'], 2], ['an id that is empty', ['add', ''], 2], ['a scope that does not exist', ['add', 'x', '--scopes', 'fly'], 1],
    ['a rate that is a word', ['add', 'x', '--rate', 'fast'], 2], ['a cost that no run could have', ['add', 'x', '--max-cost', '-1'], 1], ['an end in the past', ['add', 'x', '--expires', '2020-01-01T00:00:00Z'], 1], ['an end that is no time', ['add', 'x', '--expires', 'soon'], 1],
    ['a secret name that leads elsewhere', ['add', 'x', '--webhook-secret', '../x'], 1], ['a tenant that is not there', ['rotate', 'nobody'], 1], ['nothing to revoke', ['revoke'], 2], ['a tenant to revoke that is not there', ['revoke', 'nobody'], 1],
    ['a prefix that is too short', ['revoke', '--token-prefix', 'a'], 2], ['a prefix of no token', ['revoke', '--token-prefix', 'ffffffffffffffff0'], 1], ['an unknown option', ['add', 'x', '--colour', 'red'], 2], ['an unknown command', ['remove', 'x'], 2],
  ]
  for (const [what, args, code] of refusals)
    check('tenancy 10', `tenant ${args.join(' ')}: refused for ${what} (${code}), and the file stays as it was`, async () => {
      await aside(JSON.stringify({ tenant_keys: { [newToken()]: { tenant_id: 'acme' } } }), async (file) => {
        const before = fs.readFileSync(file, 'utf8')
        const r = await mantis(['tenant', ...args, ...(what === 'an unknown command' ? [] : ['--keys', file])])
        assert.equal(r.status, code, r.err)
        assert.ok(r.err.trim())
        assert.equal(r.out, '')
        assert.equal(fs.readFileSync(file, 'utf8'), before)
      })
    })

  for (const [what, text] of [['no JSON', '{"tenant_keys":'], ['a list', '[]'], ['without tenant_keys', '{}']])
    check('tenancy 10', `a file that is ${what} is not edited`, async () => {
      await aside(text, async (file) => {
        for (const args of [['add', 'x'], ['rotate', 'x'], ['revoke', 'x'], ['list']]) {
          const r = await mantis(['tenant', ...args, '--keys', file])
          assert.equal(r.status, 1, args[0])
          assert.ok(r.err.includes('keys.json'), r.err)
        }
        assert.equal(fs.readFileSync(file, 'utf8'), text)
      })
    })

  check('tenancy 10', 'ten edits at once are ten entries', async () => {
    await aside(null, async (file) => {
      const all = await Promise.all(Array.from({ length: 10 }, (_, i) => mantis(['tenant', 'add', `t${i}`, '--keys', file])))
      assert.deepEqual(all.map((r) => r.status), Array(10).fill(0), all.map((r) => r.err).join(''))
      const { tenant_keys: made } = JSON.parse(fs.readFileSync(file, 'utf8'))
      assert.deepEqual(Object.keys(made).sort(), all.map((r) => r.out.trim()).sort())
    })
  })

  check('tenancy 10', 'a link is followed, not replaced', async () => {
    await aside(JSON.stringify({ tenant_keys: {} }), async (file, dir) => {
      const link = path.join(dir, 'link.json')
      fs.symlinkSync('keys.json', link)
      const token = (await done(mantis(['tenant', 'add', 'x', '--keys', link]))).out.trim()
      assert.ok(fs.lstatSync(link).isSymbolicLink())
      assert.ok(fs.readFileSync(file, 'utf8').includes(token))
    })
  })

  check('tenancy 2', 'serve --check names what is wrong with a keys file', async () => {
    await aside(JSON.stringify({ tenant_keys: { [newToken()]: { tenant_id: 'wrong', scopes: 'run' }, [newToken()]: { tenant_id: 'right' } } }), async (file, dir) => {
      const r = await mantis(['serve', '--check', '--data-dir', dir], { MANTIS_TENANT_KEYS_PATH: file })
      assert.match(r.out + r.err, /wrong.*scopes/)
    })
  })

  // --- store

  check('http-api 13', 'store backup copies the database of a running server, and the copy has its runs', async (g) => {
    const acme = g.server.as('acme')
    const run_id = await queued(acme)
    await acme.predict({ action: 'cancel', run_id })
    const dir = tempDir('backup')
    try {
      const r = await done(store(g.server, 'backup', path.join(dir, 'mantis.db'), '--json'))
      const said = JSON.parse(r.out)
      assert.equal(said.by_serve, true)
      assert.equal(said.bytes, fs.statSync(path.join(dir, 'mantis.db')).size)
      assert.equal(fs.statSync(path.join(dir, 'mantis.db')).mode & 0o077, 0)
      const copy = await startServer({ dir, token: 'of-the-copy-0123456789', env: { MANTIS_API_TOKEN: '', MANTIS_TENANT_KEYS_PATH: g.server.keysFile } })
      try {
        copy.token = acme.token
        assert.equal((await copy.status(run_id)).status, 'cancelled')
      } finally {
        await copy.stop()
      }
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 13', 'requests go on being answered during a backup', async (g) => {
    const dir = tempDir('backup')
    try {
      let over = false
      const copying = store(g.server, 'backup', path.join(dir, 'copy.db')).then((r) => { over = true; return r })
      let asked = 0
      while (!over) {
        assert.equal(await status(g, 'acme'), 200)
        asked++
      }
      assert.equal((await copying).status, 0)
      assert.ok(asked > 0)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 13', 'store backup does not write over a file or into a directory that is not there', async (g) => {
    const dir = tempDir('backup')
    try {
      fs.writeFileSync(path.join(dir, 'mine.txt'), 'mine')
      const r = await store(g.server, 'backup', path.join(dir, 'mine.txt'))
      assert.equal(r.status, 1)
      assert.match(r.err, /mine\.txt.*exists/)
      assert.equal(fs.readFileSync(path.join(dir, 'mine.txt'), 'utf8'), 'mine')
      assert.notEqual((await store(g.server, 'backup', path.join(dir, 'no/such/dir.db'))).status, 0)
      assert.equal((await store(g.server, 'backup')).status, 2)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 13', 'store check finds the database of a running server sound, on a copy', async (g) => {
    const said = JSON.parse((await done(store(g.server, 'check', '--json'))).out)
    assert.deepEqual([said.sound, said.copy, said.findings], [true, true, []])
    assert.ok(!fs.readdirSync(g.server.dir).some((n) => n.startsWith('check.')))
  })

  check('http-api 13', 'store vacuum leaves a running server\'s database alone', async (g) => {
    const r = await store(g.server, 'vacuum')
    assert.equal(r.status, 1)
    assert.match(r.err, /stop serve/)
  })

  check('http-api 13', 'with the server stopped check, backup and vacuum work on the file, and it can be served again', async () => {
    const dir = tempDir('store')
    try {
      const server = await startServer({ dir, env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
      await takeSlot(server)
      const run_id = await queued(server)
      await server.kill('SIGKILL')
      assert.equal(JSON.parse((await done(store(server, 'check', '--json'))).out).copy, false)
      assert.equal(JSON.parse((await done(store(server, 'backup', path.join(dir, 'copy.db'), '--json'))).out).by_serve, false)
      const { bytes_before: before, bytes_after: after } = JSON.parse((await done(store(server, 'vacuum', '--json'))).out)
      assert.ok(after > 0 && after <= before)
      await server.start()
      try {
        assert.equal((await server.status(run_id)).status, 'queued')
      } finally {
        await server.stop()
      }
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 13', 'store check says so when the file is damaged, and when there is none', async () => {
    const dir = tempDir('store')
    try {
      fs.writeFileSync(path.join(dir, 'mantis.db'), 'SQLite format 3\0' + 'x'.repeat(8192))
      const r = await mantis(['store', 'check', '--data-dir', dir])
      assert.equal(r.status, 1)
      assert.ok(r.err.trim())
      fs.rmSync(path.join(dir, 'mantis.db'))
      assert.equal((await mantis(['store', 'check', '--data-dir', dir])).status, 1)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })
})
