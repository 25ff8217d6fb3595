// The keys file while the server runs: what changes counts within 5 s, what is broken changes nothing.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { slow, until, within } from '../lib/harness.mjs'
import { queued, rateHeaders, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { openStream } from '../lib/sse.mjs'
import { newToken, startTenants, TenantServer } from '../lib/tenants.mjs'

// A change takes a second to be seen and concerns one case's tenants only, so all cases begin at once.
// The slot of the server that most of them share is taken.
const bodies = []
const start = async () => {
  const server = await startTenants({ busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  const g = { server, tenants: { busy: roomy } }
  g.begun = bodies.map((body) => body(g))
  for (const b of g.begun) b.catch(() => {}) // its case says so
  return g
}

// Changes of the shared server's file go through here: every tenant stays unless it is named.
function change(g, tenants) {
  Object.assign(g.tenants, tenants)
  for (const [name, fields] of Object.entries(tenants)) if (fields === null) delete g.tenants[name]
  g.server.writeKeys(g.tenants)
}

const status = async (server, token) => (await server.as(token).request('GET', '/v1/queue')).status
const becomes = (server, token, wanted, what) => until(5000 * slow, what ?? `a token answers ${wanted}`, async () => (await status(server, token)) === wanted)
const loadErrors = async (server) => Number(/^mantis_tenant_keys_load_errors_total (\d+)$/m.exec((await server.request('GET', '/metrics')).text)[1])
const dry = (caller) => caller.predict({ task_suite: wait(), dry_run: true })

async function alone(tenants, fn, options) {
  const server = await startTenants(tenants, options)
  try { return await fn(server) } finally { await server.stop() }
}

const whole = (server) => JSON.stringify({ tenant_keys: { [server.tokens.acme]: { tenant_id: 'acme' } } })

// [what, function of the server that leaves such a file]
const broken = [
  ['garbage', (s) => fs.writeFileSync(s.keysFile, 'not json at all')],
  ['cut in the middle', (s) => fs.writeFileSync(s.keysFile, whole(s).slice(0, 40))],
  ['empty', (s) => fs.writeFileSync(s.keysFile, '')],
  ['bytes that are no text', (s) => fs.writeFileSync(s.keysFile, Buffer.from([0, 255, 254, 10, 13, 0, 1]))],
  ['huge', (s) => fs.writeFileSync(s.keysFile, whole(s) + ' '.repeat(5 << 20))],
  ['gone', (s) => fs.rmSync(s.keysFile)],
  ['a directory', (s) => { fs.rmSync(s.keysFile); fs.mkdirSync(s.keysFile) }],
  ['a list', (s) => fs.writeFileSync(s.keysFile, '[]')],
  ['without tenant_keys', (s) => fs.writeFileSync(s.keysFile, '{"keys":{}}')],
  ['of a later schema_version', (s) => fs.writeFileSync(s.keysFile, `{"schema_version":2,${whole(s).slice(1)}`)],
  ['with wrong defaults', (s) => fs.writeFileSync(s.keysFile, `{"defaults":{"scopes":"run"},${whole(s).slice(1)}`)],
  ['with one token twice', (s) => fs.writeFileSync(s.keysFile, whole(s).replace('}}}', `},"${s.tokens.acme}":{"tenant_id":"other"}}}`))],
  ['with a NUL in a name', (s) => fs.writeFileSync(s.keysFile, whole(s).replace('"acme"', '"ac\\u0000me"'))],
  ['nested deeper than anybody reads', (s) => fs.writeFileSync(s.keysFile, `{"tenant_keys":${'['.repeat(20000)}`)],
]

const stop = async (g) => {
  await Promise.allSettled(g.begun)
  await g.server.stop()
}

cases({ start, stop }, (checkWith) => {
  const check = (section, title, body) => {
    const n = bodies.push(body) - 1
    checkWith(section, title, (g) => g.begun[n])
  }

  // --- issue, rotate, revoke

  check('tenancy 4', 'issue: an entry that is added is in force within 5 s', async (g) => {
    g.server.tokens.issued = newToken()
    assert.equal(await status(g.server, 'issued'), 401)
    change(g, { issued: roomy })
    await becomes(g.server, 'issued', 200)
  })

  check('tenancy 4', 'rotate: both tokens are the tenant, then only the new one', async (g) => {
    change(g, { rotating: roomy })
    await becomes(g.server, 'rotating', 200)
    const run_id = await queued(g.server.as('rotating'))
    change(g, { rotated: { ...roomy, tenant_id: 'rotating' } })
    await becomes(g.server, 'rotated', 200)
    assert.equal(await status(g.server, 'rotating'), 200)
    assert.equal((await g.server.as('rotated').status(run_id)).status, 'queued')
    change(g, { rotating: null })
    await becomes(g.server, 'rotating', 401)
    assert.equal((await g.server.as('rotated').status(run_id)).status, 'queued')
    await g.server.as('rotated').predict({ action: 'cancel', run_id })
  })

  check('tenancy 4', 'revoke: 401 within 5 s, and the tenant\'s runs go on', async (g) => {
    change(g, { leaving: roomy })
    await becomes(g.server, 'leaving', 200)
    const run_id = await queued(g.server.as('leaving'))
    change(g, { leaving: null })
    await becomes(g.server, 'leaving', 401)
    refused(await g.server.as('leaving').predict({ task_suite: wait() }), 401, /invalid/)
    change(g, { leaving: roomy })
    await becomes(g.server, 'leaving', 200)
    assert.equal((await g.server.as('leaving').status(run_id)).status, 'queued')
    await g.server.as('leaving').predict({ action: 'cancel', run_id })
  })

  check('tenancy 4', 'an empty list of tokens revokes them all at once', async () => {
    await alone({ acme: {} }, async (server) => {
      assert.equal(await status(server, 'acme'), 200)
      fs.writeFileSync(server.keysFile, '{"tenant_keys":{}}')
      await becomes(server, 'acme', 401)
      assert.equal(await loadErrors(server), 0)
    })
  })

  check('tenancy 4', 'an open event stream of a token that is revoked ends and says so, and the run goes on', async (g) => {
    change(g, { streaming: roomy, keeper: { ...roomy, tenant_id: 'streaming' } })
    await becomes(g.server, 'streaming', 200)
    const run_id = await queued(g.server.as('streaming'))
    const stream = await openStream(g.server.as('streaming'), run_id)
    await within(5000 * slow, 'a first frame', stream.has((f) => f.event === 'phase'))
    change(g, { streaming: null })
    await within(10000 * slow, 'the end of the stream', stream.ended)
    assert.ok(stream.text.endsWith(`event: revoked\ndata: {"reason":"token_revoked","run_id":"${run_id}"}\n\n`), stream.text)
    assert.equal((await g.server.as('keeper').status(run_id)).status, 'queued')
    await g.server.as('keeper').predict({ action: 'cancel', run_id })
  })

  // --- caps

  check('tenancy 4', 'a larger bucket keeps its fill', async (g) => {
    change(g, { bucket: { rate_limit_per_minute: 5 } })
    await becomes(g.server, 'bucket', 200)
    for (let i = 0; i < 4; i++) await dry(g.server.as('bucket'))
    change(g, { bucket: { rate_limit_per_minute: 60 } })
    const now = await until(5000 * slow, 'the new size', async () => {
      const r = await dry(g.server.as('bucket'))
      return rateHeaders(r)[0] === 60 && rateHeaders(r)
    }, 500)
    assert.ok(now[1] < 30, `full at once: ${now}`)
  })

  check('tenancy 4', 'a smaller bucket holds no more than its size', async (g) => {
    change(g, { shrinking: { rate_limit_per_minute: 600 } })
    await becomes(g.server, 'shrinking', 200)
    assert.ok(rateHeaders(await dry(g.server.as('shrinking')))[1] > 590)
    change(g, { shrinking: { rate_limit_per_minute: 3 } })
    const now = await until(5000 * slow, 'the new size', async () => {
      const r = await dry(g.server.as('shrinking'))
      return rateHeaders(r)[0] === 3 && rateHeaders(r)
    }, 100)
    assert.ok(now[1] <= 2, `${now}`)
  })

  check('tenancy 4', 'live runs are compared with the new number', async (g) => {
    change(g, { growing: { ...roomy, max_concurrent_runs: 1 } })
    await becomes(g.server, 'growing', 200)
    const caller = g.server.as('growing')
    const first = await queued(caller)
    refused(await caller.predict({ task_suite: wait(), profile_id: 'second' }), 429)
    change(g, { growing: { ...roomy, max_concurrent_runs: 2 } })
    const second = await until(5000 * slow, 'a second run', async () => {
      const r = await caller.predict({ task_suite: wait(), profile_id: 'second' })
      return r.status === 200 && r.json.run_id
    }, 100)
    change(g, { growing: { ...roomy, max_concurrent_runs: 1 } })
    await until(5000 * slow, 'one is enough again', async () => {
      const r = await caller.predict({ task_suite: wait(), profile_id: 'third' })
      if (r.status === 200) await caller.predict({ action: 'cancel', run_id: r.json.run_id })
      return r.status === 429
    }, 100)
    for (const run_id of [first, second]) await caller.predict({ action: 'cancel', run_id })
  })

  check('tenancy 4', 'scopes, hosts and cost follow the file, and a run keeps what it had', async (g) => {
    change(g, { shifting: { ...roomy, max_cost_per_run: 9 } })
    await becomes(g.server, 'shifting', 200)
    const caller = g.server.as('shifting')
    const run_id = await queued(caller)
    change(g, { shifting: { ...roomy, max_cost_per_run: 2, scopes: ['status', 'run'], allowed_domains: ['only.example'] } })
    await until(5000 * slow, 'the new cap', async () => (await dry(caller)).json.task_suite?._max_cost === 2)
    refused(await caller.predict({ dry_run: true, task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'https://other.example/' } }] }), 403, /other\.example/)
    assert.equal((await caller.status(run_id)).payload.max_cost, 9)
    change(g, { shifting: { ...roomy, scopes: ['status'] } })
    await until(5000 * slow, 'the new scopes', async () => (await dry(caller)).status === 403)
    change(g, { shifting: roomy })
    await until(5000 * slow, 'all scopes', async () => (await dry(caller)).status === 200)
    await caller.predict({ action: 'cancel', run_id })
  })

  check('tenancy 4', 'a token ends and another begins by the clock, without a change of the file', async () => {
    await alone({ acme: {} }, async (server) => {
      const at = Date.now() + 4000
      const soon = new Date(at).toISOString()
      server.writeKeys({ ending: { expires_at: soon }, beginning: { not_before: soon } })
      await until(5000 * slow, 'the file is in force', async () => (await status(server, 'acme')) === 401)
      const before = [await status(server, 'ending'), await status(server, 'beginning')]
      if (Date.now() < at) assert.deepEqual(before, [200, 401])
      await until(10000 * slow, 'one ended', async () => (await status(server, 'ending')) === 401)
      await becomes(server, 'beginning', 200)
      assert.ok(Date.now() >= at)
    })
  })

  // --- how the file is changed

  check('tenancy 4', 'a file that is written in place, to the same length, is noticed', async () => {
    await alone({ acme: {} }, async (server) => {
      const next = newToken()
      const text = fs.readFileSync(server.keysFile, 'utf8').replace(server.tokens.acme, next)
      assert.equal(await status(server, 'acme'), 200)
      fs.writeFileSync(server.keysFile, text)
      await becomes(server, next, 200)
      assert.equal(await status(server, 'acme'), 401)
    })
  })

  check('tenancy 4', 'two changes right after each other both count', async () => {
    await alone({ acme: {} }, async (server) => {
      server.writeKeys({ first: {} })
      server.writeKeys({ second: {} })
      await becomes(server, 'second', 200)
      assert.deepEqual([await status(server, 'first'), await status(server, 'acme')], [401, 401])
    })
  })

  check('tenancy 4', 'links that are swapped, as Kubernetes mounts secrets, are noticed', async () => {
    const server = new TenantServer({ acme: {} })
    const mount = path.join(server.config, 'mount')
    const version = (name, text) => {
      fs.mkdirSync(path.join(mount, name), { recursive: true })
      fs.writeFileSync(path.join(mount, name, 'keys.json'), text, { mode: 0o600 })
      fs.symlinkSync(name, path.join(mount, '..data_tmp'))
      fs.renameSync(path.join(mount, '..data_tmp'), path.join(mount, '..data'))
    }
    const next = newToken()
    version('v1', fs.readFileSync(server.keysFile, 'utf8'))
    fs.rmSync(server.keysFile)
    fs.symlinkSync(path.join('mount', '..data', 'keys.json'), server.keysFile)
    try {
      await server.start()
      assert.equal(await status(server, 'acme'), 200)
      version('v2', JSON.stringify({ tenant_keys: { [next]: { tenant_id: 'acme' } } }))
      await becomes(server, next, 200)
      assert.equal(await status(server, 'acme'), 401)
    } finally {
      await server.stop()
    }
  })

  check('tenancy 4', 'while the file is replaced again and again every call is answered as one of its versions says', async () => {
    await alone({ acme: {}, a: {}, b: {} }, async (server) => {
      let over = false
      const writer = (async () => {
        for (let i = 0; !over; i++) {
          server.writeKeys(i % 2 ? { acme: {}, a: {} } : { acme: {}, b: {} })
          await new Promise((r) => setImmediate(r))
        }
      })()
      for (let i = 0; i < 300; i++) {
        assert.equal(await status(server, 'acme'), 200)
        assert.ok([200, 401].includes(await status(server, 'a')))
      }
      over = true
      await writer
      server.writeKeys({ acme: {} })
      await becomes(server, 'a', 401)
      await becomes(server, 'b', 401)
      assert.equal(await loadErrors(server), 0)
    })
  })

  // --- what is broken

  for (const [what, breakIt] of broken)
    check('tenancy 4', `a new file that is ${what}: the last good set stays, and it is counted and logged once`, async () => {
      await alone({ acme: {} }, async (server) => {
        assert.equal(await status(server, 'acme'), 200)
        breakIt(server)
        await until(5000 * slow, 'a load error', async () => {
          assert.equal(await status(server, 'acme'), 200)
          return (await loadErrors(server)) === 1
        })
        const lines = server.child.log.split('\n').filter((l) => l.includes('"ERROR"'))
        assert.equal(lines.length, 1, lines.join('\n'))
        assert.match(lines[0], /mantis\.tenants.*stay in force/)
        assert.ok(!server.child.log.includes(server.tokens.acme))
      })
    })

  check('tenancy 4', 'after a broken file a good one counts, and the count of errors stays', async () => {
    await alone({ acme: {} }, async (server) => {
      fs.writeFileSync(server.keysFile, '{')
      await until(5000 * slow, 'a load error', async () => (await status(server, 'acme')) === 200 && (await loadErrors(server)) === 1)
      server.writeKeys({ acme: {}, later: {} })
      await becomes(server, 'later', 200)
      assert.equal(await loadErrors(server), 1)
      fs.writeFileSync(server.keysFile, '}')
      await until(5000 * slow, 'another load error', async () => (await status(server, 'acme')) === 200 && (await loadErrors(server)) === 2)
    })
  })

  check('tenancy 4', 'one bad entry in a new file costs that entry, not the file', async () => {
    await alone({ acme: {}, other: {} }, async (server) => {
      server.writeKeys({ acme: {}, other: { scopes: 'run' }, fresh: {} })
      await becomes(server, 'fresh', 200)
      assert.deepEqual([await status(server, 'acme'), await status(server, 'other'), await loadErrors(server)], [200, 401, 0])
      assert.match(server.child.log, /WARNING.*other.*scopes/)
    })
  })

  check('tenancy 2', 'a file that was not there at start counts once it is', async () => {
    const server = new TenantServer({ acme: {} })
    const text = fs.readFileSync(server.keysFile, 'utf8')
    fs.rmSync(server.keysFile)
    try {
      await server.start()
      assert.equal(await status(server, 'acme'), 401)
      fs.writeFileSync(server.keysFile, text)
      await becomes(server, 'acme', 200)
    } finally {
      await server.stop()
    }
  })
})
