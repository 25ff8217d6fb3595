// What recording costs: the example plan again and again, in turn not recorded and recorded in every way, so that what else
// the machine does falls on all alike; who comes first changes from round to round. A recorded step is compared with the same step of the
// same round that was not recorded; as many pairs as steps and rounds, and between what bounds their median is.

import { startServer, startSite } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = Number(process.env.ROUNDS || 6)
const all = {
  'mp4 both, 5 fps': { record_video: true },
  'mp4 polished, 5 fps': { record_video: true, video_cuts: 'polished' },
  'webm polished, 5 fps': { record_video: true, video_cuts: 'polished', video_format: 'webm' },
  'gif polished, 5 fps': { record_video: true, video_cuts: 'polished', video_format: 'gif' },
  'mp4 polished, 30 fps': { record_video: true, video_cuts: 'polished', video_fps: 30 },
}
const ways = Object.keys(all).filter((w) => w.startsWith(process.env.WAY || ''))
const site = await startSite('marketplace')
const server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
const videos = Object.fromEntries(ways.map((w) => [w, []])), steps = structuredClone(videos), added = structuredClone(videos), plain = []

// Steps' milliseconds, and the video.
async function run(body) {
  const id = await server.submit({ micro: 'plans/example/extract_listings.json', max_cost: 2, profile_id: 'bench', ...body })
  await server.end(id, 200000)
  const { result } = await server.result(id)
  const ms = result.step_details.map((s) => s.duration * 1000)
  return { ms, video: result.video && { ...result.video, perStep: (1000 * result.video.encoder.run_seconds) / ms.length } }
}

await run({}) // what is slow for the first of all
for (let i = 0; i < rounds; i++) {
  const got = {}, order = ['none', ...ways]
  for (let k = 0; k < order.length; k++) {
    const way = order[(k + i) % order.length]
    got[way] = await run(all[way] || {})
  }
  plain.push(...got.none.ms)
  for (const way of ways) {
    const { ms, video } = got[way]
    steps[way].push(...ms)
    videos[way].push(video)
    if (ms.length === got.none.ms.length) added[way].push(...ms.map((v, k) => v - got.none.ms[k]))
  }
}

// 95 % of medians of such pairs lie between these ranks.
function bounds(values) {
  const sorted = [...values].sort((a, b) => a - b), n = sorted.length, half = 0.98 * Math.sqrt(n)
  return [sorted[Math.max(0, Math.floor(n / 2 - half))], sorted[Math.min(n - 1, Math.ceil(n / 2 + half))]]
}

console.log(`${'none'.padEnd(22)} step ${median(plain).toFixed(0)} ms`)
for (const way of ways) {
  const of = (fn) => median(videos[way].map(fn)), [low, high] = bounds(added[way])
  console.log(`${way.padEnd(22)} step ${median(steps[way]).toFixed(0)} ms, ` +
    `${median(added[way]).toFixed(1)} ms more (95 %: ${low.toFixed(1)} to ${high.toFixed(1)}, ${added[way].length} pairs; aim <= 5); ` +
    `encoder ${(100 * of((v) => v.encoder.cpu_seconds / Math.max(v.duration_seconds, v.polished_duration_seconds - 8))).toFixed(1)} % of a core (aim <= 10), ` +
    `${of((v) => v.perStep).toFixed(2)} ms a step for pictures of the screen, ` +
    `complete ${(1000 * of((v) => v.encoder.finish_seconds)).toFixed(0)} ms after the run (aim <= 2000), ${(of((v) => v.polished_bytes) / 1024).toFixed(0)} KB, ${of((v) => v.dropped_frames)} frames dropped`)
}
await server.stop()
await site.stop()
