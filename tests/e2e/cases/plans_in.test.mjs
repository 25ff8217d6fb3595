// Where a plan may come from, what is checked of it, and which keys of a suite the server decides.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { root as sourceTree, tempDir } from '../lib/harness.mjs'
import { dryRun, queued, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const named = (intent) => wait(0, intent)

// A repository root of our own: files, a prose file, links that lead out.
function makeRoot() {
  const root = tempDir('root')
  const outside = tempDir('outside')
  const put = (name, value) => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), typeof value === 'string' ? value : JSON.stringify(value))
  }
  put('plans/array.json', named('array file'))
  put('plans/wrapped.json', { steps: named('wrapped file'), runtime: { max_cost: 1.25, max_time_minutes: 7 } })
  put('plans/suite.json', { session_name: 's', base_url: '', tasks: [], _micro_plan: named('suite file') })
  put('plans/UPPER.JSON', named('upper file'))
  put('plans/broken.json', '[{"type":"wait",')
  put('plans/number.json', '5')
  put('plans/many.json', Array(201).fill(named('x')[0]))
  put('plans/no-intent.json', [{ type: 'wait' }])
  put('plans/prose.txt', 'Wait 1 second. Wait 2 seconds.')
  put('plans/unclear.txt', 'Juggle the page. Wait 1 second.')
  put('notes', 'do-not-show-this')
  put('plans/spaces in name.json', named('spaces'))
  put('example/without.json', named('found without plans/'))
  put('secret.txt', 'do-not-show-this')
  fs.writeFileSync(path.join(outside, 'plan.json'), JSON.stringify(named('from outside')))
  fs.symlinkSync(path.join(outside, 'plan.json'), path.join(root, 'plans/link-out.json'))
  fs.symlinkSync(outside, path.join(root, 'plans/dir-out'))
  fs.symlinkSync('array.json', path.join(root, 'plans/link-in.json'))
  return { root, outside }
}

async function start() {
  const dirs = makeRoot()
  const env = { MANTIS_RUNTIME_CONCURRENCY: '1', MANTIS_REPO_ROOT: dirs.root, MANTIS_RECIPES_DIR: `${sourceTree}/recipes`, MANTIS_MAX_LOOP_ITERATIONS: '9' }
  const server = await startTenants({ acme: roomy, small: { ...roomy, max_cost_per_run: 4.5, max_time_minutes_per_run: 25 }, busy: roomy }, { env })
  await takeSlot(server.as('busy'))
  return { server, acme: server.as('acme'), small: server.as('small'), ...dirs }
}

async function stop(g) {
  await g.server.stop()
  for (const dir of [g.root, g.outside]) fs.rmSync(dir, { recursive: true })
}

const intentOf = (d) => d.task_suite._micro_plan[0].intent

const sources = {
  task_suite: { steps: named('task_suite') },
  task_file_contents: JSON.stringify({ steps: named('task_file_contents') }),
  task_file: 'plans/suite.json',
  plan_text: 'Wait 7 seconds.',
  micro: 'plans/array.json',
  micro_path: 'plans/wrapped.json',
}
const says = { task_suite: 'task_suite', task_file_contents: 'task_file_contents', task_file: 'suite file', plan_text: 'Wait 7 seconds', micro: 'array file', micro_path: 'wrapped file' }
const names = Object.keys(sources)

// Every way in takes every shape of the same plan.
const shapes = {
  'a bare array': (steps) => steps,
  'an object with steps': (steps) => ({ steps }),
  'an object with steps and runtime': (steps) => ({ steps, runtime: { max_cost: 2 } }),
  'a suite with _micro_plan': (steps) => ({ session_name: 'x', base_url: '', tasks: [], _micro_plan: steps }),
}

const emptyPlans = [
  ['an empty object', {}], ['an object without steps', { session_name: 'x', base_url: 'http://x.example' }], ['an empty array', []],
  ['empty steps', { steps: [] }], ['an empty _micro_plan', { _micro_plan: [] }], ['empty everything', { steps: [], _micro_plan: [], tasks: [] }],
  ['null steps', { steps: null }], ['steps that are an object', { steps: { 0: named('x')[0] } }], ['_micro_plan that is text', { _micro_plan: 'wait' }],
]

