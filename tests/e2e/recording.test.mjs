// A recorded run as a caller gets it: the video, its chapters and captions, what is drawn over it, what is masked in
// it, and what is left of it when the worker is killed.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { Server, slow, startSite, tempDir, until, victim } from './lib/harness.mjs'
import { legible } from './lib/ocr.mjs'

const listings = { micro: 'plans/example/extract_listings.json', max_cost: 2, record_video: true }
const codecs = { mp4: 'h264', webm: 'vp9', gif: 'gif' }
const dir = tempDir('video')
let site, server

before(async () => {
  site = await startSite('marketplace')
  server = await new Server({ env: { MANTIS_ENV_URL: site.url } }).start()
})
after(async () => {
  await server?.stop()
  await site?.stop()
  fs.rmSync(dir, { recursive: true, force: true })
})

const fetchVideo = (s, id, query = '', headers = {}) =>
  fetch(`${s.base}/v1/runs/${id}/video${query}`, { headers: { 'X-Mantis-Token': s.token, ...headers } })
async function saved(s, id, query = '') {
  const r = await fetchVideo(s, id, query)
  assert.equal(r.status, 200)
  const file = path.join(dir, r.headers.get('content-disposition').match(/filename="(.*)"/)[1].replace('.', query ? '-raw.' : '.'))
  fs.writeFileSync(file, Buffer.from(await r.arrayBuffer()))
  return file
}
function probe(file) {
  const doc = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-show_chapters', '-of', 'json', file]))
  return { video: doc.streams.find((s) => s.codec_type === 'video'), seconds: Number(doc.format.duration), chapters: doc.chapters }
}
const W = 1280, H = 720
// The picture at a time, RGB.
const picture = (file, s) => execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-ss', String(s), '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { maxBuffer: 1 << 24 })
// All pictures between two times, half as wide and high, RGB: one decoding.
function halves(file, from, to) {
  const size = 3 * (W / 2) * (H / 2)
  const all = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-ss', String(from), '-t', String(to - from), '-vf', `scale=${W / 2}:-1:flags=neighbor`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { maxBuffer: 1 << 30 })
  return Array.from({ length: Math.floor(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size))
}
const at = (rgb, x, y) => [...rgb.subarray(3 * (y * W + x), 3 * (y * W + x) + 3)]
const isOrange = ([r, , b]) => r > 150 && r > b + 60
const bar = 'crop=1280:46:0:674' // the line of the caption that says what is being done
function words(file, s, crop) {
  const png = path.join(dir, 'frame.png')
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-ss', String(s), '-frames:v', '1', '-vf', crop ? `${crop},negate,scale=3840:-1:flags=lanczos` : 'scale=1920:-1', png])
  return execFileSync('tesseract', [png, '-', '--psm', '6'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
}
const videoDir = (r) => path.dirname(r.video.polished_path ?? r.video.path)
const seconds = (t) => t.split(':').reduce((a, b) => a * 60 + Number(b), 0)
function cues(file) {
  return fs.readFileSync(file, 'utf8').split('\n\n').filter((c) => c.includes(' --> ')).map((c) => {
    const [times, text] = c.trim().split('\n')
    const [from, to] = times.split(' --> ').map(seconds)
    return { from, to, text }
  })
}
async function run(s, body) {
  const id = await s.submit(body)
  const status = await s.end(id, 120000)
  return { id, status, result: (await s.result(id)).result }
}

let first // the example plan's run, for every test that needs just some video
const example = () => first ??= run(server, { ...listings, profile_id: 'mp4', video_fps: 10 })

test('http-api 17 the example plan is recorded: length, codec, size, rate, chapters, captions, ripples', { timeout: 300000 }, async () => {
  const { id, status, result } = await example()
  assert.equal(status.status, 'succeeded')
  const v = result.video
  assert.equal(v.error, null)
  assert.equal(v.format, 'mp4')
  assert.equal(v.actions.clicks, v.clicks)
  assert.ok(v.actions.clicks >= 6, JSON.stringify(v.actions)) // three boats, three phone numbers
  assert.deepEqual(status.summary.video, v)
  const raw = await saved(server, id, '?raw=1'), polished = await saved(server, id)
  const events = await server.events(id)
  const ms = (e) => Date.parse(e.ts)
  const steps = events.filter((e) => e.kind === 'step_start' || e.kind === 'step_end')
  const ran = (ms(steps.at(-1)) - ms(steps[0])) / 1000
  for (const [file, more] of [[raw, 0], [polished, 8]]) {
    const p = probe(file)
    assert.ok(Math.abs(p.seconds - more - v.duration_seconds) < 0.11, `${p.seconds}`)
    assert.ok(Math.abs(result.total_time_s - v.encoder.finish_seconds - (p.seconds - more)) < 0.3 * slow, `${p.seconds} of ${result.total_time_s}, complete after ${v.encoder.finish_seconds}`)
    assert.ok(p.seconds - more > ran - 0.3, `${p.seconds} for ${ran}`)
    assert.equal(p.video.codec_name, 'h264')
    assert.deepEqual([p.video.width, p.video.height], [W, H])
    assert.equal(p.video.avg_frame_rate, '10/1')
    assert.equal(p.chapters.filter((c) => /^Row \d/.test(c.tags.title)).length, 3)
    assert.equal(p.chapters.filter((c) => /^\d\/7 /.test(c.tags.title)).length, 14)
  }
  const captions = cues(path.join(videoDir(result), 'recording_polished.vtt'))
  assert.equal(captions.length, 14)
  for (const c of captions) assert.match(c.text, /^\[OK\] \d\/7 /)
  const open = captions.find((c) => c.text.includes('3/7 Click'))
  const back = captions.find((c) => c.text.includes('6/7 Go back'))
  assert.match(words(polished, (open.from + open.to) / 2, bar), /3\/7\s+Click.*Open the next boat/)
  assert.match(words(polished, (back.from + back.to) / 2, bar), /6\/7\s+Go back/)
  assert.match(words(polished, 1), /Open the boats that private sellers offer/)
  assert.match(words(polished, probe(polished).seconds - 2), /completed[\s\S]*\$/)
  // The dot in the middle of the ring, where it was clicked, in some picture of the step.
  const { steps: done } = await (await fetch(`${server.base}/v1/runs/${id}/steps`, { headers: { 'X-Mantis-Token': server.token } })).json()
  const { x, y } = done[2].last_action.params, middle = 3 * (Math.floor(y / 2) * (W / 2) + Math.floor(x / 2))
  const seen = halves(polished, open.from, Math.min(open.to + 0.7, open.from + 20)).some((rgb) => isOrange(rgb.subarray(middle, middle + 3)))
  assert.ok(seen, 'no ripple was drawn')
})

for (const format of ['webm', 'gif'])
  test(`http-api 17 ${format}: one cut when one is asked for`, { timeout: 200000 }, async () => {
    const cuts = format === 'gif' ? 'raw' : 'polished'
    const { id, result } = await run(server, { task_suite: { steps: [{ type: 'navigate', intent: 'Open it', params: { url: site.url } }, { type: 'wait', intent: 'Wait', params: { seconds: 1 } }] }, profile_id: format, record_video: true, video_format: format, video_cuts: cuts })
    const p = probe(await saved(server, id))
    assert.equal(result.video.error, null)
    assert.equal(p.video.codec_name, codecs[format])
    assert.equal(p.video.avg_frame_rate, '5/1')
    assert.equal(format === 'gif' ? result.video.path !== undefined : result.video.polished_path !== undefined, true)
    const asRaw = await fetchVideo(server, id, '?raw=1')
    assert.equal(asRaw.status, format === 'gif' ? 200 : 404)
    if (format === 'webm') assert.match((await asRaw.json()).detail, /only the polished cut.*'video_cuts': "raw" or "both"/)
    assert.ok(Math.abs(result.video.duration_seconds - p.seconds) < 0.3, `${result.video.duration_seconds} of ${p.seconds}`) // of the only one
    if (format === 'webm') assert.equal(p.chapters.length, 2)
  })

test('http-api 17 Range, ETag and conditions', { timeout: 120000 }, async () => {
  const { id } = await example()
  const all = await fetchVideo(server, id)
  const bytes = Buffer.from(await all.arrayBuffer()), etag = all.headers.get('etag')
  assert.equal(all.headers.get('content-type'), 'video/mp4')
  assert.equal(all.headers.get('accept-ranges'), 'bytes')
  assert.equal(all.headers.get('content-disposition'), `attachment; filename="${id}.mp4"`)
  assert.match(etag, /^"[^"]+"$/)
  const part = async (headers) => {
    const r = await fetchVideo(server, id, '', headers)
    return { status: r.status, range: r.headers.get('content-range'), body: Buffer.from(await r.arrayBuffer()) }
  }
  const n = bytes.length
  for (const [range, from, to] of [['0-99', 0, 100], ['100-', 100, n], ['-50', n - 50, n], [`${n - 1}-${n + 10}`, n - 1, n], [`-${n + 5}`, 0, n]]) {
    const r = await part({ Range: `bytes=${range}` })
    assert.deepEqual([r.status, r.range], [206, `bytes ${from}-${to - 1}/${n}`], range)
    assert.ok(r.body.equals(bytes.subarray(from, to)), range)
  }
  for (const range of [`bytes=${n}-`, 'bytes=-0']) {
    const r = await part({ Range: range })
    assert.deepEqual([r.status, r.range], [416, `bytes */${n}`], range)
    assert.match(JSON.parse(r.body).detail, /Range/)
  }
  for (const range of ['bytes=0-1,4-5', 'bytes=9-2', 'lines=0-1', 'bytes=x-', 'bytes=-', '0-5']) assert.equal((await part({ Range: range })).status, 200, range)
  assert.equal((await part({ Range: 'bytes=0-1', 'If-Range': etag })).status, 206)
  assert.equal((await part({ Range: 'bytes=0-1', 'If-Range': '"another"' })).status, 200)
  const same = await part({ 'If-None-Match': etag })
  assert.deepEqual([same.status, same.body.length], [304, 0])
  assert.equal((await part({ 'If-None-Match': '"another"' })).status, 200)
})

const waits = (n, more) => ({ task_suite: { steps: Array.from({ length: n }, (_, i) => ({ type: 'wait', intent: `Wait ${i + 1}`, params: { seconds: i ? 60 : 0.2 } })) }, record_video: true, ...more })
const killWorker = () => process.kill(victim(server.child.pid, 'worker').pid, 'SIGKILL')
// Of the video, while the run goes on.
const recorded = async (id, most) => {
  const r = await fetchVideo(server, id)
  return r.status === 200 && (await r.arrayBuffer()).byteLength > 8000 && probe(await saved(server, id)).seconds > most
}

test('a worker that is killed leaves a video that plays, and the next attempt goes on in it', { timeout: 300000 }, async () => {
  const id = await server.submit({ ...listings, profile_id: 'killed', video_cuts: 'polished' })
  await until(90000 * slow, 'some steps', async () => (await server.events(id)).filter((e) => e.kind === 'step_end').length >= 4, 20)
  killWorker()
  const part = probe(await saved(server, id)) // whatever there is of it at that moment
  assert.ok(part.seconds > 3, `${part.seconds}`)
  const status = await server.end(id, 120000)
  assert.equal(status.status, 'succeeded')
  const { result } = await server.result(id)
  assert.equal(result.video.error, null)
  const whole = probe(await saved(server, id))
  assert.ok(whole.seconds > part.seconds + 5, `${part.seconds}, then ${whole.seconds}`)
  assert.equal(new Set(whole.chapters.filter((c) => /^Row \d/.test(c.tags.title)).map((c) => c.tags.title.slice(0, 5))).size, 3)
  const captions = cues(path.join(videoDir(result), 'recording_polished.vtt'))
  for (const [i, c] of captions.entries()) assert.ok(c.from < c.to && c.to <= whole.seconds + 0.01 && c.from >= (captions[i - 1]?.to ?? 0), JSON.stringify(c))
  assert.ok(captions.filter((c) => c.text.startsWith('[OK]')).length >= 13, captions.map((c) => c.text).join('\n'))
  const left = fs.readdirSync(videoDir(result)).sort()
  assert.deepEqual(left, ['recording_polished.chapters.vtt', 'recording_polished.mp4', 'recording_polished.vtt'])
})

test('a run whose every attempt is killed has one whole video of all of them, with chapters and its length', { timeout: 200000 }, async () => {
  const id = await server.submit(waits(2, { profile_id: 'all-killed', video_cuts: 'both' }))
  const attempts = async () => (await server.events(id)).filter((e) => e.kind === 'fire').length
  const waiting = async () => (await server.events(id)).filter((e) => e.kind === 'step_start' && e.step_index === 1).length
  let before = 0, n = 0
  while (!['failed', 'succeeded'].includes((await server.status(id)).status)) {
    n++
    await until(60000 * slow, `attempt ${n}`, async () => await waiting() >= n && await recorded(id, before + 0.5))
    before = probe(await saved(server, id)).seconds
    killWorker()
    await until(20000 * slow, 'what follows', async () => await attempts() > n || (await server.status(id)).status === 'failed')
  }
  assert.ok(n > 1)
  const { result } = await until(5000 * slow, 'its result', () => server.result(id))
  const v = result.video
  assert.equal(v.error, 'interrupted')
  for (const [query, seconds] of [['', v.polished_duration_seconds], ['?raw=1', v.duration_seconds]]) {
    const p = probe(await saved(server, id, query))
    assert.ok(Math.abs(p.seconds - seconds) < 0.3, `${p.seconds}, not ${seconds}`)
    assert.equal(p.chapters.filter((c) => c.tags.title.includes('Wait 2')).length, n)
    assert.equal(p.chapters.filter((c) => c.tags.title.includes('Wait 1')).length, 1)
  }
  assert.ok(v.polished_duration_seconds >= before)
  const captions = await (await fetchVideo(server, id, '?track=captions')).text()
  assert.match(captions, /\[OK\] 1\/2 Wait: Wait 1[\s\S]*\n2\/2 Wait: Wait 2/)
})

test('a run that is cancelled has its video with the reason, and is over within 2 s', { timeout: 120000 }, async () => {
  const id = await server.submit(waits(2, { profile_id: 'cancelled' }))
  await until(60000 * slow, 'the title', () => recorded(id, 0))
  await server.predict({ action: 'cancel', run_id: id, reason: 'Prices changed overnight' })
  await until(5000 * slow, 'its result', async () => (await server.result(id))?.result?.video, 50)
  const { result } = await server.result(id)
  const polished = await saved(server, id), { seconds: length } = probe(polished)
  assert.ok(length > 1)
  assert.ok([null, 'interrupted'].includes(result.video.error), result.video.error)
  if (!result.video.error) assert.match(words(polished, length - 2), /cancelled.*Prices changed overnight[\s\S]*Run time/)
})

// The longest stretch of one grey in a row of pixels: a mask is 200 px and more.
function greyRun(rgb, level, by) {
  let longest = 0
  for (let y = 90; y < 660; y++)
    for (let x = 0, n = 0, i = 3 * y * W; x < W; x++, i += 3) {
      n = [0, 1, 2].every((c) => Math.abs(rgb[i + c] - level) <= by) ? n + 1 : 0
      longest = Math.max(longest, n)
    }
  return longest
}
const decoded = (png) => execFileSync('ffmpeg', ['-v', 'error', '-i', png, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { maxBuffer: 1 << 24 })

test('password fields and the answer of {{user_input}} are masked in videos and screenshots', { timeout: 300000 }, async () => {
  const { plan } = JSON.parse(fs.readFileSync(new URL('./tasks/crm/sign_in.json', import.meta.url)))
  const crm = await startSite('crm')
  const s = await new Server({ env: { MANTIS_ENV_URL: crm.url } }).start()
  try {
    const id = await s.submit({ task_suite: plan, profile_id: 'masked', record_video: true, video_fps: 10 })
    await until(90000 * slow, 'the question', async () => (await s.status(id)).status === 'paused')
    const { code } = await crm.admin('GET', '/__env__/code')
    await s.predict({ action: 'resume', run_id: id, user_input: code })
    assert.equal((await s.end(id, 90000)).status, 'succeeded')
    const { result } = await s.result(id)
    const shots = path.join(videoDir(result), '../screenshots')
    for (const [name, masked] of [['step_1_0.png', true], ['step_3_2.png', true], ['step_6_5.png', true], ['final.png', false]])
      assert.equal(greyRun(decoded(path.join(shots, name)), 0xd8, 0) > 200, masked, name)
    const captions = cues(path.join(videoDir(result), 'recording_polished.vtt'))
    const polished = await saved(s, id), raw = await saved(s, id, '?raw=1')
    const password = captions.find((c) => c.text.includes('3/7'))
    assert.ok(greyRun(picture(polished, password.from + 0.05), 0xd8, 4) > 200)
    assert.ok(greyRun(picture(raw, password.from - 3 + 0.05), 0xd8, 4) > 200)
    const seen = legible(path.dirname(videoDir(result)), [code, 'harbor-lantern-42'], 'dana@tallowmere.example', process.env.MANTIS_SOAK ? 1 : 4)
    assert.deepEqual(seen.holders, [], `of ${seen.frames} frames`)
    console.log(`${seen.frames} frames read: neither password nor code`)
    for (const f of fs.readdirSync(videoDir(result))) if (f.endsWith('.vtt')) assert.ok(!fs.readFileSync(path.join(videoDir(result), f), 'utf8').includes(code), f)
  } finally {
    await s.stop()
    await crm.stop()
  }
})
