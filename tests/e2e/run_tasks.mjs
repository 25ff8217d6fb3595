// run_tasks.mjs - the tasks of tests/e2e/tasks against a real server and real sites: does the site's
// oracle say that it was done, and are the rows the true ones? A tool, not a test: node run_tasks.mjs
// [FILE...] [--seeds 42,43,44] [--json] [--keep DIR] (DIR: the server's data stay there).

import { runTasks, taskIn, tasksOf } from './lib/tasks.mjs'

const args = process.argv.slice(2)
const option = (name, def) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : def)
const asJson = args.includes('--json') && args.splice(args.indexOf('--json'), 1)
const keep = option('--keep', null)
const seeds = option('--seeds', '42,43,44').split(',').map(Number)

let bad = 0
await runTasks(args.length ? args.map(taskIn) : tasksOf(), seeds, (task, seed, { stepSeconds, ...how }) => {
  bad += !how.good
  if (asJson) console.log(JSON.stringify({ task: task.name, seed, ...how }))
  else {
    console.log(`${how.good ? 'ok  ' : 'FAIL'} ${task.name} seed ${seed} ${how.refused ? '' : `${how.seconds.toFixed(1)} s`}`)
    if (!how.good) console.log(`     ${how.refused ? `refused: ${how.refused}` : JSON.stringify(how)}`)
  }
}, { dir: keep || undefined })
process.exitCode = bad ? 1 : 0
