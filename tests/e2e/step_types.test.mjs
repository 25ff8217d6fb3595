// Every step type of plans.md 8 that is not navigating, clicking or extracting, once with the real browser:
// one run over several pages of the practice site `widgets`, whose oracles say what reached it.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { startServer, startSite } from './lib/harness.mjs'

const open = (page) => ({ type: 'navigate', intent: `Open ${page}`, url: `{{ENV_URL}}/w/${page}` })
const send = (more) => ({ type: 'submit', intent: 'Press "Send request"', params: { label: 'Send request', ...more }, hints: { expect_text_present: ['has reached us'] } })
const select = (dropdown_label, option_label) => ({ type: 'select_option', intent: `Choose ${option_label}`, params: { dropdown_label, option_label } })

const plan = [
  open('select_native'),
  { type: 'detect_visible', intent: 'Is "Urgency" shown?', out_var: 'form' },
  { type: 'detect_visible', intent: 'Is "Out of order" shown?', out_var: 'broken' },
  { type: 'if_else', intent: 'Is there a form?', condition_var: 'form', then_target: 5, else_target: 4 },
  { type: 'done', intent: 'There is no form', params: { success: false } },
  select('Department', 'facilities'),
  select('Urgency', 'When there is time'),
  send(),
  open('select_multi'),
  select('Send me notices about', ['Canteen', 'Parking']),
  send(),
  open('select_portal'),
  select('Cost centre', '4200 Furniture'),
  send(),
  open('dblclick'),
  { type: 'double_click', intent: 'Change the number in the row of Sam Okafor', params: { label: '2333' } },
  { type: 'type_text', intent: 'The new number', params: { text: '2345' } },
  { type: 'key_press', intent: 'Keep it', params: { keys: 'Enter' } },
  open('context_menu'),
  { type: 'right_click', intent: 'Open the menu of the minutes', params: { label: 'minutes-may.txt' } },
  { type: 'submit', intent: 'Press "Archive"', params: { label: 'Archive', kind: 'menu_item' } },
  open('drag_board'),
  { type: 'drag', intent: 'Drag "Plants" onto "Done"', params: { start_label: 'Plants', end_label: 'Done' } },
  send(),
  open('new_tab'),
  { type: 'capture_link_in_new_tab', intent: 'Open "Open the survey" in a tab', emit: 'current_url_title' },
  { type: 'extract_url', intent: 'The page is still there' },
  { type: 'tool_call', intent: 'Tell them', name: 'mail', args: { to: 'desk' } },
  { type: 'wait', intent: 'only while it is broken', guard: 'broken', seconds: 1 },
  select('Nothing of the kind', 'x'),
  { type: 'done', intent: 'All is sent', params: { summary: 'four requests' } },
  { type: 'wait', intent: 'never done', seconds: 60 },
]
plan[29].required = false

let site, server, result, steps
const at = (i) => steps.find((s) => s.step === i)

before(async () => {
  site = await startSite('widgets')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
  const id = await server.submit({ task_suite: plan })
  await server.end(id, 150000)
  result = (await server.result(id)).result
  steps = result.step_details
})
after(async () => {
  await server?.stop()
  await site?.stop()
})

async function passed(task) {
  const oracle = await site.admin('GET', `/__env__/oracle?task_id=${task}`)
  assert.ok(oracle.passed, `${task}: ${oracle.reasons}`)
}

test('plans 8.11 detect_visible sets what if_else and guards go by', () => {
  assert.equal(at(1).data, 'detect_visible:form=True')
  assert.equal(at(2).data, 'detect_visible:broken=False')
  assert.equal(at(3).data, 'if_else:form=True:branch=then:target=5')
  assert.equal(at(4), undefined)
  assert.equal(at(28).data, 'guard:broken=False:skipped')
})

test('plans 8.6 select_option chooses in native lists, one and several, by keys and clicks', async () => {
  assert.equal(at(5).data, 'select:Department=facilities')
  assert.equal(at(6).data, 'select:Urgency=When there is time')
  assert.equal(at(9).data, 'select:Send me notices about=Canteen, Parking')
  await passed('select_native')
  await passed('select_multi')
})

test("plans 8.6 select_option chooses in a list of the page's own that comes late", async () => {
  assert.equal(at(12).data, 'select:Cost centre=4200 Furniture')
  await passed('select_portal')
})

test('plans 8.6 a drop-down that is not there is form_target_not_found', () => {
  assert.equal(at(29).data, 'form_target_not_found')
})

test('plans 8.11 double_click, type_text and key_press change a cell', async () => {
  assert.match(at(15).data, /^double_click:2333@\(\d+,\d+\)$/)
  assert.equal(at(16).data, 'type_text:<4 chars>')
  assert.equal(at(17).data, 'key_press:Enter')
  await passed('dblclick')
})

test('plans 8.6 right_click opens the menu of the page', async () => {
  assert.match(at(19).data, /^right_click:minutes-may.txt@\(\d+,\d+\)$/)
  await passed('context_menu')
})

test('agent-loop 2 drag moves in steps that a page can follow', async () => {
  assert.match(at(22).data, /^drag:Plants->Done@\(\d+,\d+\)->\(\d+,\d+\)$/)
  await passed('drag_board')
})

test('plans 8.11 capture_link_in_new_tab comes back to the page', () => {
  assert.match(at(25).data, /^capture_link:http:\/\/[^|]*\/w\/new_tab\/form\|.+/)
  assert.match(at(26).data, /\/w\/new_tab$/)
  assert.equal(result.collected_urls.length, 1)
})

test('agent-loop 19 a tool that is not there is said', () => {
  assert.match(at(27).data, /^tool:mail:not_registered:/)
})

test('plans 8.11 done ends the run, steps behind it are not done', () => {
  assert.equal(at(30).data, 'done:four requests')
  assert.equal(at(31), undefined)
  assert.equal(result.terminal_status, 'completed_with_failures')
})
