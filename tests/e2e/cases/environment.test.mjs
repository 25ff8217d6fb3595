// What the environment sets, for the variables there are.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { bin, root, slow, startServer, tempDir, until } from '../lib/harness.mjs'
import { dryRun, queued, refused, takeSlot, wait } from '../lib/plans.mjs'

async function using(env, fn, options = {}) {
  const server = await startServer({ env, ...options })
  try { return await fn(server) } finally { await server.stop() }
}

// A start that has to fail: exit status and what was said.
function failedStart(env, args = []) {
  const dir = tempDir('env')
  try {
    const r = spawnSync(bin, ['serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dir, ...args],
      { env: { PATH: process.env.PATH, HOME: dir, MANTIS_API_TOKEN: 'x'.repeat(32), MANTIS_REPO_ROOT: root, ...env }, encoding: 'utf8', timeout: 20000 * slow })
    return { status: r.status, said: r.stderr }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

const docs = [['1', 200], ['true', 200], ['yes', 200], ['on', 200], ['TRUE', 200], ['0', 404], ['false', 404], ['no', 404], ['off', 404], ['banana', 404], ['2', 404]]

const serverCaps = [
  // [variable, value, request, what the dry run or refusal shows]
  ['MANTIS_MAX_COST_USD', '7.5', {}, (r) => assert.equal(r.json.task_suite._max_cost, 7.5)],
  ['MANTIS_MAX_COST_USD', 'much', {}, (r) => assert.equal(r.json.task_suite._max_cost, 25)],
  ['MANTIS_MAX_COST_USD', '-1', {}, (r) => assert.equal(r.json.task_suite._max_cost, 25)],
  ['MANTIS_MAX_RUNTIME_MINUTES', '9', {}, (r) => assert.equal(r.json.task_suite._max_time_minutes, 9)],
  ['MANTIS_MAX_RUNTIME_MINUTES', 'long', {}, (r) => assert.equal(r.json.task_suite._max_time_minutes, 60)],
  ['MANTIS_MAX_STEPS_PER_PLAN', '2', { task_suite: [...wait(), ...wait(), ...wait()] }, (r) => refused(r, 400, /3.*2|MANTIS_MAX_STEPS/)],
  ['MANTIS_MAX_STEPS_PER_PLAN', 'few', { task_suite: Array(200).fill(wait()[0]) }, (r) => assert.equal(r.status, 200)],
  ['MANTIS_MAX_LOOP_ITERATIONS', '3', { task_suite: [...wait(), { type: 'loop', intent: 'again', loop_target: 0, loop_count: 40 }] }, (r) => assert.match(r.text, /"loop_count":3\b/)],
  ['MANTIS_MAX_LOOP_ITERATIONS', 'x', { task_suite: [...wait(), { type: 'loop', intent: 'again', loop_target: 0, loop_count: 99 }] }, (r) => assert.match(r.text, /"loop_count":50\b/)],
]

const fatal = [
  ...['GPU_HOURLY_USD', 'GPU_SECONDS_PER_STEP', 'CLAUDE_CALL_USD', 'CLAUDE_INPUT_PER_MTOK', 'CLAUDE_OUTPUT_PER_MTOK', 'CLAUDE_CACHED_INPUT_PER_MTOK', 'PROXY_PER_GB_USD', 'PROXY_MB_PER_NAV', 'PROXY_MB_PER_SCROLL']
    .map((n) => [`MANTIS_COST_${n}`, 'free']),
  ['MANTIS_COST_GPU_HOURLY_USD', '3.25 USD'], ['MANTIS_COST_GPU_HOURLY_USD', 'nan'], ['MANTIS_COST_GPU_HOURLY_USD', '-1'],
  ['MANTIS_RUNTIME_CONCURRENCY', '0'], ['MANTIS_RUNTIME_CONCURRENCY', 'two'], ['MANTIS_RUNTIME_CONCURRENCY', '1.5'],
  ['MANTIS_REPO_ROOT', '/nonexistent'], ['MANTIS_BRAIN', 'no-such-brain'], ['MANTIS_MODEL', 'no-such-model'], ['MANTIS_PAUSE_ON_CAPTCHA', 'perhaps'], ['MANTIS_RUN_TTL_DAYS', 'week'],
]

cases({ start: async () => ({}), stop: async () => {} }, (check) => {
  for (const [name, value, request, seen] of serverCaps)
    check('http-api 20', `${name}=${value}`, async () => {
      await using({ [name]: value }, async (server) => {
        seen(await server.predict({ task_suite: wait(), dry_run: true, ...request }))
        if (/[a-z]|-/.test(value)) assert.match(server.child.log, new RegExp(`WARNING.*${name}.*using`))
      })
    })

  for (const [name, value] of fatal)
    check('http-api 20', `${name}=${value} ends the start with its name`, () => {
      const { status, said } = failedStart({ [name]: value })
      assert.equal(status, name === 'MANTIS_BRAIN' || name === 'MANTIS_MODEL' ? status || 0 : 2, said)
      assert.notEqual(status, 0)
      assert.ok(said.includes(name === 'MANTIS_BRAIN' || name === 'MANTIS_MODEL' ? value : name), said)
    })

  for (const [value, status] of docs)
    check('http-api 20', `MANTIS_ENABLE_DOCS_UI=${value}: /docs and /redoc are ${status}, /openapi.json is 200`, async () => {
      await using({ MANTIS_ENABLE_DOCS_UI: value }, async (server) => {
        for (const route of ['/docs', '/redoc']) assert.equal((await fetch(server.base + route)).status, status, route)
        assert.equal((await fetch(`${server.base}/openapi.json`)).status, 200)
      })
    })

  check('http-api 20', 'MANTIS_VERSION, MANTIS_GIT_SHA and MANTIS_BUILD_TIME are shown where versions are', async () => {
    await using({ MANTIS_VERSION: '9.8.7', MANTIS_GIT_SHA: 'abc1234', MANTIS_BUILD_TIME: '2026-03-04T05:06:07Z' }, async (server) => {
      const v = (await server.request('GET', '/v1/version')).json
      assert.deepEqual([v.version, v.git_sha, v.build_time], ['9.8.7', 'abc1234', '2026-03-04T05:06:07Z'])
      assert.equal((await server.request('GET', '/openapi.json')).json.info.version, '9.8.7')
      assert.match((await server.request('GET', '/metrics')).text, /^mantis_build_info\{version="9\.8\.7",git_sha="abc1234"\} 1$/m)
    })
  })

  check('http-api 20', 'MANTIS_DEPLOY_AGE_WARN is told with a run that failed on an old build', async () => {
    await using({ MANTIS_DEPLOY_AGE_WARN: 'ask ops', MANTIS_BUILD_TIME: '2020-03-04T05:06:07Z', MANTIS_RUNTIME_CONCURRENCY: '1' }, async (server) => {
      await takeSlot(server)
      const id = await queued(server)
      await server.predict({ action: 'cancel', run_id: id })
      assert.match((await server.status(id)).failure_help.deploy_age_warning, /built \d{4,} days ago.*ask ops/)
    })
  })

  check('http-api 20', 'MANTIS_DATA_DIR is where everything is kept', async () => {
    const dir = tempDir('data-env')
    try {
      const r = spawnSync(bin, ['serve', '--check'], { env: { PATH: process.env.PATH, MANTIS_DATA_DIR: dir, MANTIS_API_TOKEN: 'x'.repeat(32), MANTIS_REPO_ROOT: root }, encoding: 'utf8' })
      assert.ok((r.stdout + r.stderr).includes(dir), r.stdout + r.stderr)
      assert.equal(r.status, 0)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 20', 'MANTIS_REPO_ROOT is where plan paths are resolved', async () => {
    const dir = tempDir('root')
    fs.mkdirSync(path.join(dir, 'plans/mine'), { recursive: true })
    fs.writeFileSync(path.join(dir, 'plans/mine/a.json'), JSON.stringify(wait(0, 'from my own root')))
    try {
      await using({ MANTIS_REPO_ROOT: dir }, async (server) => {
        assert.match((await server.predict({ micro: 'plans/mine/a.json', dry_run: true })).text, /from my own root/)
        refused(await server.predict({ micro: 'plans/example/extract_listings.json', dry_run: true }), 404)
      })
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 20', 'MANTIS_DEFAULT_MICRO is the plan of a call that names none', async () => {
    await using({ MANTIS_DEFAULT_MICRO: 'plans/example/newsletter_signup.json', MANTIS_ENV_URL: 'http://127.0.0.1:9' }, async (server) => {
      const r = await dryRun(server, {})
      assert.match(JSON.stringify(r.task_suite), /newsletter/)
    })
  })

  check('http-api 20', 'MANTIS_ENV_URL stands for {{ENV_URL}}; without it such a plan is 400 and says so', async () => {
    const plan = [{ type: 'navigate', intent: 'x', params: { url: '{{ENV_URL}}/boats/' } }]
    await using({}, async (server) => refused(await server.predict({ task_suite: plan, dry_run: true }), 400, /MANTIS_ENV_URL/))
    await using({ MANTIS_ENV_URL: 'http://127.0.0.1:4711' }, async (server) => {
      assert.match((await server.predict({ task_suite: plan, dry_run: true })).text, /http:\/\/127\.0\.0\.1:4711\/boats\//)
    })
  })

  check('http-api 20', 'MANTIS_BRAIN comes before MANTIS_MODEL, and is what the open routes say', async () => {
    await using({ MANTIS_BRAIN: 'mock', MANTIS_MODEL: 'page' }, async (server) => {
      assert.equal((await server.request('GET', '/health')).json.model, 'mock')
      assert.equal((await server.request('GET', '/v1/version')).json.model, 'mock')
      assert.equal((await server.request('GET', '/v1/models')).json.data[0].id, 'mock')
    })
    await using({ MANTIS_MODEL: 'mock' }, async (server) => assert.equal((await server.request('GET', '/health')).json.model, 'mock'))
  })

  check('http-api 20', 'a browser that is not there: not ready, and runs are refused with the reason', async () => {
    await using({ MANTIS_BROWSER: '/nonexistent/browser' }, async (server) => {
      const health = await server.request('GET', '/health')
      assert.equal(health.status, 503)
      assert.equal(health.json.ok, false)
      refused(await server.predict({ task_suite: wait() }), 503, /browser/i)
      assert.equal((await server.predict({ task_suite: wait(), dry_run: true })).status, 200)
    })
  })

  check('http-api 20', 'MANTIS_NAV_WAIT_SECONDS is clamped, not refused', async () => {
    for (const value of ['-5', '5000']) await using({ MANTIS_NAV_WAIT_SECONDS: value }, async (server) => assert.equal((await server.request('GET', '/health')).status, 200))
  })

  check('agent-loop 6', 'MANTIS_DONE_GATE=off takes a done that says nothing; without it the done is not believed', async () => {
    const dir = tempDir('gate', '/var/tmp') // a run has a /tmp of its own
    fs.chmodSync(dir, 0o755)
    const script = path.join(dir, 'script.json')
    fs.writeFileSync(script, JSON.stringify({ actions: Array(3).fill({ action_type: 'done', params: { success: true, summary: '' } }) }), { mode: 0o644 })
    const ends = (env) => using({ MANTIS_BRAIN: `script:${script}`, ...env }, async (server) => {
      const id = await server.submit({ task_suite: [
        { type: 'navigate', intent: 'Open the documentation', params: { url: `${server.base}/docs` } },
        { type: 'holo3', intent: 'Look at the page', budget: 5 },
      ] })
      await server.end(id)
      const { result } = await server.result(id)
      return result.step_details[1] ?? assert.fail(JSON.stringify(result))
    })
    try {
      const [gated, open] = [await ends({}), await ends({ MANTIS_DONE_GATE: 'off' })]
      assert.deepEqual([gated.success, open.success], [false, true], JSON.stringify([gated, open]))
      assert.match(gated.data, /done_unverified:empty_summary/)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 20', 'MANTIS_METRICS_TOKEN closes /metrics', async () => {
    await using({ MANTIS_METRICS_TOKEN: 'only-for-the-scraper' }, async (server) => {
      const ask = async (headers) => (await fetch(`${server.base}/metrics`, { headers })).status
      assert.equal(await ask({}), 401)
      assert.equal(await ask({ 'X-Mantis-Token': server.token }), 401)
      assert.equal(await ask({ Authorization: 'Bearer wrong' }), 401)
      assert.equal(await ask({ Authorization: 'Bearer only-for-the-scraper' }), 200)
      assert.equal(await ask({ 'X-Mantis-Token': 'only-for-the-scraper' }), 200)
    })
  })

  check('http-api 20', 'an empty value is no value', async () => {
    await using({ MANTIS_MAX_COST_USD: '', MANTIS_RUNTIME_CONCURRENCY: '', MANTIS_ENABLE_DOCS_UI: '', LOG_LEVEL: '' }, async (server) => {
      assert.equal((await dryRun(server, { task_suite: wait() })).task_suite._max_cost, 25)
      assert.equal((await fetch(`${server.base}/docs`)).status, 200)
    })
  })

  check('http-api 20', 'a config file holds the same names, and the environment comes before it', async () => {
    const dir = tempDir('config')
    const config = path.join(dir, 'mantis.conf')
    fs.writeFileSync(config, '# caps\nMANTIS_MAX_COST_USD=3\nMANTIS_MAX_RUNTIME_MINUTES=4\nMANTIS_SOMETHING_NEW=1\n')
    try {
      await using({ MANTIS_MAX_COST_USD: '6' }, async (server) => {
        const { task_suite: suite } = await dryRun(server, { task_suite: wait() })
        assert.deepEqual([suite._max_cost, suite._max_time_minutes], [6, 4])
        assert.match(server.child.log, /MANTIS_SOMETHING_NEW.*not a setting/)
      }, { args: ['--config', config] })
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
  })

  check('http-api 20', 'upstream keys of the environment are taken without being used or shown', async () => {
    const keys = { ANTHROPIC_API_KEY: 'sk-ant-1', OPENAI_API_KEY: 'sk-2', HAI_API_KEY: 'hai-3', MANTIS_API_KEY: 'm-4', HF_TOKEN: 'hf-5' }
    await using(keys, async (server) => {
      await until(5000 * slow, 'health', async () => (await server.request('GET', '/health')).status === 200)
      for (const route of ['/health', '/v1/version', '/v1/models', '/metrics', '/openapi.json']) {
        const { text } = await server.request('GET', route)
        for (const v of Object.values(keys)) assert.ok(!text.includes(`${v}"`) && !server.child.log.includes(`${v}"`), `${v} ${route}`)
      }
    })
  })

  check('http-api 20', 'variables of Baseline that run something hidden per run are not read', async () => {
    await using({ MANTIS_TENANT_ID: 'somebody-else', MANTIS_CHROME_PROFILE_DIR: '/tmp/elsewhere', DISPLAY: ':77' }, async (server) => {
      const r = await dryRun(server, { task_suite: wait() })
      assert.equal(r.tenant_id, 'default')
      assert.equal(r.profile_id, 'default__default')
      assert.equal((await server.request('GET', '/health')).status, 200)
    })
  })
})
