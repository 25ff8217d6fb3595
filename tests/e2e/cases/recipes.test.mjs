// Recipes: made, listed, read, used and deleted per tenant, over shipped ones; and the browser self-test.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { root } from '../lib/harness.mjs'
import { dryRun, refused, roomy, runIdForm, takeSlot } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const tenant = (scopes, id = 'acme') => ({ ...roomy, tenant_id: id, scopes })
  const server = await startTenants({
    acme: roomy, other: roomy, busy: roomy, empty: roomy, fenced: { ...roomy, allowed_domains: ['127.0.0.1'] }, thrifty: { ...roomy, max_cost_per_run: 0.1, max_time_minutes_per_run: 2 },
    status: tenant(['status']), result: tenant(['result']), logs: tenant(['logs']), nothing: tenant([]),
  }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme') }
}

const shipped = ['docs_lookup', 'form_submit', 'job_listings', 'marketplace_listings', 'marketplace_planner', 'search_results', 'staff_crm']
const schema = (...names) => ({ fields: names.map((name) => ({ name })) })
const put = (caller, name, s = schema('title')) => caller.request('POST', '/v1/recipes', { name, schema: s })
const get = (caller, name) => caller.request('GET', `/v1/recipes/${encodeURIComponent(name)}`)
const drop = (caller, name) => caller.request('DELETE', `/v1/recipes/${encodeURIComponent(name)}`)
const list = async (caller) => (await caller.request('GET', '/v1/recipes')).json

const badNames = ['', '-x', 'a b', 'a.b', 'a/b', '../x', 'x'.repeat(65), 'ž', 'a\nb', 'a%b', '_x.json']
const goodNames = ['a', 'A9', '_x', 'x-y', '0', 'x'.repeat(64)]

const full = {
  entity_name: 'boat', schema_name: 'boats',
  fields: [{ name: 'title', type: 'str', required: true, example: 'Sea Ray 240' }, { name: 'price', type: 'float', required: false }],
  required_fields: ['title'], tile_required_fields: ['title'], tile_carry_fields: ['title', 'price'], spam_indicators: ['sponsored'], spam_seller_indicators: ['dealer'], spam_label: 'ad',
  forbidden_controls: ['Delete'], allowed_controls: ['Next'], listing_card_exclusions: ['Recently viewed'], rejection_intents: { incomplete_required: 'skip' }, max_items: 5,
}

