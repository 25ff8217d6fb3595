// What holds on every route: typing, time strings, error bodies, headers.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { rawExchange } from '../lib/harness.mjs'
import { dryRun, neverWas, queued, refused, roomy, stamp, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const server = await startTenants({ acme: roomy, busy: roomy }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme') }
}

// Fields as JSON text: JSON.stringify would write 20.0 as 20.
const dryText = (fields) => `{"dry_run":true,"task_suite":${JSON.stringify(wait())},${fields}}`

// [JSON text, what comes of it]; undefined: 400
const numbers = [
  ['max_time_minutes', '12', 12], ['max_time_minutes', '"12"', 12], ['max_time_minutes', '20.0', 20], ['max_time_minutes', '2e1', 20],
  ['max_time_minutes', '20.5'], ['max_time_minutes', '"20.5"'], ['max_time_minutes', '"twelve"'], ['max_time_minutes', '""'],
  ['max_time_minutes', 'true'], ['max_time_minutes', '[12]'], ['max_time_minutes', '{"minutes":12}'], ['max_time_minutes', '1e30'], ['max_time_minutes', '-12'],
  ['max_cost', '1.5', 1.5], ['max_cost', '"1.5"', 1.5], ['max_cost', '2', 2], ['max_cost', '"2"', 2], ['max_cost', '"1e0"', 1],
  ['max_cost', '"one"'], ['max_cost', '"1.5 USD"'], ['max_cost', '"nan"'], ['max_cost', '"inf"'], ['max_cost', '[]'],
]

const yes = ['true', '1', '"yes"', '"Yes"', '"YES"', '"on"', '"ON"', '"t"', '"T"', '"y"', '"Y"', '"true"', '"TRUE"', '"1"']
const no = ['false', '0', '"no"', '"No"', '"off"', '"OFF"', '"f"', '"F"', '"n"', '"N"', '"false"', '"False"', '"0"']
const neither = ['2', '-1', '0.5', '"maybe"', '"yess"', '""', '[]', '[true]', '{}', '"2"']

const nullMeansAbsent = ['workflow_id', 'state_key', 'run_id', 'max_cost', 'max_time_minutes', 'cua_model', 'proxy_city', 'proxy_state', 'proxy_country',
  'proxy_provider', 'session_name', 'base_url', 'start_url', 'user_input', 'extraction_schema', 'cache_key', 'route_som_clicks', 'callback_url',
  'brain_budgets', 'pause_on_captcha', 'settle_ceiling_seconds', 'max_recoveries_per_run', 'max_recoveries_per_step', 'plan_name', 'objective',
  'task_file_contents', 'task_file', 'plan_text', 'micro', 'micro_path', 'action']
const nullIsWrong = ['detached', 'resume_state', 'max_steps', 'proxy_disabled', 'decompose', 'dry_run', 'cache_read', 'cache_write', 'cache_ttl_seconds',
  'record_video', 'video_format', 'video_fps', 'video_cuts', 'live_viewer']

// [what, request, status, what the sentence must name]
const post = (body) => ['POST', '/v1/predict', body]
const refusals = [
  ['a bad option', post({ task_suite: wait(), video_fps: 99 }), 400, /video_fps/],
  ['a bad cap', post({ task_suite: wait(), max_cost: -1 }), 400, /max_cost/],
  ['an unknown action', post({ action: 'explode', run_id: neverWas }), 400, /action.*explode/],
  ['an action without a run', post({ action: 'status' }), 400, /run_id/],
  ['an unknown run', post({ action: 'status', run_id: neverWas }), 404, new RegExp(neverWas)],
  ['an unknown run by path', ['GET', `/v1/runs/${neverWas}`], 404, new RegExp(neverWas)],
  ['a malformed run id', ['GET', '/v1/runs/a%20b/status'], 400, /run_id/],
  ['an unknown plan file', post({ micro: 'plans/example/no-such-plan.json' }), 404, /no-such-plan\.json/],
  ['an absolute plan path', post({ micro: '/etc/hostname' }), 400, /micro/],
  ['a plan without steps', post({ task_suite: {} }), 400, /steps/],
  ['a step without a type', post({ task_suite: [{ intent: 'x' }] }), 400, /step 0.*type/],
  ['no plan at all', post({}), 400, /task_suite.*plan_text/],
  ['no JSON', post('{"task_suite":'), 400, /JSON/],
  ['an array', post('[]'), 400, /object/],
  ['nothing', post(''), 400, /empty|JSON/],
  ['an unknown artifact', ['GET', `/v1/runs/${neverWas}/artifacts/x.csv`], 404, new RegExp(neverWas)],
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  for (const [field, text, want] of numbers)
    check('http-api 1', `${field} ${text} is ${want === undefined ? 'refused by name' : `read as ${want}`}`, async ({ acme }) => {
      const r = await acme.predict(dryText(`"${field}":${text}`))
      if (want === undefined) refused(r, 400, new RegExp(field))
      else assert.equal(r.json.task_suite?.[`_${field}`], want, r.text)
    })

  check('http-api 1', 'every spelling of true is true', async ({ acme }) => {
    for (const text of yes) {
      const r = await acme.predict(dryText(`"resume_state":${text}`))
      assert.equal(r.json.task_suite?._resume_state, true, `${text}: ${r.text}`)
    }
  })

  check('http-api 1', 'every spelling of false is false', async ({ acme }) => {
    for (const text of no) {
      const r = await acme.predict(dryText(`"resume_state":${text}`))
      assert.equal(r.json.task_suite?._resume_state, false, `${text}: ${r.text}`)
    }
  })

  check('http-api 1', 'what is neither true nor false is refused by name', async ({ acme }) => {
    for (const text of neither) refused(await acme.predict(dryText(`"resume_state":${text}`)), 400, /resume_state/)
  })

  check('http-api 1', 'text where a number or an object would be is refused by name', async ({ acme }) => {
    for (const field of ['profile_id', 'workflow_id', 'state_key', 'plan_name', 'session_name', 'callback_url', 'video_format', 'micro', 'plan_text'])
      for (const text of ['5', '{}', '[]', 'true'])
        refused(await acme.predict(`{"dry_run":true,${field === 'micro' || field === 'plan_text' ? '' : `"task_suite":${JSON.stringify(wait())},`}"${field}":${text}}`), 400, new RegExp(field))
  })

  for (const field of nullMeansAbsent)
    check('http-api 1', `${field}: null is the same as leaving it out`, async ({ acme }) => {
      const plain = await dryRun(acme, { task_suite: wait() })
      const r = await acme.predict(dryText(`"${field}":null`))
      assert.equal(r.status, 200, r.text)
      assert.deepEqual(r.json, plain)
    })

  for (const field of nullIsWrong)
    check('http-api 1', `${field}: null is refused, since it has a default`, async ({ acme }) => {
      refused(await acme.predict({ task_suite: wait(), dry_run: true, [field]: null }), 400, new RegExp(field))
    })

  check('http-api 1', 'unknown request fields are ignored', async ({ acme }) => {
    const plain = await dryRun(acme, { task_suite: wait() })
    const more = await dryRun(acme, { task_suite: wait(), some_future_field: { deep: [1, 2, null] }, 'x-y': null, '': 1 })
    assert.deepEqual(more, plain)
    const id = await queued(acme)
    assert.equal((await acme.predict({ action: 'status', run_id: id, some_future_field: 1 })).status, 200)
  })

  check('http-api 1', 'times are UTC with an offset and six digits, and string order is time order', async ({ acme }) => {
    const first = await acme.predict({ task_suite: wait(), profile_id: 'time-1' })
    const second = await acme.predict({ task_suite: wait(), profile_id: 'time-2' })
    for (const r of [first, second]) for (const k of ['created_at', 'updated_at']) assert.match(r.json[k], stamp)
    assert.ok(first.json.created_at < second.json.created_at)
    assert.ok(Date.parse(first.json.created_at) <= Date.parse(second.json.created_at))
    const ended = (await acme.predict({ action: 'cancel', run_id: first.json.run_id })).json
    for (const k of ['created_at', 'updated_at', 'finished_at', 'cancelled_at']) assert.match(ended[k], stamp, k)
    assert.ok(ended.created_at < ended.finished_at)
    for (const line of (await acme.predict({ action: 'logs', run_id: first.json.run_id })).json.events) assert.match(JSON.parse(line).ts, stamp)
  })

  for (const [what, [method, path, body], status, words] of refusals)
    check('http-api 1', `${what}: ${status}, one sentence that names it and gives nothing away`, async ({ server, acme }) => {
      const r = refused(await acme.request(method, path, body), status, words)
      assert.equal(r.headers.get('content-type'), 'application/json')
      for (const secret of [acme.token, server.dir, server.config]) assert.ok(!r.text.includes(secret), r.text)
    })

  check('http-api 1', 'a token that is refused is not repeated', async ({ server }) => {
    const r = refused(await server.as('not-a-token-of-anybody').predict({}), 401)
    assert.ok(!r.text.includes('not-a-token-of-anybody'))
  })

  check('http-api 1', 'a query parameter that cannot be read is 422 with type, loc, msg and input', async ({ acme }) => {
    const id = await queued(acme)
    const r = await acme.request('GET', `/v1/runs/${id}/events?sse=banana`)
    assert.equal(r.status, 422)
    assert.ok(Array.isArray(r.json.detail), r.text)
    const [one] = r.json.detail
    assert.deepEqual(Object.keys(one).sort(), ['input', 'loc', 'msg', 'type'])
    assert.deepEqual(one.loc, ['query', 'sse'])
    assert.equal(one.input, 'banana')
    assert.equal(typeof one.msg, 'string')
    assert.equal(typeof one.type, 'string')
  })

  check('http-api 1', 'the wrong method is 405 in the fixed words', async ({ acme }) => {
    const r = await acme.request('DELETE', '/v1/predict')
    assert.equal(r.status, 405)
    assert.equal(r.text, '{"detail":"Method Not Allowed"}')
    assert.equal(r.headers.get('allow'), 'POST')
  })

  check('http-api 1', 'an unknown path is 404 in the fixed words', async ({ acme }) => {
    const r = await acme.request('GET', '/v1/nowhere')
    assert.equal(r.status, 404)
    assert.equal(r.text, '{"detail":"Not Found"}')
  })

  check('http-api 1', 'the name of the token header is taken in any case', async ({ server }) => {
    const raw = await rawExchange(server.port, `GET /v1/queue HTTP/1.1\r\nHost: x\r\nx-MANTIS-token: ${server.tokens.acme}\r\nConnection: close\r\n\r\n`)
    assert.match(raw, /^HTTP\/1\.1 200 /)
  })

  check('http-api 1', 'an Authorization header belongs to the gateway and is ignored', async ({ server, acme }) => {
    assert.equal((await acme.request('GET', '/v1/queue', undefined, { Authorization: 'Api-Key nonsense' })).status, 200)
    const r = await fetch(`${server.base}/v1/queue`, { headers: { Authorization: `Api-Key ${server.tokens.acme}` } })
    assert.equal(r.status, 401)
  })

  check('http-api 1', 'a body is JSON whatever its Content-Type says', async ({ server, acme }) => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=utf-8'])
      assert.equal((await acme.predict({ dry_run: true, task_suite: wait() }, { 'Content-Type': type })).status, 200, type)
    const raw = await rawExchange(server.port, `POST /v1/predict HTTP/1.1\r\nHost: x\r\nX-Mantis-Token: ${server.tokens.acme}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`)
    assert.match(raw, /^HTTP\/1\.1 400 /)
  })

  check('http-api 1', 'bodies and replies are UTF-8', async ({ acme }) => {
    const words = 'Žluťoučký kůň 🦗 日本'
    const id = await queued(acme, { task_suite: wait(0, words), plan_name: words })
    const status = await acme.status(id)
    assert.equal(status.payload.plan_name, words)
    assert.equal(status.payload.task_suite[0].intent, words)
    const bad = await fetch(`${acme.base}/v1/predict`, { method: 'POST', headers: { 'X-Mantis-Token': acme.token }, body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) })
    assert.equal(bad.status, 400)
  })

  check('http-api 1', 'one connection takes many calls', async ({ server }) => {
    const one = `GET /v1/queue HTTP/1.1\r\nHost: x\r\nX-Mantis-Token: ${server.tokens.acme}\r\n`
    const raw = await rawExchange(server.port, `${one}\r\n${one}\r\n${one}Connection: close\r\n\r\n`)
    assert.equal(raw.split('HTTP/1.1 200 ').length - 1, 3, raw)
  })
})
