// plan_schema.test.mjs - `mantis plan schema` against every plan of the tree, by a public validator (ajv).

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { bin, root } from './lib/harness.mjs'
import { fromNpm, needs } from './lib/npm.mjs'

const ajv = await fromNpm('ajv')
const schema = JSON.parse(execFileSync(bin, ['plan', 'schema'], { encoding: 'utf8' }))

function filesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((e) => {
    const file = path.join(folder, e.name)
    return e.isDirectory() ? filesBelow(file) : e.name.endsWith('.json') ? [file] : []
  })
}

const read = (file) => JSON.parse(fs.readFileSync(file))

function checker(ref) {
  const Ajv = ajv.default || ajv
  const one = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
  one.addSchema(schema, 'plan')
  return one.getSchema(`plan${ref}`)
}

const click = { type: 'click', intent: 'Press "A"', params: { label: 'A' } }
const go = { type: 'navigate', intent: 'Open https://a.test/' }

// [what is wrong, plan, where the complaint stands]
const bad = [
  ['no plan', 5, ''],
  ['no steps', { runtime: {} }, ''],
  ['a step that is none', [5], '/0'],
  ['no intent', [{ type: 'click' }], '/0'],
  ['no type', [{ intent: 'x' }], '/0'],
  ['an empty intent', [{ ...click, intent: '' }], '/0/intent'],
  ['a long intent', [{ ...click, intent: 'x'.repeat(4097) }], '/0/intent'],
  ['a misspelt key', [{ ...click, requird: true }], '/0'],
  ['words for a flag', [{ ...click, required: 'perhaps' }], '/0/required'],
  ['a target before the plan', [go, { type: 'loop', intent: 'again', loop_target: -2 }], '/1/loop_target'],
  ['navigate without an address', [{ type: 'navigate', intent: 'Open the shop' }], '/0'],
  ['fill_field without a value', [{ type: 'fill_field', intent: 'x', params: { label: 'A' } }], '/0/params'],
  ['a value that is no text', [{ type: 'fill_field', intent: 'x', params: { value: {} } }], '/0/params/value'],
  ['a layout nobody knows', [{ ...click, hints: { layout: 'grid' } }], '/0/hints/layout'],
  ['a kind nobody knows', [{ ...click, params: { kind: 'knob' } }], '/0/params/kind'],
  ['half a region', [{ ...click, hints: { region: { x: 1, y: 2 } } }], '/0/hints/region'],
  ['a field without a name', [{ type: 'extract_data', intent: 'x', extract: { fields: [{ type: 'str' }] } }], '/0/extract/fields/0'],
  ['a field of no type', [{ type: 'extract_data', intent: 'x', extract: { fields: [{ name: 'a', type: 'money' }] } }], '/0/extract/fields/0'],
  ['a body of what is no loop', [{ ...click, steps: [go] }], '/0/type'],
  ['a bad step in a body', [{ type: 'loop', intent: 'x', steps: [{ type: 'click' }] }], '/0/steps/0'],
  ['a runtime key nobody knows', { steps: [go], runtime: { max_costs: 1 } }, '/runtime'],
  ['a cap of nothing', { steps: [go], runtime: { max_cost: 0 } }, '/runtime/max_cost'],
  ['a backend nobody knows', { steps: [go], runtime: { compute_backend: 'moon' } }, '/runtime/compute_backend'],
  ['a key nobody knows', { steps: [go], step: [] }, ''],
  ['a task without an intent', { tasks: [{ task_id: 't' }] }, '/tasks/0'],
]

const good = [
  ['no step at all', []],
  ['a nested loop', [go, { type: 'loop', intent: 'twice', loop_count: 2, steps: [click] }]],
  ['a type nobody knows', [{ type: 'dance', intent: 'x' }]],
  ['the address in the intent', [go]],
  ['the practice site', [{ type: 'navigate', intent: 'Open', url: '{{ENV_URL}}/' }]],
  ['aliases of keys', [{ action: 'click', intent: 'x', expected_outcome: 'y', reverse_action: 'escape', max_steps: 3 }]],
  ['a suite of tasks', { session_name: 's', base_url: '', tasks: [{ task_id: 't', intent: 'x', verify: { type: 'url_contains', value: 'a' } }] }],
  ['what a dry run answers', { session_name: 's', base_url: '', tasks: [], _micro_plan: [go], _plan_signature: 'x' }],
]

test('the schema is one that a public validator takes', needs(ajv), () => {
  assert.equal(typeof checker(''), 'function')
})

for (const [folder, ref, pick] of [
  ['plans', '', (d) => d],
  ['recipes', '#/definitions/extract', (d) => d],
  ['tests/e2e/tasks', '', (d) => d.plan || d.task_suite],
])
  test(`plans 13 every plan of ${folder} is one to the schema, and to the validator`, needs(ajv), () => {
    const check = checker(ref), files = filesBelow(path.join(root, folder))
    assert.ok(files.length > 2)
    for (const file of files) {
      const plan = pick(read(file))
      if (!plan) continue
      assert.ok(check(plan), `${file}: ${JSON.stringify(check.errors?.slice(0, 3))}`)
      if (ref) continue
      const r = spawnSync(bin, ['plan', 'validate', '-', '--json'], { input: JSON.stringify(plan), encoding: 'utf8' })
      assert.ok(r.stdout.startsWith('{'), `${file}: ${r.stderr}`)
    }
  })

test('plans 13 the schema refuses what no plan is, and says where', needs(ajv), () => {
  const check = checker('')
  for (const [what, plan, where] of bad) {
    assert.equal(check(plan), false, what)
    assert.ok(check.errors.some((e) => e.instancePath === where), `${what}: ${JSON.stringify(check.errors.map((e) => e.instancePath))}`)
  }
  for (const [what, plan] of good) assert.ok(check(plan), `${what}: ${JSON.stringify(check.errors?.slice(0, 3))}`)
})

test('plans 13 the written form of a plan in words is one to the schema', needs(ajv), () => {
  const check = checker('')
  const words = 'Open https://a.test/. Log in as ada with password x1. Open the first 3 boats, extract year and price, go back. Repeat for up to 2 pages.'
  const r = spawnSync(bin, ['plan', 'validate', '-', '--fix'], { input: words, encoding: 'utf8' })
  const plan = JSON.parse(r.stdout)
  assert.ok(check(plan), JSON.stringify(check.errors))
  assert.ok(plan.steps.some((s) => s.gate), 'the gate that was missing was put in')
  assert.match(r.stderr, /fixed: step\[3\]/)
})
