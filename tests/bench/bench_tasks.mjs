// Every task of tests/e2e/tasks with three seeds: did the site's oracle say that it was done, how long did
// its steps take, and all of them. MANTIS_TASK_SITES=crm,shop and MANTIS_TASK_SEEDS=42 narrow it.

import { runTasks, tasksOf } from '../e2e/lib/tasks.mjs'
import { median, percentile } from './lib.mjs'

const list = (name) => (process.env[name] || '').split(',').filter(Boolean)
const seeds = list('MANTIS_TASK_SEEDS').map(Number)
const all = [], done = { runs: 0, good: 0 }
let steps = [], marks = []

const ms = (values, of) => `${(of(values) * 1000).toFixed(0)} ms`.padStart(9)
function line(name, how) {
  console.log(`${name.padEnd(28)} ${how.padEnd(18)} ${String(steps.length).padStart(4)} steps ` +
    (steps.length ? `${ms(steps, median)} median ${ms(steps, (v) => percentile(v, 95))} p95` : ''))
}

const given = seeds.length ? seeds : [42, 43, 44]
await runTasks(tasksOf(...list('MANTIS_TASK_SITES')), given, (task, seed, how) => {
  done.runs++
  done.good += how.good
  marks.push(`${seed}:${how.good ? 'pass' : 'FAIL'}`)
  steps.push(...(how.stepSeconds || []))
  all.push(...(how.stepSeconds || []))
  if (!how.good) console.log(`     ${task.name} seed ${seed}: ${how.refused || `${how.status} ${how.halt}, oracle ${how.oracle ? 'yes' : `no (${how.reasons})`}, rows ${how.rows}`}`)
  if (marks.length < given.length) return
  line(task.name, marks.join(' '))
  steps = []
  marks = []
})
steps = all
line('total', `${done.good} of ${done.runs} runs`)
process.exitCode = done.good === done.runs ? 0 : 1