const badSteps = [
  ['no intent', { type: 'wait' }, /step 1.*intent/], ['an empty intent', { type: 'wait', intent: '' }, /step 1.*intent/],
  ['a blank intent', { type: 'wait', intent: '  ' }, /step 1.*intent/], ['an intent that is a number', { type: 'wait', intent: 5 }, /step 1.*intent/],
  ['no type', { intent: 'x' }, /step 1.*type/], ['an empty type', { type: '', intent: 'x' }, /step 1.*type/], ['a type that is a list', { type: ['wait'], intent: 'x' }, /step 1.*type/],
  ['a step that is text', 'wait', /step 1/], ['a step that is null', null, /step 1/], ['a step that is an array', [], /step 1/],
]

const ways = {
  task_suite: (g, plan) => ({ task_suite: plan }),
  task_file_contents: (g, plan) => ({ task_file_contents: JSON.stringify(plan) }),
  task_file: (g, plan) => ({ task_file: g.file(plan) }),
  micro: (g, plan) => ({ micro: g.file(plan) }),
  micro_path: (g, plan) => ({ micro_path: g.file(plan) }),
}
let serial = 0
const withFiles = (g) => ({ ...g, file: (plan) => {
  const name = `plans/made-${serial++}.json`
  fs.writeFileSync(path.join(g.root, name), JSON.stringify(plan))
  return name
} })

