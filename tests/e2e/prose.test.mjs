// One task of every practice site that has such, in words: plan_text becomes steps, the page brain carries them
// out, and the site's oracle says that it was done.

import assert from 'node:assert/strict'
import test from 'node:test'
import { slow } from './lib/harness.mjs'
import { runTasks, tasksOf } from './lib/tasks.mjs'

const tasks = tasksOf().filter((task) => task.plan_text)

test('plans 11 every practice site has a task in words', () => {
  assert.deepEqual([...new Set(tasks.map((t) => t.site))].sort(), ['crm', 'flaky', 'inbox', 'marketplace', 'shop', 'widgets'])
})

test('plans 11 words are carried out as their steps would be', { timeout: 600000 * slow }, async () => {
  const failed = []
  await runTasks(tasks, [42], (task, seed, how) => {
    if (!how.good) failed.push(`${task.name}: ${JSON.stringify(how)}`)
  })
  assert.deepEqual(failed, [])
})
