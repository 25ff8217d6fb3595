// What recording costs: the example plan again and again, not recorded and recorded in turn, so that what else
// the machine does falls on all alike. Steps of the loop's turns are compared place by place.

import { startServer, startSite } from '../e2e/lib/harness.mjs'
import { median } from './lib.mjs'

const rounds = Number(process.env.ROUNDS || 4)
const ways = {
  none: {},
  'mp4 polished, 5 fps': { record_video: true, video_cuts: 'polished' },
  'mp4 both, 5 fps': { record_video: true },
  'webm polished, 5 fps': { record_video: true, video_cuts: 'polished', video_format: 'webm' },
  'gif polished, 5 fps': { record_video: true, video_cuts: 'polished', video_format: 'gif' },
  'mp4 polished, 30 fps': { record_video: true, video_cuts: 'polished', video_fps: 30 },
}
const site = await startSite('marketplace')
const server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
const steps = Object.fromEntries(Object.keys(ways).map((w) => [w, []])), videos = structuredClone(steps)

for (let i = 0; i < rounds; i++)
  for (const [name, body] of Object.entries(ways)) {
    const id = await server.submit({ micro: 'plans/example/extract_listings.json', max_cost: 2, profile_id: 'bench', ...body })
    await server.end(id, 200000)
    const { result } = await server.result(id)
    steps[name].push(result.step_details.map((s) => s.duration * 1000))
    if (result.video) videos[name].push({ ...result.video, perStep: (1000 * result.video.encoder.run_seconds) / result.step_details.length })
  }

// The median over places of the median step there: places differ more than ways do.
const typical = (runs) => median(runs[0].map((_, k) => median(runs.map((r) => r[k] ?? 0))))
const added = (runs, others) => median(runs[0].map((_, k) => median(runs.map((r) => r[k])) - median(others.map((r) => r[k]))))
for (const [name, runs] of Object.entries(steps)) {
  const of = (fn) => median(videos[name].map(fn))
  console.log(`${name.padEnd(22)} ` + (`step ${typical(runs).toFixed(0)} ms` + (name === 'none' ? '' :
    `, ${added(runs, steps.none).toFixed(1)} ms more; encoder ${(100 * of((v) => v.encoder.cpu_seconds / Math.max(v.duration_seconds, v.polished_duration_seconds - 8))).toFixed(1)} % of a core, ` +
    `${of((v) => v.perStep).toFixed(2)} ms a step for pictures of the screen, ` +
    `complete ${(1000 * of((v) => v.encoder.finish_seconds)).toFixed(0)} ms after the run, ${(of((v) => v.polished_bytes) / 1024).toFixed(0)} KB, ${of((v) => v.dropped_frames)} frames dropped`)))
}
await server.stop()
await site.stop()
