// The routes that need no token: health, version, models, the description and its pages.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { startServer } from '../lib/harness.mjs'
import { refused, roomy, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = () => startTenants({ acme: roomy }, { env: { MANTIS_GIT_SHA: '0123abc', MANTIS_BUILD_TIME: '2026-01-02T03:04:05Z' } })

const ask = (server, path, method = 'GET') => fetch(server.base + path, { method })

// A server with these settings, for one case.
async function withServer(env, fn) {
  const server = await startServer({ env })
  try { await fn(server) } finally { await server.stop() }
}

cases({ start, stop: (server) => server.stop() }, (check) => {
  for (const path of ['/health', '/v1/health'])
    check('http-api 8', `${path} of a server that can run is 200 with ok and model, nothing else`, async (server) => {
      const r = await ask(server, path)
      assert.equal(r.status, 200)
      assert.equal(r.headers.get('content-type'), 'application/json')
      assert.deepEqual(await r.json(), { ok: true, model: 'page' })
    })

  check('http-api 8', 'a server that cannot run anything says so: 503, ok false, and why', async () => {
    await withServer({ MANTIS_BROWSER: '/nowhere/chromium' }, async (server) => {
      for (const path of ['/health', '/v1/health']) {
        const r = await ask(server, path)
        const body = await r.json()
        assert.equal(r.status, 503)
        assert.deepEqual([body.ok, body.model], [false, 'page'])
      }
      assert.equal((await (await ask(server, '/v1/version')).json()).ready, false)
    })
  })

  check('http-api 3', 'a run is 503 while nothing could carry it out, and leaves nothing', async () => {
    await withServer({ MANTIS_BROWSER: '/nowhere/chromium' }, async (server) => {
      const r = refused(await server.predict({ task_suite: wait(), run_id: 'not-ready' }), 503)
      assert.equal(r.headers.get('x-ratelimit-limit'), null, 'no token spent')
      refused(await server.request('GET', '/v1/runs/not-ready'), 404)
      assert.equal((await server.predict({ task_suite: wait(), dry_run: true })).status, 200, 'a dry run needs no browser')
    })
  })

  check('http-api 8', '/v1/version says version, model, ready, git_sha and build_time', async (server) => {
    const v = await (await ask(server, '/v1/version')).json()
    assert.match(v.version, /^\d+\.\d+\.\d+/)
    assert.deepEqual([v.model, v.ready, v.git_sha, v.build_time], ['page', true, '0123abc', '2026-01-02T03:04:05Z'])
    const days = Math.floor((Date.now() - Date.parse('2026-01-02T03:04:05Z')) / 86400000)
    assert.ok(Math.abs(v.deploy_age_days - days) <= 1, `${v.deploy_age_days} is not ${days}`)
  })

  check('http-api 8', 'git_sha and build_time are empty text when nobody set them', async () => {
    await withServer({ MANTIS_VERSION: '9.8.7' }, async (server) => {
      const v = await (await ask(server, '/v1/version')).json()
      assert.deepEqual([v.git_sha, v.build_time, v.deploy_age_days, v.version], ['', '', null, '9.8.7'])
    })
  })

  check('tenancy 10', '/v1/version says how far limits reach', async (server) => {
    assert.equal((await (await ask(server, '/v1/version')).json()).limits_scope, 'process')
  })

  check('http-api 8', '/v1/models lists what the server can serve', async (server) => {
    assert.deepEqual(await (await ask(server, '/v1/models')).json(), { object: 'list', data: [{ id: 'page', object: 'model', owned_by: 'mantis' }] })
  })

  check('design 8', 'the model is what MANTIS_BRAIN says, else MANTIS_MODEL, on every route', async () => {
    for (const [env, want] of [[{ MANTIS_BRAIN: 'mock' }, 'mock'], [{ MANTIS_MODEL: 'mock' }, 'mock'], [{ MANTIS_BRAIN: 'none', MANTIS_MODEL: 'mock' }, 'none'], [{ MANTIS_BRAIN: '', MANTIS_MODEL: '' }, 'page']])
      await withServer(env, async (server) => {
        for (const [path, of] of [['/health', (b) => b.model], ['/v1/version', (b) => b.model], ['/v1/models', (b) => b.data[0].id]])
          assert.equal(of(await (await ask(server, path)).json()), want, `${path} ${JSON.stringify(env)}`)
      })
  })

  for (const [value, there] of [['1', true], ['true', true], ['yes', true], ['on', true], ['0', false], ['false', false], ['no', false], ['off', false], ['2', false], ['enabled', false], ['banana', false]])
    check('http-api 2', `MANTIS_ENABLE_DOCS_UI=${value}: /docs and /redoc are ${there ? 'there' : '404'}, the description always is`, async () => {
      await withServer({ MANTIS_ENABLE_DOCS_UI: value }, async (server) => {
        for (const path of ['/docs', '/redoc']) {
          const r = await ask(server, path)
          assert.equal(r.status, there ? 200 : 404, path)
          if (there) assert.match(r.headers.get('content-type'), /^text\/html/)
          else assert.deepEqual(await r.json(), { detail: 'Not Found' })
        }
        assert.equal((await ask(server, '/openapi.json')).status, 200)
      })
    })

  check('http-api 2', '/docs and /redoc are there unless they are turned off', async (server) => {
    for (const path of ['/docs', '/redoc']) assert.equal((await ask(server, path)).status, 200)
  })

  check('http-api 2', '/openapi.json is titled Mantis CUA and has the server\'s version', async (server) => {
    const r = await ask(server, '/openapi.json')
    const doc = await r.json()
    assert.equal(r.headers.get('content-type'), 'application/json')
    assert.match(doc.openapi, /^3\.1\./)
    assert.equal(doc.info.title, 'Mantis CUA')
    assert.equal(doc.info.version, (await (await ask(server, '/v1/version')).json()).version)
  })

  check('http-api 2', 'open routes give away no tenant, token or path', async (server) => {
    for (const path of ['/health', '/v1/version', '/v1/models', '/openapi.json', '/docs', '/redoc']) {
      const text = await (await ask(server, path)).text()
      for (const secret of [server.tokens.acme, server.dir, server.config]) assert.ok(!text.includes(secret), path)
    }
  })

  check('http-api 8', 'open routes take a query string and a trailing question mark', async (server) => {
    for (const path of ['/health?', '/health?x=1', '/v1/version?a=%20b', '/v1/models?cache=no']) assert.equal((await ask(server, path)).status, 200, path)
  })
})
