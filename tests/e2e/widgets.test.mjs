// Widgets that are hard for programs, each on the practice site "widgets" with the real browser: the site's
// oracle says whether it was done. A row is shown by the tasks it names (tests/e2e/tasks/widgets).

import assert from 'node:assert/strict'
import test from 'node:test'
import { slow, startServer, startSite } from './lib/harness.mjs'
import { runTask, tasksOf } from './lib/tasks.mjs'

const rows = [
  ['plans 8.4 a day goes into the browser\'s own date field', 'date_native'],
  ['plans 8.4 a field that takes no typing is filled from its calendar', 'date_custom'],
  ['plans 8.4 sliders are moved until they show the value', 'slider_native', 'slider_div'],
  ['plans 8.4 a box per character is filled as one field', 'otp_boxes'],
  ['plans 8.4 a field that rewrites what is typed is read back', 'masked'],
  ['plans 8.4 contenteditable takes the text', 'editor'],
  ['plans 8.4 cells that become fields when they are entered are gone to with Tab', 'cell_focus'],
  ['plans 8.4 fields in frames of either origin are filled', 'frame_same', 'frame_other'],
  ['plans 8.4 fields in open and closed shadow roots are filled', 'shadow_open', 'shadow_closed'],
  ['plans 8.4 a file of the run goes to a file chooser', 'upload'],
  ['plans 8.4 a time, a number, chips and a box of three states are set', 'booking'],
  ['plans 8.5 a confirm box about what is pressed is accepted', 'confirm'],
  ['plans 8.5 a prompt box gets params.dialog_text', 'prompt'],
  ['plans 8.5 a button is found in a list that shows only what is in view', 'virtual'],
  ['plans 8.5 an icon is found by what it says when pointed at', 'tooltip'],
  ['plans 8.5 entries of a menu that follows the pointer are clicked', 'hover_menu'],
  ['plans 8.5 switches and boxes that were drawn anew are clicked at their labels', 'toggles'],
  ['plans 8.1 a server that asks for a name and password gets those of the step', 'basic_auth'],
  ['plans 8.11 things are dragged into an order', 'drag_list'],
  ['plans 8.11 a double click edits a cell', 'dblclick'],
  ['agent-loop 3 a place is clicked where the screenshot shows it', 'canvas'],
  ['agent-loop 4 a suggestion that comes late is waited for', 'autocomplete'],
]

const tasks = new Map(tasksOf('widgets').map((task) => [task.name.split('/')[1], task]))
let site, server

test.before(async () => {
  site = await startSite('widgets')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
})
test.after(async () => {
  await server?.stop()
  await site?.stop()
})

for (const [i, [row, ...names]] of rows.entries()) {
  test(row, { timeout: 200000 * slow }, async () => {
    for (const name of names) {
      const how = await runTask(server, site, tasks.get(name), 42 + (i % 2)) // both kinds of markup
      assert.ok(how.good, `${name}: ${JSON.stringify(how)}`)
    }
  })
}

test('plans 8.1 a server that asks for a name and password nobody gave is http_4xx', { timeout: 100000 * slow }, async () => {
  const task = structuredClone(tasks.get('basic_auth'))
  delete task.plan.steps[0].params.username
  const how = await runTask(server, site, task, 42)
  assert.ok(!how.oracle)
  assert.match(how.failed[0], /^0: http_4xx: basic auth required/)
})

test('plans 8.5 a confirm box that is not meant is declined, and the data says so', { timeout: 100000 * slow }, async () => {
  const task = structuredClone(tasks.get('confirm'))
  task.plan.steps[1].params.dialog = 'dismiss'
  const declined = await runTask(server, site, task, 42)
  assert.ok(!declined.good)
  assert.deepEqual(declined.reasons, ['no request was sent'])
})

test('plans 8.4 what is no file of the run cannot be uploaded', { timeout: 100000 * slow }, async () => {
  const task = structuredClone(tasks.get('upload'))
  for (const step of task.plan.steps) if (step.params?.value === 'inspection-form.csv') step.params.value = '../../payload.json'
  const how = await runTask(server, site, task, 42)
  assert.ok(!how.oracle)
})

test('a download is told of with its name and size', { timeout: 100000 * slow }, async () => {
  const how = await runTask(server, site, tasks.get('download'), 42)
  const events = (await server.predict({ action: 'logs', run_id: how.run })).json.events.map((line) => JSON.parse(line))
  const { message, detail } = events.find((e) => /^downloaded /.test(e.message)) || {}
  const file = (await server.result(how.run)).result.artifacts.find((a) => a.source === 'download')
  assert.ok(file.bytes > 20, JSON.stringify(file))
  assert.deepEqual([message, detail?.name, detail?.bytes], [`downloaded 'inspection-form.csv' (${file.bytes} bytes)`, 'inspection-form.csv', file.bytes])
})
