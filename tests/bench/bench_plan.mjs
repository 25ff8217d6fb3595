// A plan of 200 steps with nested loops: how long it takes to check, and what a step costs beside its work.

import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { bin, startServer } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = 21
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

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mantis-bench-'))
const file = path.join(dir, 'nested.json')
const plan = nested()
fs.writeFileSync(file, JSON.stringify(plan))
const walk = JSON.parse(execFileSync(bin, ['plan', 'walk', file, '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 }))

function spawnTime(args) {
  const times = []
  for (let i = 0; i < rounds; i++) {
    const began = performance.now()
    spawnSync(bin, args, { stdio: 'ignore' })
    times.push(performance.now() - began)
  }
  return median(times)
}

const start = spawnTime(['--version'])
const whole = spawnTime(['plan', 'validate', file])
console.log(`validate ${walk.step_count} steps        ${(whole - start).toFixed(2)} ms   (median of ${rounds}, without the ${start.toFixed(1)} ms a program needs to start; aim <= 5)`)

const server = await startServer({})
const perStep = []
let shares = {}
for (let i = 0; i < 3; i++) {
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
console.log(`overhead per step        ${median(perStep).toFixed(2)} ms   (median of 3 runs of ${walk.visits.length} steps; aim <= 2)`)
for (const [name, ms] of Object.entries(shares)) console.log(`  ${name.padEnd(22)} ${median(ms).toFixed(3)} ms`)
