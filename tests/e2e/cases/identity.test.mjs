// Which profile, workflow and state a run has, how names are sanitised, run ids, and the tenant's tree.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import { cases } from '../lib/cases.mjs'
import { slow, until } from '../lib/harness.mjs'
import { dryRun, queued, refused, roomy, runIdForm, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

async function start() {
  const server = await startTenants({ acme: roomy, rival: roomy, busy: roomy, odd: { ...roomy, tenant_id: 'acme & co.' } }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme'), rival: server.as('rival'), odd: server.as('odd') }
}

const plan = wait(0, 'identity')
const SIG = '<first 12 of the signature>'

// given → profile, workflow (without the tenant)
const table = [
  [{}, 'default', SIG],
  [{ profile_id: 'p' }, 'p', SIG],
  [{ workflow_id: 'w' }, 'default', 'w'],
  [{ profile_id: 'p', workflow_id: 'w' }, 'p', 'w'],
  [{ state_key: 's' }, 's', 's'],
  [{ profile_id: 'p', state_key: 's' }, 'p', 's'],
  [{ workflow_id: 'w', state_key: 's' }, 'default', 'w'],
  [{ profile_id: 'p', workflow_id: 'w', state_key: 's' }, 'p', 'w'],
  [{ profile_id: '', workflow_id: '', state_key: '' }, 'default', SIG],
  [{ profile_id: null, workflow_id: null, state_key: null }, 'default', SIG],
  [{ profile_id: '', state_key: 's' }, 's', 's'],
  [{ profile_id: 'default' }, 'default', SIG],
]

const sanitised = [
  ['shop1', 'shop1'], ['a:b', 'a_b'], ['a_b', 'a_b'], ['a::b', 'a_b'], ['a b\tc', 'a_b_c'], ['A-b.C_9', 'A-b.C_9'], ['../../etc/passwd', 'etc_passwd'], ['..', 'micro_state'], ['.', 'micro_state'],
  ['___', 'micro_state'], ['.hidden.', 'hidden'], ['_x_', 'x'], ['._.x._.', 'x'], ['Žluť', 'lu'], ['日本', 'micro_state'], ['a/b\\c', 'a_b_c'], ['a__b', 'a__b'], ['a..b', 'a..b'], ['x@y.example', 'x_y.example'],
  [' lead', 'lead'], ['🦗', 'micro_state'], ['a🦗b', 'a_b'], ['-x-', '-x-'], ['%2e%2e', '2e_2e'], ['rival__p', 'rival__p'], ['a\nb', 'a_b'],
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  for (const [given, profile, workflow] of table)
    check('http-api 13', `${JSON.stringify(given)} is profile ${profile}, workflow ${workflow}`, async ({ acme }) => {
      const d = await dryRun(acme, { task_suite: plan, ...given })
      const flow = workflow === SIG ? d.task_suite._plan_signature.slice(0, 12) : workflow
      assert.deepEqual([d.profile_id, d.workflow_id], [`acme__${profile}`, `acme__${flow}`])
      assert.deepEqual([d.task_suite._profile_id, d.task_suite._workflow_id, d.task_suite._state_key], [d.profile_id, d.workflow_id, d.workflow_id])
    })

  for (const [given, want] of sanitised)
    check('http-api 13', `the name ${JSON.stringify(given)} becomes ${want}`, async ({ acme }) => {
      const p = await dryRun(acme, { task_suite: plan, profile_id: given })
      const w = await dryRun(acme, { task_suite: plan, workflow_id: given })
      const s = await dryRun(acme, { task_suite: plan, state_key: given })
      assert.deepEqual([w.workflow_id, s.workflow_id], Array(2).fill(`acme__${want}`))
      const own = given === want ? want : `${want}-${crypto.createHash('sha256').update(given).digest('hex').slice(0, 8)}`
      assert.deepEqual([p.profile_id, s.profile_id], Array(2).fill(`acme__${own}`))
    })

  check('http-api 13', 'two names are two profiles, also when both are written the same', async ({ acme }) => {
    const ids = []
    for (const profile_id of ['a:b', 'a_b', 'a b', 'a__b']) ids.push((await dryRun(acme, { task_suite: plan, profile_id })).profile_id)
    assert.equal(new Set(ids).size, 4, ids.join(' '))
  })

  check('http-api 13', 'the workflow of a plan without one is the plan\'s: equal plans share it, others do not', async ({ acme }) => {
    const flow = async (body) => (await dryRun(acme, body)).workflow_id
    const one = await flow({ task_suite: wait(0, 'one') })
    assert.equal(await flow({ task_suite: { steps: wait(0, 'one') }, profile_id: 'p', max_cost: 1, plan_name: 'x' }), one)
    assert.notEqual(await flow({ task_suite: wait(0, 'two') }), one)
    assert.notEqual(await flow({ task_suite: wait(1, 'one') }), one)
    assert.match(one, /^acme__[0-9a-f]{12}$/)
  })

  check('http-api 13', 'a run has the identity that its dry run showed, in handle, status and payload', async ({ acme }) => {
    const body = { task_suite: plan, profile_id: 'Shop:1', workflow_id: 'flow / 9' }
    const d = await dryRun(acme, body)
    const h = (await acme.predict(body)).json
    const s = await acme.status(h.run_id)
    for (const o of [h, s, h.payload, s.payload]) assert.deepEqual([o.profile_id, o.workflow_id], [d.profile_id, d.workflow_id])
    assert.equal(s.state_key, d.workflow_id)
    await acme.predict({ action: 'cancel', run_id: h.run_id })
  })

  check('http-api 13', 'a tenant\'s names begin with its own id, whatever is asked for', async ({ acme, rival }) => {
    for (const name of ['rival__p', 'rival', '../rival/p', 'rival/../rival__p']) {
      const [a, r] = [await dryRun(acme, { task_suite: plan, profile_id: name }), await dryRun(rival, { task_suite: plan, profile_id: name })]
      assert.ok(a.profile_id.startsWith('acme__') && r.profile_id.startsWith('rival__'))
      assert.notEqual(a.profile_id, r.profile_id)
    }
  })

  check('http-api 13', 'a tenant id that is no file name is sanitised as well', async ({ server, odd }) => {
    const d = await dryRun(odd, { task_suite: plan, profile_id: 'p' })
    assert.equal(d.profile_id, 'acme_co__p')
    const id = await queued(odd)
    await until(10000 * slow, 'its files', async () => fs.existsSync(`${server.dir}/tenants/acme_co/runs/${id}/status.json`))
  })

  check('http-api 13', 'a name that is too long is refused by name, not cut into somebody else\'s', async ({ acme }) => {
    for (const field of ['profile_id', 'workflow_id']) refused(await acme.predict({ task_suite: plan, [field]: 'x'.repeat(5000) }), 400, new RegExp(field))
    refused(await acme.predict({ task_suite: plan, run_id: 'x'.repeat(5000) }), 400, /run_id/)
    await dryRun(acme, { task_suite: plan, profile_id: 'x'.repeat(64) })
  })

  check('http-api 13', 'a run id is UTC date, time and eight hex digits, and no two are alike', async ({ acme }) => {
    const before = new Date(Date.now() - 1000)
    const ids = []
    for (let i = 0; i < 20; i++) ids.push(await queued(acme))
    const after = new Date(Date.now() + 1000)
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(new Set(ids.map((id) => id.slice(16))).size === ids.length, 'the last part differs')
    for (const id of ids) {
      assert.match(id, runIdForm)
      const at = new Date(id.replace(/^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_.*/, '$1-$2-$3T$4:$5:$6Z'))
      assert.ok(at >= new Date(Math.floor(before / 1000) * 1000) && at <= after, id)
      await acme.predict({ action: 'cancel', run_id: id })
    }
  })

  check('http-api 13', 'the files of a run lie at tenants/<tenant>/runs/<run>', async ({ server, acme }) => {
    const id = await queued(acme)
    const dir = `${server.dir}/tenants/acme/runs/${id}`
    await until(10000 * slow, 'status.json', async () => fs.existsSync(`${dir}/status.json`))
    const s = await acme.status(id)
    assert.equal(s.status_path, `${dir}/status.json`)
    for (const [key, file] of [['result_path', 'result.json'], ['csv_path', 'leads.csv'], ['events_path', 'events.log']]) assert.equal(s[key], `${dir}/${file}`)
    assert.equal(JSON.parse(fs.readFileSync(`${dir}/status.json`, 'utf8')).run_id, id)
  })

  check('http-api 13', 'status.json on disk follows the run', async ({ server, acme }) => {
    const id = await queued(acme)
    const path = `${server.dir}/tenants/acme/runs/${id}/status.json`
    for (const [action, want] of [[null, 'queued'], ['pause', 'paused'], ['resume', 'queued'], ['cancel', 'cancelled']]) {
      if (action) await acme.predict({ action, run_id: id })
      await until(10000 * slow, want, async () => fs.existsSync(path) && JSON.parse(fs.readFileSync(path, 'utf8')).status === want)
    }
  })

  check('http-api 13', 'payload.json of a run that has ended is the request, without secrets', async ({ server, acme }) => {
    const id = await queued(acme, { plan_name: 'label', auth: 'hidden-secret', task_file_contents: '[]' })
    await acme.predict({ action: 'cancel', run_id: id })
    const path = `${server.dir}/tenants/acme/runs/${id}/payload.json`
    await until(10000 * slow, 'payload.json', async () => fs.existsSync(path))
    const text = fs.readFileSync(path, 'utf8')
    assert.equal(JSON.parse(text).plan_name, 'label')
    assert.ok(!text.includes('hidden-secret') && !('task_file_contents' in JSON.parse(text)))
  })

  check('tenancy 8', 'nothing of a tenant can be read by another user of the machine', async ({ server, acme }) => {
    const id = await queued(acme)
    const dir = `${server.dir}/tenants/acme/runs/${id}`
    await until(10000 * slow, 'status.json', async () => fs.existsSync(`${dir}/status.json`))
    for (const name of fs.readdirSync(dir)) assert.equal(fs.statSync(`${dir}/${name}`).mode & 0o077, 0, name)
    for (const path of [server.dir, `${server.dir}/tenants`, `${server.dir}/tenants/acme`, `${server.dir}/tenants/acme/runs`]) assert.equal(fs.statSync(path).mode & 0o066, 0, path)
    assert.equal(fs.statSync(dir).mode & 0o066, 0)
    for (const name of fs.readdirSync(server.dir).filter((n) => n.startsWith('store.db'))) assert.equal(fs.statSync(`${server.dir}/${name}`).mode & 0o077, 0, name)
  })

  check('http-api 13', 'a run is read only below the caller\'s tenant, whoever posted last', async ({ server, acme, rival }) => {
    const id = await queued(acme)
    await queued(rival)
    assert.equal((await acme.request('GET', `/v1/runs/${id}`)).status, 200)
    refused(await rival.request('GET', `/v1/runs/${id}`), 404, new RegExp(id))
    fs.mkdirSync(`${server.dir}/runs/20200101_000000_0badf00d`, { recursive: true })
    fs.writeFileSync(`${server.dir}/runs/20200101_000000_0badf00d/status.json`, '{"run_id":"20200101_000000_0badf00d","status":"succeeded"}')
    refused(await acme.request('GET', '/v1/runs/20200101_000000_0badf00d'), 404)
  })

  check('http-api 13', 'a cancelled run has its row in runs_log, a paused one has not', async ({ server, acme }) => {
    const [gone, stays] = [await queued(acme), await queued(acme)]
    await acme.predict({ action: 'pause', run_id: stays })
    await acme.predict({ action: 'cancel', run_id: gone })
    const dir = `${server.dir}/runs_log`
    const text = () => (fs.existsSync(dir) ? fs.readdirSync(dir).map((f) => fs.readFileSync(`${dir}/${f}`, 'utf8')).join('') : '')
    await until(10000 * slow, 'its row', async () => text().includes(gone))
    assert.ok(!text().includes(stays))
    const row = JSON.parse(text().split('\n').find((l) => l.includes(gone)))
    assert.deepEqual([row.schema_version, row.status, row.tenant_id, row.steps_executed], [1, 'cancelled', 'acme', 0])
  })
})
