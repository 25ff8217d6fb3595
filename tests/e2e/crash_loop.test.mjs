// crash_loop.test.mjs - tasks on the five practice sites, each killed once at a random moment: the server, the
// worker, Chromium or Xvfb. Every run must end right, and no site may have seen anything done twice.
//
// Right is: done, as the site's oracle says; or not done, with a failed step that was sent and whose outcome
// nobody saw ("submit_unconfirmed"), which is said and not sent again. MANTIS_SOAK: 200 runs, else 5.
// MANTIS_CRASH_RUNS and MANTIS_CRASH_SEED choose others; the seed is printed.

import assert from 'node:assert/strict'
import test from 'node:test'
import fs from 'node:fs'
import { Server, slow, startSite, tempDir, victim } from './lib/harness.mjs'
import { runTask, tasksOf } from './lib/tasks.mjs'

const runs = Number(process.env.MANTIS_CRASH_RUNS || (process.env.MANTIS_SOAK === '1' ? 200 : 5))
const firstSeed = Number(process.env.MANTIS_CRASH_SEED || 9) // whose first five kills hit all four kinds
const kinds = ['serve', 'worker', 'chromium', 'xvfb']
const chosen = [
  'crm/add_note', 'shop/buy_kettle', 'inbox/reply', 'marketplace/newsletter_signup', 'widgets/select_native',
  'crm/delete', 'shop/fill_cart', 'inbox/send_new', 'flaky/consent', 'widgets/toggles',
  'crm/edit_phone', 'inbox/archive', 'marketplace/extract_listings', 'flaky/double_submit', 'crm/sign_in',
  'crm/archive', 'widgets/drag_board', 'flaky/session',
]

// mulberry32: the same seed gives the same kills.
function randomOf(seed) {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
const random = randomOf(firstSeed)
const pick = (list) => list[Math.floor(random() * list.length)]

// What a site wrote down twice, but for what a visitor may do as often as he likes.
const harmless = /^(open|list|results|reveal)$|sign|password|code|session|read|view|visit|search|draft|expire|consent/
function twice(mutations) {
  const seen = new Map()
  for (const { kind, path, detail } of mutations) {
    if (harmless.test(kind)) continue
    const key = JSON.stringify([kind, path, detail])
    seen.set(key, (seen.get(key) || 0) + 1)
  }
  return [...seen].filter(([, n]) => n > 1).map(([key, n]) => `${n} x ${key}`)
}

class Bench {
  constructor(name) {
    this.name = name
    this.usual = new Map() // task -> ms of a run that nobody disturbs
  }

  async start() {
    this.site = Object.assign(await startSite(this.name), { name: this.name })
    this.server = await new Server({ dir: tempDir('crash'), env: { MANTIS_ENV_URL: this.site.url } }).start()
  }

  async stop() {
    await this.server?.stop()
    await this.site?.stop()
    if (this.server) fs.rmSync(this.server.dir, { recursive: true, force: true })
  }

  async kill(kind) {
    if (kind === 'serve') {
      await this.server.kill('SIGKILL')
      await this.server.start()
      return true
    }
    const v = victim(this.server.child.pid, kind)
    if (v) process.kill(v.pid, 'SIGKILL')
    return Boolean(v)
  }

  // The server is away for a moment when it was killed; a caller tries again.
  patient() {
    const server = this.server
    return new Proxy(server, {
      get: (target, name) => (!['predict', 'status', 'result'].includes(name) ? target[name] : async (...args) => {
        const end = Date.now() + 30000 * slow
        for (;;) {
          try {
            return await target[name](...args)
          } catch (e) {
            if (Date.now() > end) throw e
            await new Promise((r) => setTimeout(r, 50))
          }
        }
      }),
    })
  }

  async run(task, seed, kind, share) {
    let killed = null
    if (!this.usual.has(task.name)) {
      const calm = await runTask(this.server, this.site, task, seed)
      this.usual.set(task.name, calm.good && calm.seconds * 1000)
    }
    if (!this.usual.get(task.name)) return { unfit: true }
    const at = 100 + share * this.usual.get(task.name) // the run is known by then
    const strike = new Promise((r) => setTimeout(r, at)).then(async () => { killed = await this.kill(kind) })
    const how = await runTask(this.patient(), this.site, task, seed)
    await strike
    const { mutations } = await this.site.admin('GET', '/__env__/mutations')
    return { ...how, at: Math.round(at), killed, twice: twice(mutations) }
  }
}

test(`agent-loop 13: ${runs} runs killed at random moments end right, and nothing is done twice`, { timeout: 7200000 * slow }, async () => {
  const tasks = tasksOf().filter((t) => chosen.includes(t.name))
  const order = Array.from({ length: runs }, (_, i) => tasks.find((t) => t.name === chosen[i % chosen.length])).filter(Boolean)
  order.sort((a, b) => a.site.localeCompare(b.site)) // a site at a time
  const wrong = []
  const figures = { runs: 0, done: 0, unconfirmed: 0, killed: 0, unfit: 0 }
  let bench
  console.error(`crash loop: seed ${firstSeed}, ${order.length} runs`)
  try {
    for (const task of order) {
      if (bench?.name !== task.site) {
        await bench?.stop()
        bench = new Bench(task.site)
        await bench.start()
      }
      const kind = pick(kinds)
      const share = random()
      const seed = pick([42, 43, 44])
      const how = await bench.run(task, seed, kind, share)
      if (how.unfit) { // it fails undisturbed, which is another test's to tell
        figures.unfit++
        console.error(`unfit ${task.name}`)
        continue
      }
      // A step that is not required does not stop the run.
      const unconfirmed = ['halted', 'completed_with_failures'].includes(how.status) && how.failed.some((f) => f.includes('submit_unconfirmed'))
      // A mail site keeps what was written when the browser died.
      const drafted = how.status === 'succeeded' && how.reasons.length > 0 && how.reasons.every((r) => r.startsWith('not asked for: draft'))
      const right = (how.good || unconfirmed || drafted) && !how.twice.length
      figures.runs++
      figures.done += how.good || drafted
      figures.unconfirmed += !how.good && unconfirmed
      figures.killed += how.killed === true
      const line = `${task.name} seed ${seed}, ${kind} after ${how.at} ms${how.killed ? '' : ' (nothing to kill)'}: ${how.good ? 'done' : unconfirmed ? 'unconfirmed' : how.status}`
      if (runs > 5) console.error(`${right ? 'ok  ' : 'FAIL'} ${line}`)
      if (!right) wrong.push(`${line}: ${JSON.stringify({ ...how, stepSeconds: undefined })}`)
    }
  } finally {
    await bench?.stop()
  }
  console.error(`crash loop: ${JSON.stringify(figures)}`)
  assert.ok(figures.unfit <= order.length / 5, `${figures.unfit} of ${order.length} tasks fail undisturbed`)
  assert.deepEqual(wrong, [])
})
