// The tasks of tests/e2e/tasks by the page brain: the site's oracle must say that each was done.
// script/test takes a sample with one seed; script/soak sets MANTIS_SOAK=1 and takes all of them with three.

import assert from 'node:assert/strict'
import test from 'node:test'
import { slow } from './lib/harness.mjs'
import { runTasks, tasksOf } from './lib/tasks.mjs'

const whole = process.env.MANTIS_SOAK === '1'
const sample = [ // beside those of the crash loop, which runs its own undisturbed first
  'crm/list_on_hold', 'flaky/consent', 'flaky/endless', 'flaky/moving', 'inbox/star_old', 'marketplace/search_and_filter', 'shop/kitchen_under_40',
]

test(`tasks by the page brain, ${whole ? 'all of them' : 'a sample'}`, { timeout: 7200000 * slow }, async (t) => {
  const tasks = tasksOf().filter((task) => whole || sample.includes(task.name))
  assert.ok(tasks.length >= sample.length)
  const failed = []
  await runTasks(tasks, whole ? [42, 43, 44] : [42], (task, seed, { stepSeconds, ...how }) => {
    if (whole) console.error(`${how.good ? 'ok  ' : 'FAIL'} ${task.name} seed ${seed}`)
    if (!how.good) failed.push(`${task.name} seed ${seed}: ${JSON.stringify(how)}`)
  })
  assert.deepEqual(failed, [])
})