const canonical = (v) => {
  if (Array.isArray(v)) return `[${v.map(canonical).join()}]`
  if (v && typeof v === 'object') return `{${Object.keys(v).sort().map((k) => `${canonical(k)}:${canonical(v[k])}`).join()}}`
  return JSON.stringify(v).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

cases({ start, stop }, (check) => {
  for (const [i, first] of names.entries())
    check('http-api 4.2', `${first} wins over ${names.slice(i + 1).join(', ') || 'nothing'}`, async ({ acme }) => {
      const request = Object.fromEntries(names.slice(i).reverse().map((n) => [n, sources[n]]))
      const r = await acme.predict({ dry_run: true, ...request })
      assert.equal(intentOf(r.json), says[first], r.text)
    })

  check('http-api 4.2', 'an empty string is no plan input', async ({ acme }) => {
    for (const [i, first] of names.entries()) {
      const request = { [first]: sources[first] }
      for (const n of names.slice(0, i)) request[n] = ''
      assert.equal(intentOf(await dryRun(acme, request)), says[first])
    }
    refused(await acme.predict(Object.fromEntries(names.map((n) => [n, '']))), 400, /task_suite.*task_file_contents.*task_file.*micro.*plan_text/)
  })

  check('http-api 4.2', 'more than one plan input is tolerated, whatever the others hold', async ({ acme }) => {
    const d = await dryRun(acme, { task_suite: sources.task_suite, task_file_contents: '{broken', task_file: '/etc/passwd', micro: '../../x', micro_path: 'none.json' })
    assert.equal(intentOf(d), 'task_suite')
  })

  check('http-api 4.2', 'a plan input of the wrong type is refused by name', async ({ acme }) => {
    for (const field of names)
      for (const value of field === 'task_suite' ? [5, true, 'steps'] : [5, true, {}, []]) refused(await acme.predict({ [field]: value, dry_run: true }), 400, new RegExp(field))
  })

  for (const [what, shape] of Object.entries(shapes))
    check('http-api 4.2', `every way in takes ${what}`, async (g) => {
      const ground = withFiles(g)
      const reference = await dryRun(g.acme, { task_suite: named('same') })
      for (const [way, body] of Object.entries(ways)) {
        const d = await dryRun(g.acme, body(ground, shape(named('same'))))
        assert.deepEqual(d.task_suite._micro_plan, reference.task_suite._micro_plan, way)
        assert.equal(d.task_suite._plan_signature, reference.task_suite._plan_signature, way)
      }
    })

  for (const [what, plan] of emptyPlans)
    check('http-api 4.2', `${what} is 400 on every way in, and no run`, async (g) => {
      const ground = withFiles(g)
      for (const body of Object.values(ways)) refused(await g.acme.predict({ run_id: 'empty-plan', ...body(ground, plan) }), 400)
      refused(await g.acme.request('GET', '/v1/runs/empty-plan'), 404)
    })

  for (const [what, step, words] of badSteps)
    check('http-api 4.2', `${what} is 400 before the detached answer, on every way in`, async (g) => {
      const ground = withFiles(g)
      for (const body of Object.values(ways)) refused(await g.acme.predict(body(ground, { _micro_plan: [...named('ok'), step] })), 400, words)
    })

  check('http-api 4.2', '201 steps are 400 on every way in, 200 are a plan', async (g) => {
    const ground = withFiles(g)
    for (const [way, body] of Object.entries(ways)) {
      refused(await g.acme.predict(body(ground, Array(201).fill(named('x')[0]))), 400, /200/)
      assert.equal((await dryRun(g.acme, body(ground, Array(200).fill(named('x')[0])))).plan_summary.step_count, 200, way)
    }
  })

  check('http-api 4.2', 'loop_count is clamped to MANTIS_MAX_LOOP_ITERATIONS without a word of refusal', async (g) => {
    const ground = withFiles(g)
    for (const [given, want] of [[5, 5], [9, 9], [10, 9], [1000, 9]])
      for (const body of Object.values(ways)) {
        const d = await dryRun(g.acme, body(ground, [...named('x'), { type: 'loop', intent: 'again', loop_target: 0, loop_count: given }]))
        assert.equal(d.task_suite._micro_plan[1].loop_count, want)
      }
  })

  check('http-api 4.2', 'a path is relative to the repository root; a leading plans/ is also tried without', async ({ acme }) => {
    for (const [field, file, want] of [['micro', 'plans/array.json', 'array file'], ['micro', './plans/array.json', 'array file'], ['micro', 'plans//array.json', 'array file'],
      ['micro', 'plans/example/without.json', 'found without plans/'], ['task_file', 'plans/example/without.json', 'found without plans/'],
      ['micro_path', 'plans/UPPER.JSON', 'upper file'], ['micro', 'plans/spaces in name.json', 'spaces'], ['micro', 'plans/link-in.json', 'array file']])
      assert.equal(intentOf(await dryRun(acme, { [field]: file })), want, file)
  })

  check('http-api 4.2', 'a missing plan file is 404 with its name', async ({ acme }) => {
    for (const field of ['task_file', 'micro', 'micro_path'])
      for (const file of ['plans/none.json', 'none.json', 'plans/dir/none.json', 'plans/array.json/x.json', 'plans'.repeat(3) + '.json'])
        refused(await acme.predict({ [field]: file }), 404, new RegExp(file.split('/').pop().replace('.', '\\.')))
  })

  check('http-api 4.2', 'a directory is no plan file', async ({ acme }) => {
    for (const file of ['plans', 'plans/', '.', 'plans/dir-in.json/..'])
      for (const field of ['task_file', 'micro']) {
        const r = await acme.predict({ [field]: file })
        assert.ok([400, 404].includes(r.status), r.text)
        refused(r, r.status, new RegExp(field))
      }
  })

  for (const [what, file] of [['an absolute path', '/etc/hostname.json'], ['an absolute path of prose', '/etc/passwd'], ['a way up', '../x.json'], ['a way up inside', 'plans/../../x.json'],
    ['a way up that comes back', 'plans/../plans/array.json'], ['a link that leads out', 'plans/link-out.json'], ['a directory link that leads out', 'plans/dir-out/plan.json']])
    check('http-api 4.2', `${what} is refused on every field that takes a path`, async ({ acme, outside }) => {
      for (const field of ['task_file', 'micro', 'micro_path']) {
        const r = refused(await acme.predict({ [field]: file }), 400, new RegExp(field))
        for (const secret of ['root:', 'from outside', outside]) assert.ok(!r.text.includes(secret), r.text)
      }
    })

  check('http-api 4.2', 'a plan file that is no plan is 400, and what is in it is not shown', async ({ acme, root }) => {
    for (const [field, file] of [['micro', 'plans/broken.json'], ['micro', 'plans/number.json'], ['task_file', 'secret.txt'], ['task_file', 'plans/prose.txt'], ['micro', 'notes']]) {
      const r = refused(await acme.predict({ [field]: file }), 400)
      assert.ok(!r.text.includes('do-not-show') && !r.text.includes(root), r.text)
    }
  })

  check('http-api 4.2', 'words in plan_text or in a file become steps; what is not understood is named', async ({ acme }) => {
    for (const request of [{ plan_text: 'Wait 1 second. Wait 2 seconds.' }, { micro: 'plans/prose.txt' }, { micro_path: 'plans/prose.txt' }])
      assert.deepEqual((await dryRun(acme, request)).task_suite._micro_plan.map((s) => [s.type, s.params.seconds]), [['wait', 1], ['wait', 2]])
    refused(await acme.predict({ plan_text: 'Open a page.' }), 400, /plan_text.*"Open a page" is not understood/)
    refused(await acme.predict({ micro: 'plans/unclear.txt' }), 400, /micro.*"Juggle the page" is not understood/)
  })

  check('http-api 4.2', 'start_url is opened first when the words do not say where', async ({ acme }) => {
    const d = await dryRun(acme, { plan_text: 'Open the first 2 results and extract title.', start_url: 'https://a.test/x' })
    const [first, , , , loop] = d.task_suite._micro_plan
    assert.deepEqual([first.type, first.params.url, loop.type, loop.loop_target], ['navigate', 'https://a.test/x', 'loop', 1])
  })

  check('http-api 4.2', 'words that ask for reading only make no plan that does more', async ({ acme }) => {
    refused(await acme.predict({ plan_text: 'Open https://a.test/. Do not click anything. Click "Buy".' }), 400, /read-only contract violated.*step 1/)
  })

  check('http-api 4.3', 'decompose:false takes 80 words, and more only with allow_raw_long_plan', async ({ acme }) => {
    const words = (n) => Array(n).fill('word').join(' \n\t')
    for (const [n, more] of [[80, {}], [81, { allow_raw_long_plan: true }], [500, { allow_raw_long_plan: 'yes' }]])
      assert.equal((await dryRun(acme, { plan_text: words(n), decompose: false, ...more })).plan_summary.step_count, 1)
    refused(await acme.predict({ plan_text: words(81), decompose: false }), 400, /80 words/)
  })

  check('http-api 4.2', 'the runtime block of a file is applied', async ({ acme }) => {
    const d = await dryRun(acme, { micro: 'plans/wrapped.json' })
    assert.deepEqual([d.task_suite._max_cost, d.task_suite._max_time_minutes], [1.25, 7])
  })

  check('http-api 4.2', 'the shipped smoke plan is there and is a plan', async () => {
    const server = await startTenants({ acme: roomy }, { env: { MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT || sourceTree, MANTIS_ENV_URL: 'http://127.0.0.1:9' } })
    try {
      const d = await dryRun(server.as('acme'), { micro: 'plans/example/extract_listings.json' })
      assert.ok(d.plan_summary.step_count > 3, JSON.stringify(d.plan_summary))
      assert.ok(!JSON.stringify(d).includes('{{ENV_URL}}'))
    } finally { await server.stop() }
  })

  check('design 8', 'a plan that needs {{ENV_URL}} is 400 naming MANTIS_ENV_URL when that is unset', async ({ acme }) => {
    refused(await acme.predict({ task_suite: [{ type: 'navigate', intent: 'Open', params: { url: '{{ENV_URL}}/x' } }] }), 400, /MANTIS_ENV_URL/)
  })

  check('http-api 20', 'MANTIS_DEFAULT_MICRO is the plan of a call that brings none', async (g) => {
    const server = await startTenants({ acme: roomy }, { env: { MANTIS_REPO_ROOT: g.root, MANTIS_DEFAULT_MICRO: 'plans/array.json' } })
    try {
      assert.equal(intentOf(await dryRun(server.as('acme'), {})), 'array file')
      assert.equal(intentOf(await dryRun(server.as('acme'), { micro: 'plans/suite.json' })), 'suite file')
    } finally { await server.stop() }
  })

  const evil = { _profile_id: 'busy__takes-the-slot', _workflow_id: 'busy__w', _state_key: 'busy__s', _checkpoint_path: '/etc/passwd', _plan_signature: 'f'.repeat(64) }

  check('http-api 4.4', 'a suite that names profile, workflow, state, checkpoint and signature is not believed', async ({ acme }) => {
    const d = await dryRun(acme, { task_suite: { _micro_plan: named('keys'), ...evil } })
    const plain = await dryRun(acme, { task_suite: { _micro_plan: named('keys') } })
    for (const key of Object.keys(evil)) {
      assert.deepEqual(d.task_suite[key], plain.task_suite[key], key)
      assert.notEqual(d.task_suite[key], evil[key], key)
    }
    assert.equal(d.profile_id, 'acme__default')
    assert.ok(d.workflow_id.startsWith('acme__'))
  })

  check('http-api 4.4', 'the request\'s own ids win over a suite\'s', async ({ acme }) => {
    const d = await dryRun(acme, { task_suite: { _micro_plan: named('keys'), ...evil }, profile_id: 'mine', workflow_id: 'flow' })
    assert.deepEqual([d.task_suite._profile_id, d.task_suite._workflow_id, d.task_suite._state_key], ['acme__mine', 'acme__flow', 'acme__flow'])
  })

  check('http-api 4.4', 'a suite cannot take up another tenant\'s profile: the run gets its own', async ({ acme, server }) => {
    const id = await queued(acme, { task_suite: { _micro_plan: named('keys'), ...evil }, profile_id: 'taken' })
    const s = await acme.status(id)
    assert.deepEqual([s.profile_id, s.workflow_id.startsWith('acme__'), s.tenant_id], ['acme__taken', true, 'acme'])
    assert.ok(!fs.existsSync(`${server.dir}/tenants/acme/chrome-profile/busy__takes-the-slot`))
  })

  for (const [key, value] of [['_challenger_model', 'models:/merged.gguf'], ['_lora_adapter', 'models:/x.gguf'], ['_lora_adapter', '/abs/x.gguf'], ['_lora_name', 'challenger'], ['_lora_scale', 0.5], ['_lora_max_rank', 64]])
    for (const [shape, suite] of [['steps', { _micro_plan: named('challenger') }], ['tasks', { tasks: [{ task_id: 't', intent: 'Look around', start_url: 'http://127.0.0.1/' }] }]])
      check('serving 5 row 6', `${key} ${JSON.stringify(value)} in a suite of ${shape} is 400: this host serves one model`, async ({ acme }) => {
        for (const more of [{}, { dry_run: true }]) refused(await acme.predict({ task_suite: { ...suite, [key]: value }, ...more }), 400, new RegExp(`'${key}' asks for another model in this run`))
      })

  check('http-api 4.4', '_resume_* of a suite is ignored', async ({ acme }) => {
    for (const key of ['_resume_state', '_resume_from', '_resume_checkpoint', '_resume_user_input']) {
      const d = await dryRun(acme, { task_suite: { _micro_plan: named('resume'), [key]: true } })
      assert.equal(d.task_suite._resume_state, false, key)
      if (key !== '_resume_state') assert.ok(!(key in d.task_suite), key)
    }
    const d = await dryRun(acme, { task_suite: { _micro_plan: named('resume'), _resume_state: false }, resume_state: true })
    assert.equal(d.task_suite._resume_state, true)
  })

  for (const [what, suite, request, cost, minutes] of [
    ['below every cap it is kept', { _max_cost: 1.5, _max_time_minutes: 10 }, {}, 1.5, 10],
    ['above the tenant\'s cap that holds', { _max_cost: 1000, _max_time_minutes: 1000 }, {}, 4.5, 25],
    ['absent, the tenant\'s cap holds, not 10 USD and 180 minutes', {}, {}, 4.5, 25],
    ['the request\'s own value replaces it', { _max_cost: 1, _max_time_minutes: 5 }, { max_cost: 2, max_time_minutes: 6 }, 2, 6],
    ['a request above the cap does not help', { _max_cost: 1000 }, { max_cost: 999, max_time_minutes: 999 }, 4.5, 25],
  ])
    check('http-api 4.4', `_max_cost and _max_time_minutes: ${what}`, async ({ small }) => {
      const d = await dryRun(small, { task_suite: { _micro_plan: named('caps'), ...suite }, ...request })
      assert.deepEqual([d.task_suite._max_cost, d.task_suite._max_time_minutes], [cost, minutes])
      const { payload } = (await small.predict({ task_suite: { _micro_plan: named('caps'), ...suite }, ...request, profile_id: `caps-${serial++}` })).json
      assert.deepEqual([payload.max_cost, payload.max_time_minutes], [cost, minutes])
    })

  check('http-api 4.4', 'a suite with a cap that is none is refused by name', async ({ acme }) => {
    for (const [key, value] of [['_max_cost', -1], ['_max_cost', 0], ['_max_cost', 'much'], ['_max_time_minutes', 0], ['_max_time_minutes', 1.5]])
      refused(await acme.predict({ task_suite: { _micro_plan: named('x'), [key]: value } }), 400, new RegExp(key))
  })

  check('http-api 4.4', 'the server fills in what a suite must have', async ({ acme }) => {
    const { task_suite: s } = await dryRun(acme, { micro: 'plans/array.json', max_cost: 2, max_time_minutes: 3, resume_state: true })
    for (const key of ['session_name', 'base_url', 'tasks', '_micro_plan', '_max_cost', '_max_time_minutes', '_resume_state', '_profile_id', '_workflow_id', '_state_key', '_plan_signature', '_proxy_disabled'])
      assert.ok(key in s, key)
    assert.deepEqual([s._max_cost, s._max_time_minutes, s._resume_state, s._state_key], [2, 3, true, s._workflow_id])
    assert.deepEqual([s.base_url, s.tasks], ['', []])
  })

  check('http-api 4.4', 'the server fills in where the checkpoint is: below the tenant, by workflow', async ({ acme }) => {
    const { task_suite: s } = await dryRun(acme, { micro: 'plans/array.json', workflow_id: 'wf' })
    assert.match(String(s._checkpoint_path), /tenants\/acme\/checkpoints\/acme__wf\.json$/)
  })

  check('http-api 4.4', 'runner inputs of a suite reach the runner', async ({ acme }) => {
    const given = { _brain_budgets: { click: 3 }, _pause_on_captcha: false, _settle_ceiling_seconds: 4, _max_recoveries_per_run: 5, _max_recoveries_per_step: 2,
      _pagination_url_template: 'http://x.example/?p={n}', _plan_name: 'label', _proxy_disabled: true, _site_config: { a: 1 } }
    const { task_suite: s } = await dryRun(acme, { task_suite: { _micro_plan: named('inputs'), ...given } })
    for (const [key, value] of Object.entries(given)) assert.deepEqual(s[key], value, key)
  })

  check('http-api 4.4', 'a key of a suite that nobody knows is ignored with a warning', async ({ acme }) => {
    const d = await dryRun(acme, { task_suite: { steps: named('x'), flux_capacitor: 1 } })
    assert.ok(d.warnings.some((w) => w.includes('flux_capacitor')), JSON.stringify(d.warnings))
    assert.ok(!('flux_capacitor' in d.task_suite))
  })

  check('http-api 4.4', 'a step has every field with its default', async ({ acme }) => {
    const [s] = (await dryRun(acme, { task_suite: [{ type: 'scroll', intent: 'Scroll' }] })).task_suite._micro_plan
    const want = { type: 'scroll', intent: 'Scroll', verify: '', budget: 5, reverse: '', loop_target: -1, loop_count: 0, stop_var: '',
      guard: '', out_var: '', params: {}, hints: {}, extract: {}, required: false, gate: false, claude_only: false }
    for (const [key, value] of Object.entries(want)) assert.deepEqual(s[key], value, key)
    assert.deepEqual(Object.keys(s).sort(), [...Object.keys(want), 'section', 'grounding'].sort())
  })

  check('http-api 4.4', 'condition_var, then_target and else_target survive every way in', async (g) => {
    const ground = withFiles(g)
    const step = { type: 'wait', intent: 'choose', condition_var: 'seen', then_target: 1, else_target: 0 }
    for (const body of Object.values(ways)) {
      const [, s] = (await dryRun(g.acme, body(ground, [...named('a'), step]))).task_suite._micro_plan
      assert.deepEqual([s.condition_var, s.then_target, s.else_target], ['seen', 1, 0])
    }
  })

  check('http-api 4.4', '_plan_signature is the SHA-256 of the steps as canonical JSON', async ({ acme }) => {
    for (const steps of [named('plain'), named('Žluťoučký 🦗 "quoted" \\ \u007f\n'), [{ type: 'navigate', intent: 'Open', params: { url: 'http://x.example/a?b=ü', z: [1, { y: null, x: true }] } }]]) {
      const { task_suite: s } = await dryRun(acme, { task_suite: steps })
      assert.equal(s._plan_signature, crypto.createHash('sha256').update(canonical(s._micro_plan)).digest('hex'))
    }
  })

  check('http-api 4.4', 'equal steps have one signature whatever is around them; another step has another', async ({ acme }) => {
    const sign = async (body) => (await dryRun(acme, body)).task_suite._plan_signature
    const one = await sign({ task_suite: named('signed') })
    assert.equal(await sign({ task_suite: { steps: named('signed'), runtime: { max_cost: 1 } }, profile_id: 'other', plan_name: 'n' }), one)
    assert.notEqual(await sign({ task_suite: named('signed!') }), one)
  })

  check('http-api 4.4', 'the session name is micro_<domain with underscores> when none is given', async ({ acme }) => {
    const at = (url) => [{ type: 'navigate', intent: 'Open', params: { url } }]
    const name = async (body) => (await dryRun(acme, body)).task_suite.session_name
    assert.equal(await name({ task_suite: at('https://www.shop.example.com/x?y') }), 'micro_www_shop_example_com')
    assert.equal(await name({ task_suite: at('http://127.0.0.1:8080/') }), 'micro_127_0_0_1')
    assert.equal(await name({ task_suite: { steps: at('http://x.example/'), domain: 'y.example' } }), 'micro_y_example')
    assert.equal(await name({ task_suite: { session_name: 'given', _micro_plan: at('http://x.example/') } }), 'given')
    assert.equal(await name({ task_suite: at('http://x.example/'), session_name: 'asked' }), 'asked')
  })

  const task = { task_id: 'a', intent: 'Do it', start_url: 'http://x.example/' }
  check('http-api 4.2', 'a suite of tasks is taken, and shown with its defaults', async ({ acme }) => {
    const { task_suite: s } = await dryRun(acme, { task_suite: { tasks: [task] } })
    assert.deepEqual([s.tasks, s._micro_plan], [[{ ...task, max_steps: 15 }], []])
    assert.equal((await dryRun(acme, { task_suite: { tasks: [task] }, max_steps: 4 })).task_suite.tasks[0].max_steps, 4)
  })

  check('http-api 4.2', 'a verify type that nobody knows is a 400', async ({ acme }) => {
    refused(await acme.predict({ task_suite: { tasks: [{ ...task, verify: { type: 'looks_good', value: 'x' } }] } }), 400, /task 0.*verify\.type.*looks_good/)
    refused(await acme.predict({ task_suite: { tasks: [{ ...task, verify: { type: 'element_exists', selector: 'li:hover' } }] } }), 400, /verify\.selector.*hover/)
  })

  check('http-api 4.2', 'prose that is not to be taken apart is one task', async ({ acme }) => {
    const { task_suite: s } = await dryRun(acme, { plan_text: 'Look at the list', decompose: false, start_url: 'http://x.example/list' })
    assert.equal(s.session_name, 'plan_text_raw')
    assert.deepEqual(s.tasks, [{ task_id: 'plan_text', intent: 'Look at the list', start_url: 'http://x.example/list', max_steps: 15 }])
  })
})
