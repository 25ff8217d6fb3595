// A plan of 200 steps with nested loops: how long it takes to check, and what a step costs beside its work.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { bin, startServer, tempDir } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = Number(process.env.ROUNDS || 3)
const wait = (i) => ({ type: 'wait', intent: `step ${i}`, params: { seconds: 0 } })
const loop = (count, steps) => ({ type: 'loop', intent: `${count} times`, loop_count: count, steps })

// 3 x (2 x 20 + 12) + the rest: 200 steps of which loops run some several times.
function nested() {
  const steps = []
  for (let block = 0; block < 5; block++)
    steps.push(loop(3, [loop(2, Array.from({ length: 20 }, (_, i) => wait(i))), ...Array.from({ length: 12 }, (_, i) => wait(i))]))
  while (steps.length < 5 + 200 - 5 * 34) steps.push(wait(steps.length))
  return steps
}

const dir = tempDir('bench-plan')
const file = path.join(dir, 'nested.json')
const plan = nested()
fs.writeFileSync(file, JSON.stringify(plan))
const walk = JSON.parse(execFileSync(bin, ['plan', 'walk', file, '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 }))

const bench = path.join(path.dirname(bin), 'tests/bench/bench_plan')
const validate = Number(execFileSync(bench, [file], { encoding: 'utf8' }))
console.log(`validate ${walk.step_count} steps       ${validate.toFixed(2)} ms   (median of 101, processor time from text to findings; aim <= 5)`)

// In one process, on a fake page: the runner's own work, both ends of the message, the commit in the store.
const flat = path.join(dir, 'flat.json')
const dry = JSON.parse(execFileSync(bin, ['plan', 'dry-run', file, '--json'], { encoding: 'utf8' }))
fs.writeFileSync(flat, JSON.stringify(dry.steps.map(({ index, ...step }) => step)))
const [n, all, runner, send, receive, store, first, last] = execFileSync(path.join(path.dirname(bin), 'tests/bench/bench_steps'), [flat, path.join(dir, 'store.db')], { encoding: 'utf8' }).split(' ').map(Number)
console.log(`overhead per step         ${all.toFixed(2)} ms   (processor time, mean of ${n} steps; aim <= 2; runner ${runner}, send ${send}, receive ${receive}, store ${store})`)
console.log(`  first and last 100      ${first.toFixed(2)} ms, ${last.toFixed(2)} ms`)

const server = await startServer({})
const perStep = []
let shares = {}
for (let i = 0; i < rounds; i++) {
  const id = await server.submit({ task_suite: plan, profile_id: `plan${i}` })
  const status = await server.end(id, 300000)
  const { result } = await server.result(id)
  if (status.status !== 'succeeded') throw new Error(JSON.stringify(status))
  const steps = walk.visits.length
  const details = result.step_details
  const first = Date.parse(details[0].started_at ?? ''), last = Date.parse(details.at(-1).ended_at ?? '')
  const ms = Number.isNaN(first) ? result.total_time_s * 1000 : last - first
  perStep.push(ms / steps)
  for (const [name, s] of Object.entries(result.wall_time_breakdown || {})) (shares[name] ||= []).push((s * 1000) / steps)
}
await server.stop()
fs.rmSync(dir, { recursive: true })
console.log(`a waiting step, whole     ${median(perStep).toFixed(2)} ms   (median of ${rounds} runs of ${walk.visits.length} steps; a real browser, which is looked at after each)`)
for (const [name, ms] of Object.entries(shares)) console.log(`  ${name.padEnd(22)} ${median(ms).toFixed(3)} ms`)