// [what, schema, what the refusal names]
const badSchemas = [
  ['missing', undefined, 'schema'], ['null', null, 'schema'], ['a list', [], 'schema'], ['text', 'title', 'schema'], ['without fields', {}, 'fields'], ['with no field', { fields: [] }, 'fields'],
  ['with fields that are an object', { fields: { title: 'str' } }, 'fields'], ['with a field without a name', { fields: [{ type: 'str' }] }, 'fields\\[0\\]'],
  ['with an empty name', { fields: [{ name: 'a' }, { name: '' }] }, 'fields\\[1\\]'], ['with a name that is a number', { fields: [{ name: 5 }] }, 'fields\\[0\\]'],
  ['with a field that stands twice', schema('a', 'b', 'a'), 'a'],
  ['with a type that is a number', { fields: [{ name: 'a', type: 5 }] }, 'type'], ['with required that is a word', { fields: [{ name: 'a', required: 'maybe' }] }, 'required'],
  ['with required_fields that are text', { ...schema('a'), required_fields: 'a' }, 'required_fields'], ['with required_fields that name no field', { ...schema('a'), required_fields: ['b'] }, 'required_fields'],
  ['with tile_carry_fields that name no field', { ...schema('a'), tile_carry_fields: ['b'] }, 'tile_carry_fields'], ['with spam_indicators that are numbers', { ...schema('a'), spam_indicators: [1] }, 'spam_indicators'],
  ['with max_items that is a word', { ...schema('a'), max_items: 'many' }, 'max_items'],
  ['with max_items below 0', { ...schema('a'), max_items: -1 }, 'max_items'], ['with rejection_intents that are a list', { ...schema('a'), rejection_intents: [] }, 'rejection_intents'],
  ['with a rejection_intent that is a number', { ...schema('a'), rejection_intents: { x: 1 } }, 'rejection_intents'], ['with an entity_name that is a number', { ...schema('a'), entity_name: 5 }, 'entity_name'],
  ['with a schema_name that is a number', { ...schema('a'), schema_name: 5 }, 'schema_name'], ['with a spam_label that is a list', { ...schema('a'), spam_label: [] }, 'spam_label'],
]

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 14', 'a recipe is made, read, listed and deleted', async (g) => {
    const made = await put(g.acme, 'shop_tiles', schema('title', 'price'))
    assert.deepEqual([made.status, made.json], [200, { name: 'shop_tiles', schema: schema('title', 'price') }])
    assert.deepEqual((await get(g.acme, 'shop_tiles')).json, made.json)
    assert.ok((await list(g.acme)).recipes.some((r) => r.name === 'shop_tiles'))
    assert.deepEqual((await drop(g.acme, 'shop_tiles')).json, { name: 'shop_tiles', deleted: true })
    refused(await get(g.acme, 'shop_tiles'), 404, /shop_tiles/)
    assert.deepEqual((await drop(g.acme, 'shop_tiles')).json, { name: 'shop_tiles', deleted: false })
  })

  check('http-api 14', 'making one again overwrites it', async (g) => {
    await put(g.acme, 'again', schema('a'))
    await put(g.acme, 'again', schema('b'))
    assert.deepEqual((await get(g.acme, 'again')).json.schema, schema('b'))
    await drop(g.acme, 'again')
  })

  check('http-api 14', 'every key of a schema comes back as it was written', async (g) => {
    assert.deepEqual((await put(g.acme, 'whole', full)).json.schema, full)
    assert.deepEqual((await get(g.acme, 'whole')).json, { name: 'whole', schema: full })
    await drop(g.acme, 'whole')
  })

  check('http-api 14', 'a field may be its name alone, and is kept as an object', async (g) => {
    assert.equal((await put(g.acme, 'names', { fields: ['title', { name: 'price' }] })).status, 200)
    assert.deepEqual((await get(g.acme, 'names')).json.schema, schema('title', 'price'))
    await drop(g.acme, 'names')
  })

  check('http-api 14', 'the list is sorted', async (g) => {
    for (const name of ['zz', 'aa', 'Mm', '_q', '9']) await put(g.other ?? g.server.as('other'), name)
    const names = (await list(g.server.as('other'))).recipes.map((r) => r.name)
    assert.deepEqual(names, [...names].sort())
    assert.equal(names.length, 5)
    for (const name of names) await drop(g.server.as('other'), name)
  })

  check('http-api 14', 'a tenant without recipes has an empty list', async (g) => {
    assert.deepEqual((await list(g.server.as('empty'))).recipes, [])
  })

  for (const name of goodNames)
    check('http-api 14', `'${name.length > 20 ? `${name.length} letters` : name}' is a name`, async (g) => {
      assert.equal((await put(g.acme, name)).status, 200)
      assert.equal((await get(g.acme, name)).status, 200)
      assert.equal((await drop(g.acme, name)).json.deleted, true)
    })

  for (const name of badNames)
    check('http-api 14', `${JSON.stringify(name.length > 20 ? `${name.length} letters` : name)} is none: 400`, async (g) => {
      refused(await put(g.acme, name), 400, /name/)
      if (!name) return
      for (const r of [await get(g.acme, name), await drop(g.acme, name)]) assert.ok([400, 404].includes(r.status), r.text)
    })

  for (const name of [undefined, null, 5, ['a']])
    check('http-api 14', `a name that is ${JSON.stringify(name) ?? 'missing'} is 400`, async (g) => refused(await g.acme.request('POST', '/v1/recipes', { name, schema: schema('a') }), 400, /name/))

  for (const [n, [what, value, names]] of badSchemas.entries())
    check('http-api 14', `a schema ${what} is 400 when it is written`, async (g) => {
      refused(await g.acme.request('POST', '/v1/recipes', { name: `bad_${n}`, schema: value }), 400, new RegExp(names))
      assert.equal((await get(g.acme, `bad_${n}`)).status, 404)
    })

  check('http-api 14', 'a schema that is too large is refused', async (g) => {
    const r = await put(g.acme, 'large', { fields: [{ name: 'a', example: 'x'.repeat(2 << 20) }] })
    assert.ok([400, 413].includes(r.status), `${r.status}`)
    refused(r, r.status)
  })

  // --- shipped ones

  for (const name of shipped)
    check('http-api 14', `the shipped recipe ${name} is there and would be accepted as one's own`, async (g) => {
      const r = await get(g.server.as('empty'), name)
      assert.equal(r.status, 200)
      assert.deepEqual(r.json.schema, JSON.parse(fs.readFileSync(path.join(root, 'recipes', `${name}.json`), 'utf8')))
      assert.equal((await put(g.acme, name, r.json.schema)).status, 200)
      await drop(g.acme, name)
    })

  check('http-api 14', 'a recipe of one\'s own shadows a shipped one, until it is deleted', async (g) => {
    const before = (await get(g.acme, 'staff_crm')).json
    await put(g.acme, 'staff_crm', schema('mine'))
    assert.deepEqual((await get(g.acme, 'staff_crm')).json.schema, schema('mine'))
    assert.deepEqual((await get(g.server.as('empty'), 'staff_crm')).json, before)
    assert.equal((await drop(g.acme, 'staff_crm')).json.deleted, true)
    assert.deepEqual((await get(g.acme, 'staff_crm')).json, before)
    assert.equal((await drop(g.acme, 'staff_crm')).json.deleted, false)
    assert.deepEqual((await get(g.acme, 'staff_crm')).json, before)
  })

  check('http-api 14', 'recipes are the tenant\'s own', async (g) => {
    await put(g.acme, 'ours', schema('a'))
    const other = g.server.as('other')
    assert.equal((await get(other, 'ours')).status, 404)
    assert.equal((await drop(other, 'ours')).json.deleted, false)
    assert.ok(!JSON.stringify(await list(other)).includes('ours'))
    await put(other, 'ours', schema('b'))
    assert.deepEqual((await get(g.acme, 'ours')).json.schema, schema('a'))
    await drop(g.acme, 'ours')
    await drop(other, 'ours')
  })

  check('http-api 14', 'recipes outlive a restart', async (g) => {
    const server = await startTenants({ acme: roomy })
    try {
      await put(server.as('acme'), 'kept', full)
      await server.kill('SIGKILL')
      await server.start()
      assert.deepEqual((await get(server.as('acme'), 'kept')).json.schema, full)
    } finally {
      await server.stop()
    }
  })

  check('http-api 14', 'any scope may read them, and only run may write', async (g) => {
    await put(g.acme, 'read_me')
    for (const scope of ['status', 'result', 'logs']) {
      const caller = g.server.as(scope)
      assert.equal((await get(caller, 'read_me')).status, 200)
      assert.equal((await caller.request('GET', '/v1/recipes')).status, 200)
      refused(await put(caller, 'read_me', schema('x')), 403, /run/)
      refused(await drop(caller, 'read_me'), 403, /run/)
    }
    refused(await get(g.server.as('nothing'), 'read_me'), 403)
    assert.deepEqual((await get(g.acme, 'read_me')).json.schema, schema('title'))
    await drop(g.acme, 'read_me')
  })

  check('http-api 14', 'a body that is no JSON object is 400', async (g) => {
    for (const body of ['', '{', '[]', '"x"']) refused(await g.acme.request('POST', '/v1/recipes', body), 400)
  })

  // --- in use

  const extracting = (more = {}) => ({ _micro_plan: [{ type: 'extract_data', intent: 'Read it', ...more }], _recipe: 'in_use' })
  const schemaOf = (r) => JSON.stringify(r.task_suite)

  check('http-api 14', 'a suite\'s _recipe gives its extracting steps that schema', async (g) => {
    await put(g.acme, 'in_use', schema('from_the_recipe'))
    assert.match(schemaOf(await dryRun(g.acme, { task_suite: extracting() })), /from_the_recipe/)
    await drop(g.acme, 'in_use')
  })

  check('http-api 14', 'a schema of the step or the request comes before it', async (g) => {
    await put(g.acme, 'in_use', schema('from_the_recipe'))
    assert.doesNotMatch(schemaOf(await dryRun(g.acme, { task_suite: extracting({ extract: schema('own') }) })), /from_the_recipe/)
    assert.doesNotMatch(schemaOf(await dryRun(g.acme, { task_suite: extracting(), extraction_schema: schema('asked') })), /from_the_recipe/)
    await drop(g.acme, 'in_use')
  })

  check('http-api 14', 'a _recipe that is not there is 400 and named', async (g) => {
    refused(await g.acme.predict({ task_suite: { ...extracting(), _recipe: 'no_such_one' }, dry_run: true }), 400, /_recipe.*no_such_one/)
    refused(await g.acme.predict({ task_suite: { ...extracting(), _recipe: '../etc' }, dry_run: true }), 400, /name|_recipe/)
  })

  // --- the self-test

  const fingerprint = (caller, body) => caller.request('POST', '/v1/diagnose/fingerprint', body)

  check('http-api 14', 'the browser self-test is a run: its reply says where to look', async (g) => {
    const r = await fingerprint(g.acme, { target_url: 'http://127.0.0.1:9/self-test' })
    assert.equal(r.status, 200, r.text)
    const { run_id: id, stealth_snapshot: snapshot, ...rest } = r.json
    assert.match(id, runIdForm)
    assert.deepEqual(rest, { target_url: 'http://127.0.0.1:9/self-test', poll_via: `/v1/runs/${id}`, rows_via: `/v1/runs/${id}/artifacts/extracted_rows.json`, status: 'queued' })
    assert.deepEqual(Object.keys(snapshot).sort(), ['behavioral_jitter', 'cdp_stealth', 'geo_consistency', 'honest_mode', 'proxy_provider'])
    const { payload } = await g.acme.status(id)
    assert.deepEqual([payload.max_cost, payload.max_time_minutes], [0.3, 3])
    await g.acme.predict({ action: 'cancel', run_id: id })
  })

  check('http-api 14', 'its body is optional', async (g) => {
    const r = await fingerprint(g.acme)
    assert.equal(r.status, 200, r.text)
    assert.match(r.json.target_url, /^https:\/\//)
    await g.acme.predict({ action: 'cancel', run_id: r.json.run_id })
  })

  check('http-api 14', 'it is held to lower caps of the tenant', async (g) => {
    const thrifty = g.server.as('thrifty')
    const { run_id: id } = (await fingerprint(thrifty, { target_url: 'http://127.0.0.1:9/' })).json
    const { payload } = await thrifty.status(id)
    assert.deepEqual([payload.max_cost, payload.max_time_minutes], [0.1, 2])
    await thrifty.predict({ action: 'cancel', run_id: id })
  })

  for (const [what, body, names] of [['no web address', { target_url: 'ftp://x.example/' }, 'target_url'], ['a file', { target_url: 'file:///etc/passwd' }, 'target_url'], ['a number', { target_url: 5 }, 'target_url'], ['text around an address', { target_url: 'see http://x.example' }, 'target_url'], ['a model that does not run here', { cua_model: 'holo3' }, 'cua_model|holo3'], ['no object', '[]', 'object'], ['no JSON', '{', 'JSON']])
    check('http-api 14', `a self-test of ${what} is 400`, async (g) => refused(await fingerprint(g.acme, body), 400, new RegExp(names)))

  check('http-api 14', 'a self-test goes where the tenant may go only', async (g) => {
    refused(await fingerprint(g.server.as('fenced'), { target_url: 'https://elsewhere.example/' }), 403, /elsewhere\.example/)
    refused(await fingerprint(g.server.as('fenced')), 403)
    refused(await fingerprint(g.server.as('status'), { target_url: 'http://127.0.0.1:9/' }), 403, /run/)
  })
})
