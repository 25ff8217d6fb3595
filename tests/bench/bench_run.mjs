// The demo's run: seconds from POST to terminal, and the buckets its time went into.

import { startServer, startSite } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = 5
const site = await startSite('marketplace')
const server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
const total = [], buckets = {}, perceive = []
for (let i = 0; i < rounds; i++) {
  const began = performance.now()
  const id = await server.submit({ micro: 'plans/example/extract_listings.json', profile_id: `bench${i}` })
  const status = await server.end(id)
  total.push((performance.now() - began) / 1000)
  const { result } = await server.result(id)
  if (status.status !== 'succeeded' || result.viable !== 3) throw new Error(`run ${id}: ${JSON.stringify(status)}`)
  for (const [name, s] of Object.entries(result.wall_time_breakdown)) (buckets[name] ||= []).push(s)
  for (const step of result.step_details) perceive.push(step.time_breakdown.perceive * 1000)
}
await server.stop()
await site.stop()
console.log(`POST to terminal          ${median(total).toFixed(2)} s    (median of ${rounds}; aim <= 15)`)
console.log(`perceive per step         ${median(perceive).toFixed(1)} ms   (median of ${perceive.length} steps; aim <= 10)`)
for (const [name, s] of Object.entries(buckets)) console.log(`  ${name.padEnd(28)} ${median(s).toFixed(3)} s`)
