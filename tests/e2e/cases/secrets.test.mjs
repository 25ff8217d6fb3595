// Where secrets are and where they must not be: after real runs, with secrets in every place that takes one,
// everything that was written, printed or answered is searched for them.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { descendants, processes, slow, startSite, until } from '../lib/harness.mjs'
import { queued, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { Receiver, signature } from '../lib/receiver.mjs'
import { newToken, TenantServer } from '../lib/tenants.mjs'

const secrets = {
  anthropic: 'sk-ant-the-servers-own-7f3a', tenantAnthropic: 'sk-ant-of-acme-19be', openai: 'sk-openai-55ab01', proxy: 'proxy-password-0c11', hf: 'hf_token_4411ff', metrics: 'metrics-token-8899',
  webhook: 'webhook-secret-of-acme-e1', fallback: 'webhook-default-secret-e2', query: 'callback-query-secret-e3', oracle: 'oracle-admin-token-e4', password: 'password-of-a-suite-e5',
}

function walk(dir, found = []) {
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, e.name)
    found.push(file)
    if (e.isDirectory()) walk(file, found)
  }
  return found
}

// Bytes of every file below that can be read, one file at a time.
function* contents(dir) {
  for (const file of walk(dir)) {
    try {
      if (fs.lstatSync(file).isFile()) yield [file, fs.readFileSync(file)]
    } catch { /* it went while we looked */ }
  }
}

const start = async () => {
  const [hook, site] = await Promise.all([new Receiver().start(), startSite('lab')])
  const server = new TenantServer({
    acme: { ...roomy, anthropic_secret_name: 'anthropic_api_key_acme', webhook_url: hook.url('/acme'), webhook_secret_name: 'webhook_acme' },
    rival: roomy,
  }, {
    env: {
      MANTIS_ENV_URL: site.url, MANTIS_WEBHOOK_ALLOW_PRIVATE: '1', MANTIS_WEBHOOK_SECRET_DEFAULT: secrets.fallback, MANTIS_METRICS_TOKEN: secrets.metrics, LOG_LEVEL: 'DEBUG',
      ANTHROPIC_API_KEY: secrets.anthropic, OPENAI_API_KEY: secrets.openai, HF_TOKEN: secrets.hf, PROXY_USER: 'someone', PROXY_PASS: secrets.proxy, MANTIS_RUNTIME_CONCURRENCY: '1',
    },
  })
  server.secret('anthropic_api_key', secrets.anthropic)
  server.secret('anthropic_api_key_acme', secrets.tenantAnthropic)
  server.secret('webhook_acme', secrets.webhook)
  await server.start()
  const acme = server.as('acme')
  const body = {
    task_suite: { _micro_plan: [{ type: 'navigate', intent: 'Open the form', params: { url: '{{ENV_URL}}/lab/form' } }, ...wait()], _oracle_admin_token: secrets.oracle, auth: { password: secrets.password } },
    callback_url: hook.url(`/asked?key=${secrets.query}`), profile_id: 'real',
  }
  const done = await acme.predict(body, { 'Idempotency-Key': 'key-that-is-hashed-aa77' })
  assert.equal(done.status, 200, done.text)
  await acme.end(done.json.run_id)
  const failed = await acme.submit({ task_suite: [{ type: 'navigate', intent: 'x', params: { url: 'http://127.0.0.1:9/' }, required: true }], profile_id: 'fails' })
  await acme.end(failed)
  const live = await takeSlot(acme)
  await until(30000 * slow, 'a browser', () => descendants(server.child.pid).some((p) => p.comm.startsWith('chrom')))
  await hook.call(done.json.run_id)
  return { hook, site, server, acme, done: done.json.run_id, failed, live }
}

const stop = async (g) => {
  await g.server.stop()
  await g.hook.stop()
  await g.site.stop()
}

const everySecret = (g) => [...Object.values(secrets), ...Object.values(g.server.tokens)]

