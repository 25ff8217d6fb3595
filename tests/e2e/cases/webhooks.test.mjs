// Webhooks, with a receiver that is a real HTTP server.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { slow, startServer, until, victim } from '../lib/harness.mjs'
import { neverWas, queued, refused, roomy, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { Receiver, signature, signatureWithTime } from '../lib/receiver.mjs'
import { startTenants, TenantServer } from '../lib/tenants.mjs'

const secrets = { acme: 'acme signs with this', fallback: 'what all others sign with' }
const delivered = (server, id, ms = 20000) => until(ms * slow, `delivery of ${id}`, async () => {
  const list = (await server.request('GET', `/v1/runs/${id}/webhook`)).json.deliveries
  return list[0]?.state === 'delivered' && list
})

// Answers that are not "delivered".
const refusing = [301, 302, 307, 400, 401, 404, 410, 429, 502]

// Runs that end in each of the ways there are, on the only slot; it is then taken for good, so that what
// comes later is queued until it is cancelled.
async function endings(server, acme) {
  const ids = {}
  ids.succeeded = await acme.submit({ task_suite: wait(), profile_id: 'w1' })
  ids.halted = await acme.submit({ task_suite: [{ type: 'extract_data', intent: 'nothing is here', required: true, gate: true, verify: 'The heading "Nowhere" is shown' }], profile_id: 'w2' })
  await acme.end(ids.succeeded)
  await acme.end(ids.halted)
  ids.failed = await acme.submit({ task_suite: wait(600), profile_id: 'w3' })
  await until(60000 * slow, 'a run whose workers are killed is over', async () => {
    const worker = victim(server.child.pid, 'worker')
    try {
      if (worker) process.kill(worker.pid, 'SIGKILL')
    } catch (e) {
      assert.equal(e.code, 'ESRCH') // it died by itself between the two looks
    }
    return (await acme.status(ids.failed)).terminal
  }, 50)
  ids.running = await takeSlot(acme)
  await until(20000 * slow, 'a run that runs', async () => (await acme.status(ids.running)).status === 'running')
  ids.queued = await queued(acme)
  await acme.predict({ action: 'cancel', run_id: ids.queued })
  await acme.predict({ action: 'cancel', run_id: ids.running })
  return ids
}

const start = async () => {
  const hook = await new Receiver().start()
  const server = new TenantServer({
    acme: { ...roomy, webhook_url: hook.url('/acme?tok=in-the-query'), webhook_secret_name: 'webhook_acme' },
    other: { ...roomy, webhook_url: hook.url('/other') },
    lost: { ...roomy, webhook_url: hook.url('/lost'), webhook_secret_name: 'no_such_file' },
    picky: { ...roomy, webhook_url: hook.url('/picky'), webhook_events: ['failed', 'halted'] },
    silent: roomy,
    watcher: { ...roomy, tenant_id: 'acme', scopes: ['status'] },
    reader: { ...roomy, tenant_id: 'acme', scopes: ['logs'] },
    fetcher: { ...roomy, tenant_id: 'acme', scopes: ['result'] },
  }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_WEBHOOK_ALLOW_PRIVATE: '1', MANTIS_WEBHOOK_SECRET_DEFAULT: secrets.fallback } })
  server.secret('webhook_acme', secrets.acme)
  await server.start()
  const acme = server.as('acme')
  const ids = await endings(server, acme)
  await takeSlot(server.as('silent'))
  const refused = {} // begun here, because the second attempt is a second later
  for (const status of refusing) {
    const path = `/is${status}`
    hook.script(path, (res) => { res.writeHead(status, { Location: hook.url('/elsewhere') }); res.end() })
    refused[status] = await cancelled(acme, { callback_url: hook.url(path) })
  }
  const strict = await startServer({ env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  return { hook, server, acme, ids, strict, refused }
}

const stop = async (g) => {
  await g.server.stop()
  await g.strict.stop()
  await g.hook.stop()
}

// A run that is over without a browser: queued, then cancelled.
async function cancelled(caller, more) {
  const id = await queued(caller, more)
  await caller.predict({ action: 'cancel', run_id: id })
  return id
}

const log = async (caller, id) => (await caller.request('GET', `/v1/runs/${id}/webhook`)).json.deliveries

const ends = [['succeeded', 'succeeded'], ['halted', 'halted'], ['failed', 'failed'], ['queued', 'cancelled'], ['running', 'cancelled']]

cases({ start, stop }, (check) => {
  // --- what is sent

  for (const [how, status] of ends)
    check('http-api 15', `a run that ${how === status ? `${how}` : `was cancelled while ${how}`} is told of once, under one id`, async (g) => {
      const call = await g.hook.call(g.ids[how])
      assert.equal(call.json.status, status)
      assert.equal(call.json.tenant_id, 'acme')
      await delivered(g.acme, g.ids[how])
      const list = await log(g.acme, g.ids[how])
      assert.equal(list.length, 1)
      assert.equal(list[0].event, status)
      assert.equal(list[0].delivery_id, call.headers['x-mantis-delivery'])
      assert.equal(g.hook.of(g.ids[how]).length, 1)
      assert.equal((await g.acme.status(g.ids[how])).status, status)
    })

  check('http-api 15', 'the body is compact JSON of run_id, tenant_id, status, summary and delivered_at', async (g) => {
    for (const how of ['succeeded', 'queued']) {
      const call = await g.hook.call(g.ids[how])
      assert.equal(call.method, 'POST')
      for (const k of ['run_id', 'tenant_id', 'status', 'summary', 'delivered_at']) assert.ok(k in call.json, k)
      assert.match(call.json.delivered_at, stamp)
      assert.equal(typeof call.json.summary, 'object')
      assert.equal(call.body.replace(/"(?:[^"\\]|\\.)*"/g, '').match(/\s/), null, call.body)
    }
  })

  check('http-api 15', 'its summary is that of the status document', async (g) => {
    const call = await g.hook.call(g.ids.succeeded)
    assert.deepEqual(call.json.summary, (await g.acme.status(g.ids.succeeded)).summary)
  })

  check('http-api 15', 'its cursor is the last event\'s: nothing is behind it', async (g) => {
    for (const how of ['succeeded', 'halted', 'queued']) {
      const { cursor } = (await g.hook.call(g.ids[how])).json
      const all = (await g.acme.request('GET', `/v1/runs/${g.ids[how]}/events`)).json.events
      assert.equal(cursor, `${all.at(-1).ts}#${all.at(-1).seq}`)
      assert.equal((await g.acme.request('GET', `/v1/runs/${g.ids[how]}/events?since=${encodeURIComponent(cursor)}`)).json.count, 0)
    }
  })

  check('http-api 15', 'Content-Type and User-Agent are the fixed ones', async (g) => {
    const { headers } = await g.hook.call(g.ids.succeeded)
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['user-agent'], 'mantis-cua/webhook')
  })

  check('http-api 15', 'more headers say delivery, event, attempt and time', async (g) => {
    const { headers } = await g.hook.call(g.ids.halted)
    assert.match(headers['x-mantis-delivery'], /^[0-9a-f]{32}$/)
    assert.equal(headers['x-mantis-event'], 'halted')
    assert.equal(headers['x-mantis-attempt'], '1')
    assert.match(headers['x-mantis-timestamp'], /^\d{10}$/)
  })

  check('http-api 15', 'no header holds a token, and none comes from the library by itself', async (g) => {
    const { headers } = await g.hook.call(g.ids.succeeded)
    for (const k of ['x-mantis-token', 'authorization', 'cookie', 'expect']) assert.equal(headers[k], undefined, k)
  })

  // --- signatures

  check('http-api 15', 'the signature is HMAC-SHA256 of the body with the tenant\'s secret', async (g) => {
    const call = await g.hook.call(g.ids.succeeded)
    assert.equal(call.headers['x-mantis-signature'], signature(secrets.acme, call))
  })

  check('http-api 15', 'the second signature covers the time, too', async (g) => {
    const call = await g.hook.call(g.ids.succeeded)
    assert.equal(call.headers['x-mantis-signature-v2'], signatureWithTime(secrets.acme, call))
  })

  for (const [tenant, what] of [['other', 'names no secret'], ['lost', 'names a secret that is not there']])
    check('http-api 15', `a tenant that ${what} signs with the default one`, async (g) => {
      const id = await cancelled(g.server.as(tenant))
      const call = await g.hook.call(id)
      assert.equal(call.path, `/${tenant}`)
      assert.equal(call.headers['x-mantis-signature'], signature(secrets.fallback, call))
    })

  check('http-api 15', 'a callback_url is signed with the tenant\'s secret', async (g) => {
    const call = await g.hook.call(await cancelled(g.acme, { callback_url: g.hook.url('/signed') }))
    assert.equal(call.headers['x-mantis-signature'], signature(secrets.acme, call))
  })

  check('tenancy 1', 'a webhook secret is read anew for each delivery, without blanks around it', async (g) => {
    g.server.secret('webhook_acme', '  the next one \t')
    try {
      const call = await g.hook.call(await cancelled(g.acme))
      assert.equal(call.headers['x-mantis-signature'], signature('the next one', call))
    } finally {
      g.server.secret('webhook_acme', secrets.acme)
    }
  })

  check('http-api 15', 'without any secret there is no signature', async (g) => {
    const server = await startTenants({ plain: { ...roomy, webhook_url: g.hook.url('/unsigned') } }, { env: { MANTIS_WEBHOOK_ALLOW_PRIVATE: '1', MANTIS_RUNTIME_CONCURRENCY: '1' } })
    try {
      await takeSlot(server.as('plain'))
      const { headers } = await g.hook.call(await cancelled(server.as('plain')))
      assert.equal(headers['x-mantis-signature'], undefined)
      assert.equal(headers['x-mantis-signature-v2'], undefined)
      assert.ok(headers['x-mantis-delivery'])
    } finally {
      await server.stop()
    }
  })

  // --- where to, and whether

  check('http-api 15', 'callback_url comes before the tenant\'s webhook_url', async (g) => {
    const call = await g.hook.call(await cancelled(g.acme, { callback_url: g.hook.url('/mine?x=1') }))
    assert.equal(call.path, '/mine?x=1')
  })

  check('http-api 15', 'a tenant without an address sends nothing unless asked to', async (g) => {
    const silent = g.server.as('silent')
    const id = await cancelled(silent)
    assert.deepEqual(await log(silent, id), [])
    refused(await silent.request('POST', `/v1/runs/${id}/webhook/replay`), 404, new RegExp(id))
    const call = await g.hook.call(await cancelled(silent, { callback_url: g.hook.url('/asked') }))
    assert.equal(call.path, '/asked')
  })

  check('http-api 15', 'webhook_events of the tenant say which ends are told', async (g) => {
    const id = await cancelled(g.server.as('picky'))
    assert.deepEqual(await log(g.server.as('picky'), id), [])
  })

  check('http-api 15', 'callback_events of the request come before them', async (g) => {
    const picky = g.server.as('picky')
    const told = await cancelled(picky, { callback_events: ['cancelled', 'succeeded'] })
    assert.equal((await g.hook.call(told)).path, '/picky')
    assert.deepEqual(await log(g.acme, await cancelled(g.acme, { callback_events: ['succeeded'] })), [])
  })

  for (const [what, value] of [['no list', 'failed'], ['a word that is no status', ['exploded']], ['a status that is no end', ['running']], ['a number', [1]]])
    check('http-api 15', `callback_events that are ${what} are 400`, async (g) => {
      refused(await g.acme.predict({ task_suite: wait(), callback_events: value }), 400, /callback_events/)
    })

  for (const url of ['not an address', 'ftp://hooks.example/x', 'http://', 'http:///x', 'http://user:pw@hooks.example/x', 'file:///etc/passwd', 'http://hooks.example:0/', 'http://hooks.example:99999/', 'javascript:alert(1)', 'http://hooks.example/a\nb'])
    check('http-api 15', `callback_url ${JSON.stringify(url)} is 400`, async (g) => {
      const r = refused(await g.acme.predict({ task_suite: wait(), callback_url: url }), 400, /callback_url/)
      assert.ok(!r.text.includes('pw@'))
    })

  // --- private addresses

  for (const host of ['127.0.0.1', '127.8.9.1', '10.1.2.3', '172.16.0.9', '192.168.7.7', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255',
    '[::1]', '[::]', '[fe80::1]', '[fd00::1]', '[::ffff:10.0.0.1]', '[::ffff:7f00:1]', '[ff02::1]', '[64:ff9b::a00:1]', 'localhost', 'LOCALHOST', 'localhost.', 'hooks.localhost', '2130706433', '0x7f.1', '127.1'])
    check('http-api 15', `without MANTIS_WEBHOOK_ALLOW_PRIVATE a callback to ${host} is refused`, async (g) => {
      refused(await g.strict.predict({ task_suite: wait(), callback_url: `http://${host}:${g.hook.port}/private` }), 400, /callback_url.*private/)
      assert.ok(!g.hook.got.some((c) => c.path === '/private'))
    })

  check('http-api 15', 'a tenant\'s own address that is private is dead at once and says why', async (g) => {
    const server = await startTenants({ plain: { ...roomy, webhook_url: g.hook.url('/private') } }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
    try {
      const plain = server.as('plain')
      await takeSlot(plain)
      const id = await cancelled(plain)
      const [one] = await until(5000 * slow, 'a dead delivery', async () => {
        const list = await log(plain, id)
        return list[0]?.state === 'dead' && list
      })
      assert.match(one.last_error, /private/)
      assert.equal(one.next_attempt_at, null)
      assert.ok(!g.hook.got.some((c) => c.path === '/private'))
      const dead = (await plain.request('GET', '/v1/webhooks?state=dead')).json.deliveries
      assert.deepEqual(dead.map((d) => d.run_id), [id])
    } finally {
      await server.stop()
    }
  })

  // --- attempts

  check('http-api 15', 'a 500 is tried again after a second: same id, next attempt, new time, new signature', async (g) => {
    g.hook.script('/retry', 500)
    const id = await cancelled(g.acme, { callback_url: g.hook.url('/retry') })
    const first = await g.hook.call(id, 1)
    const second = await g.hook.call(id, 2)
    assert.equal(second.headers['x-mantis-delivery'], first.headers['x-mantis-delivery'])
    assert.deepEqual([first, second].map((c) => c.headers['x-mantis-attempt']), ['1', '2'])
    assert.ok(second.json.delivered_at > first.json.delivered_at)
    assert.equal(second.headers['x-mantis-signature'], signature(secrets.acme, second))
    const { delivered_at: a, ...one } = first.json
    const { delivered_at: b, ...two } = second.json
    assert.deepEqual(two, one)
    const [d] = await delivered(g.acme, id)
    assert.equal(d.attempts, 2)
    assert.deepEqual(d.log.map((l) => [l.n, l.status]), [[1, 500], [2, 200]])
    assert.ok(Date.parse(d.log[1].at) - Date.parse(d.log[0].at) >= 1000)
  })

  check('http-api 15', 'between attempts a delivery is pending and says when the next one is', async (g) => {
    g.hook.script('/pending', 503, 503, 503, 503)
    const id = await cancelled(g.acme, { callback_url: g.hook.url('/pending') })
    const [d] = await until(10000 * slow, 'a first attempt', async () => {
      const list = await log(g.acme, id)
      return list[0]?.attempts >= 1 && list
    })
    assert.equal(d.state, 'pending')
    assert.equal(d.last_status, 503)
    assert.match(d.next_attempt_at, stamp)
    assert.ok(d.next_attempt_at > d.log[0].at)
  })

  for (const status of [200, 201, 204, 299])
    check('http-api 15', `a ${status} is delivered`, async (g) => {
      g.hook.script(`/is${status}`, status)
      const id = await cancelled(g.acme, { callback_url: g.hook.url(`/is${status}`) })
      const [d] = await delivered(g.acme, id)
      assert.deepEqual([d.attempts, d.last_status, d.last_error, d.next_attempt_at], [1, status, '', null])
    })

  for (const status of refusing)
    check('http-api 15', `a ${status} is tried again${status < 400 ? ', and not followed' : ''}`, async (g) => {
      const [d] = await delivered(g.acme, g.refused[status])
      assert.deepEqual(d.log.map((l) => l.status), [status, 200])
      assert.ok(!g.hook.got.some((c) => c.path === '/elsewhere'))
    })

  check('http-api 15', 'a connection that is cut without an answer is tried again', async (g) => {
    g.hook.script('/cut', (res) => res.destroy())
    const id = await cancelled(g.acme, { callback_url: g.hook.url('/cut') })
    const [d] = await delivered(g.acme, id)
    assert.deepEqual(d.log.map((l) => l.status), [0, 200])
    assert.ok(d.log[0].error)
  })

  check('http-api 15', 'what a receiver answers beyond its status does not matter', async (g) => {
    g.hook.script('/talks', (res) => { res.statusCode = 200; res.write('x'.repeat(300000)); res.end() })
    const [d] = await delivered(g.acme, await cancelled(g.acme, { callback_url: g.hook.url('/talks') }))
    assert.equal(d.attempts, 1)
  })

  // --- the log, and again

  check('http-api 15', 'a run\'s deliveries are shown with every attempt, without query and userinfo', async (g) => {
    const [d] = await delivered(g.acme, g.ids.succeeded)
    assert.deepEqual(Object.keys(d).sort(), ['attempts', 'created_at', 'delivery_id', 'event', 'last_error', 'last_status', 'log', 'next_attempt_at', 'run_id', 'state', 'url'])
    assert.equal(d.url, g.hook.url('/acme'))
    assert.deepEqual(Object.keys(d.log[0]).sort(), ['at', 'duration_ms', 'error', 'n', 'status'])
    assert.match(d.log[0].at, stamp)
  })

  check('http-api 15', 'a tenant\'s deliveries are listed, newest first', async (g) => {
    const list = (await g.acme.request('GET', '/v1/webhooks?limit=1000')).json.deliveries
    assert.ok(list.length >= 5)
    const times = list.map((d) => d.created_at)
    assert.deepEqual(times, [...times].sort().reverse())
    assert.ok(list.every((d) => !('log' in d)))
    for (const id of Object.values(g.ids)) assert.equal(list.filter((d) => d.run_id === id).length, 1)
  })

  check('http-api 15', 'limit and state choose among them; another word is 422', async (g) => {
    assert.equal((await g.acme.request('GET', '/v1/webhooks?limit=2')).json.deliveries.length, 2)
    for (const d of (await g.acme.request('GET', '/v1/webhooks?state=delivered')).json.deliveries) assert.equal(d.state, 'delivered')
    for (const query of ['state=lost', 'limit=0', 'limit=x', 'limit=100000']) {
      const r = await g.acme.request('GET', `/v1/webhooks?${query}`)
      assert.equal(r.status, 422, query)
      assert.deepEqual(r.json.detail[0].loc, ['query', query.split('=')[0]])
    }
  })

  check('http-api 15', 'a run\'s webhook can be sent again, under the same id', async (g) => {
    const id = await cancelled(g.acme, { callback_url: g.hook.url('/again') })
    await delivered(g.acme, id)
    const r = await g.acme.request('POST', `/v1/runs/${id}/webhook/replay`)
    assert.deepEqual([r.status, r.json], [200, { replayed: 1 }])
    const [first, second] = [await g.hook.call(id, 1), await g.hook.call(id, 2)]
    assert.equal(second.headers['x-mantis-delivery'], first.headers['x-mantis-delivery'])
    await until(5000 * slow, 'both in the log', async () => (await log(g.acme, id))[0].log.length === 2)
    assert.equal((await log(g.acme, id)).length, 1)
  })

  check('http-api 15', 'so can one delivery by its id', async (g) => {
    const id = await cancelled(g.acme, { callback_url: g.hook.url('/again') })
    const [d] = await delivered(g.acme, id)
    assert.equal((await g.acme.request('POST', `/v1/webhooks/${d.delivery_id}/replay`)).status, 200)
    await g.hook.call(id, 2)
  })

  check('http-api 15', 'a delivery or run that is not there, or is another tenant\'s, is 404', async (g) => {
    const [d] = await log(g.acme, g.ids.succeeded)
    const other = g.server.as('other')
    refused(await g.acme.request('POST', `/v1/webhooks/${'0'.repeat(32)}/replay`), 404)
    refused(await other.request('POST', `/v1/webhooks/${d.delivery_id}/replay`), 404)
    for (const [id, caller] of [[neverWas, g.acme], [g.ids.succeeded, other]]) {
      refused(await caller.request('GET', `/v1/runs/${id}/webhook`), 404)
      refused(await caller.request('POST', `/v1/runs/${id}/webhook/replay`), 404)
    }
    refused(await g.acme.request('GET', '/v1/runs/a%20b/webhook'), 400, /run_id/)
  })

  check('http-api 15', 'status and logs may read them, and only run may send again', async (g) => {
    for (const [name, status] of [['watcher', 200], ['reader', 200], ['fetcher', 403]]) {
      assert.equal((await g.server.as(name).request('GET', `/v1/runs/${g.ids.succeeded}/webhook`)).status, status, name)
      assert.equal((await g.server.as(name).request('GET', '/v1/webhooks')).status, status, name)
      refused(await g.server.as(name).request('POST', `/v1/runs/${g.ids.succeeded}/webhook/replay`), 403, /run/)
    }
  })

  check('http-api 15', 'a run that is not over has nothing to send', async (g) => {
    const id = await queued(g.acme)
    assert.deepEqual(await log(g.acme, id), [])
    refused(await g.acme.request('POST', `/v1/runs/${id}/webhook/replay`), 404)
    await g.acme.predict({ action: 'cancel', run_id: id })
  })

  // --- what is killed

  check('http-api 15', 'a server that is killed between a run\'s end and its delivery sends it once it is back', async (g) => {
    const deaf = await new Receiver().start()
    const { port } = deaf
    await deaf.stop()
    const server = await startTenants({ acme: { ...roomy, webhook_url: `http://127.0.0.1:${port}/late` } }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
    try {
      const acme = () => server.as('acme')
      await takeSlot(acme())
      const id = await cancelled(acme())
      await server.kill('SIGKILL')
      const late = await new Receiver().start(port)
      try {
        await server.start()
        const call = await late.call(id)
        const [d] = await delivered(acme(), id)
        assert.equal(d.delivery_id, call.headers['x-mantis-delivery'])
        assert.equal((await log(acme(), id)).length, 1)
        assert.equal(late.of(id).length, 1)
      } finally {
        await late.stop()
      }
    } finally {
      await server.stop()
    }
  })
})