cases({ start, stop }, (check) => {
  // --- 8: the token, and everything else

  check('tenancy 8', 'no token or secret is in a log line, at any level', async (g) => {
    // refused in every way there is
    await g.acme.predict('{"task_suite":')
    await g.acme.request('GET', '/v1/runs/a%20b')
    await g.server.as(newToken()).predict({})
    await g.acme.request('GET', `/v1/runs/x?token=${g.server.tokens.acme}`)
    await g.acme.predict({ task_suite: wait(), callback_url: `http://u:${secrets.query}@127.0.0.1/` })
    for (const s of everySecret(g)) assert.ok(!g.server.child.log.includes(s), `in the log: ${s}`)
    assert.ok(!g.server.child.log.includes('key-that-is-hashed-aa77'))
    assert.ok(!g.server.child.out.includes(g.server.tokens.acme))
  })

  check('tenancy 8', 'no token or secret is in the files of a run, or in any other but the database', async (g) => {
    for (const [file, bytes] of contents(g.server.dir)) {
      if (path.basename(file).startsWith('mantis.db')) continue
      const echo = ['payload.json', 'status.json'].includes(path.basename(file)) // callback_url as the caller wrote it
      for (const s of everySecret(g)) assert.ok((echo && s === secrets.query) || !bytes.includes(s), `${s} in ${file}`)
    }
  })

  check('tenancy 8', 'not even the database holds a token, a key or a signing secret', async (g) => {
    const kept = [...Object.values(g.server.tokens), secrets.anthropic, secrets.tenantAnthropic, secrets.openai, secrets.proxy, secrets.hf, secrets.metrics, secrets.webhook, secrets.fallback, 'key-that-is-hashed-aa77']
    for (const name of fs.readdirSync(g.server.dir).filter((n) => n.startsWith('mantis.db'))) {
      const bytes = fs.readFileSync(path.join(g.server.dir, name))
      for (const s of kept) assert.ok(!bytes.includes(s), `${s} in ${name}`)
    }
  })

  check('tenancy 8', 'no token or secret is in an answer about a run', async (g) => {
    for (const id of [g.done, g.failed, g.live])
      for (const tail of ['', '/status', '/result', '/events', '/webhook'])
        for (const s of everySecret(g).filter((v) => v !== secrets.query || tail === '/webhook'))
          assert.ok(!(await g.acme.request('GET', `/v1/runs/${id}${tail}`)).text.includes(s), `${s} in ${tail}`)
    for (const action of ['logs', 'reasoning_trace'])
      for (const s of everySecret(g).filter((v) => v !== secrets.query)) assert.ok(!(await g.acme.predict({ action, run_id: g.done })).text.includes(s), `${s} in ${action}`)
  })

  check('http-api 4.5', 'what is echoed of a suite leaves auth and oracle tokens out', async (g) => {
    const { payload } = await g.acme.status(g.done)
    assert.deepEqual(Object.keys(payload.task_suite), ['_micro_plan'])
  })

  check('tenancy 8', 'no token or secret is in the metrics, which have no address and no plan text either', async (g) => {
    const r = await g.acme.request('GET', '/metrics', undefined, { 'X-Mantis-Token': secrets.metrics })
    assert.equal(r.status, 200)
    for (const s of [...everySecret(g), 'http', 'Open the form', g.done]) assert.ok(!r.text.includes(s), s)
  })

  check('tenancy 8', 'what is sent to a receiver holds no token or secret', async (g) => {
    for (const call of g.hook.got)
      for (const s of everySecret(g).filter((v) => v !== secrets.query)) assert.ok(!(JSON.stringify(call.headers) + call.body).includes(s), s)
  })

  // --- processes

  check('tenancy 8', 'worker, display and browser get no token, key or secret, in environment or arguments', async (g) => {
    const below = descendants(g.server.child.pid)
    assert.ok(below.some((p) => p.comm.startsWith('mantis-worker')) && below.some((p) => p.comm.startsWith('chrom')))
    for (const p of below) {
      let env = ''
      try { env = fs.readFileSync(`/proc/${p.pid}/environ`, 'utf8') } catch { continue }
      for (const s of everySecret(g)) {
        assert.ok(!env.includes(s), `${s} in the environment of ${p.comm}`)
        assert.ok(!p.args.join(' ').includes(s), `${s} in the arguments of ${p.comm}`)
      }
    }
  })

  check('tenancy 8', 'the server wipes what it read of its own environment', async (g) => {
    const env = fs.readFileSync(`/proc/${g.server.child.pid}/environ`, 'utf8')
    for (const s of [secrets.metrics, secrets.fallback]) assert.ok(!env.includes(s), s)
  })

  check('tenancy 5', 'a tenant\'s Claude key is not in the environment of any process', async (g) => {
    for (const p of [{ pid: g.server.child.pid, comm: 'mantis' }, ...descendants(g.server.child.pid, processes())]) {
      try {
        assert.ok(!fs.readFileSync(`/proc/${p.pid}/environ`, 'utf8').includes(secrets.tenantAnthropic), p.comm)
      } catch (e) {
        if (e.code === 'ERR_ASSERTION') throw e
      }
    }
  })

  // --- modes

  check('tenancy 8', 'files are 0600 and directories 0700, or 0711 where a run must pass', async (g) => {
    const passed = new Set(['tenants', 'gateway', 'acme', 'rival', 'runs', 'chrome-profile', 'checkpoints', g.done, g.failed, g.live])
    const wrong = []
    for (const file of walk(g.server.dir)) {
      let st
      try { st = fs.lstatSync(file) } catch { continue }
      const mode = st.mode & 0o777
      const name = path.basename(file)
      const inside = path.relative(g.server.dir, file)
      if (st.isSymbolicLink()) continue
      // workers of any user connect; who they are is asked of the kernel (test_gateway.c)
      if (st.isSocket() && inside === 'gateway/model.sock' && mode === (process.getuid() ? 0o600 : 0o666)) continue
      if (st.isDirectory() ? mode & 0o066 || (mode & 0o011 && !passed.has(name)) : mode & 0o077) wrong.push(`${mode.toString(8)} ${inside}`)
    }
    assert.deepEqual(wrong, [])
  })

  check('tenancy 8', 'profile and run directories are under the tenant, by its name', async (g) => {
    const t = path.join(g.server.dir, 'tenants/acme')
    assert.ok(fs.existsSync(path.join(t, 'chrome-profile/acme__real')))
    assert.ok(fs.existsSync(path.join(t, 'runs', g.done, 'result.json')))
    assert.ok(fs.readdirSync(path.join(t, 'checkpoints')).every((n) => n.startsWith('acme__')))
    for (const name of ['runs', 'chrome-profile', 'checkpoints']) assert.ok(!fs.existsSync(path.join(g.server.dir, name)), name)
  })

  // --- 1: the secrets directory

  check('tenancy 1', 'a secret that is absent or cannot be read is empty, and nothing fails', async (g) => {
    fs.rmSync(path.join(g.server.secrets, 'webhook_acme'))
    fs.mkdirSync(path.join(g.server.secrets, 'webhook_acme'))
    try {
      const id = await queued(g.acme)
      await g.acme.predict({ action: 'cancel', run_id: id })
      const call = await g.hook.call(id)
      assert.equal(call.headers['x-mantis-signature'], signature(secrets.fallback, call))
    } finally {
      fs.rmdirSync(path.join(g.server.secrets, 'webhook_acme'))
      g.server.secret('webhook_acme', secrets.webhook)
    }
  })

  check('tenancy 1', 'one tenant\'s secret does not sign another\'s webhook', async (g) => {
    const id = await queued(g.server.as('rival'), { callback_url: g.hook.url('/rival') })
    await g.server.as('rival').predict({ action: 'cancel', run_id: id })
    const call = await g.hook.call(id)
    assert.equal(call.headers['x-mantis-signature'], signature(secrets.fallback, call))
  })

  check('tenancy 1', 'no plan file can be read out of the secrets directory', async (g) => {
    for (const micro of [path.join(g.server.secrets, 'webhook_acme'), `../../../..${g.server.secrets}/webhook_acme`, `plans/../../../../../..${g.server.secrets}/webhook_acme`]) {
      const r = refused(await g.acme.predict({ micro, dry_run: true }), 400, /micro/)
      assert.ok(!r.text.includes(secrets.webhook))
    }
  })
})
