// run_tasks.mjs - the tasks of tests/e2e/tasks against a real server and real sites: does the site's
// oracle say that it was done, and are the rows the true ones? A tool, not a test: node run_tasks.mjs
// [FILE...] [--seeds 42,43,44] [--json] [--keep DIR] (DIR: the server's data stay there).
//
// A task is {about, site, oracle, plan}, and perhaps `before` (control calls of the site after its
// reset), `answers` (what a run that asks gets: a control call and the field of its reply), `rows`
// (fields that the extracted rows and those of the oracle must share).

import fs from 'node:fs'
import path from 'node:path'
import { root, startServer, startSite } from './lib/harness.mjs'

const args = process.argv.slice(2)
const option = (name, def) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : def)
const asJson = args.includes('--json') && args.splice(args.indexOf('--json'), 1)
const keep = option('--keep', null)
const seeds = option('--seeds', '42,43,44').split(',').map(Number)
const folder = path.join(root, 'tests/e2e/tasks')
const files = args.length ? args : fs.readdirSync(folder).sort()
  .flatMap((site) => fs.readdirSync(path.join(folder, site)).sort().map((f) => path.join(folder, site, f)))

const call = (site, line) => site.admin(...line.split(' ').slice(0, 2))

// Answer what a paused run asks, until it ends.
async function follow(server, site, id, answers) {
  const end = Date.now() + 180000
  for (let asked = 0; Date.now() < end;) {
    const s = await server.status(id)
    if (s.terminal) return s
    if (s.status === 'paused' && answers[asked]) {
      const reply = await call(site, answers[asked])
      await server.predict({ action: 'resume', run_id: id, user_input: reply[answers[asked++].split(' ')[2]] })
    }
    await new Promise((r) => setTimeout(r, 100))
  }
  await server.predict({ action: 'cancel', run_id: id })
  return { status: 'given up after 180 s' }
}

const keys = (rows, fields) => (rows || []).map((r) => fields.map((f) => String(r[f] ?? '').trim()).join(' | ')).sort()

async function runTask(server, site, task, seed) {
  await site.admin('POST', '/__env__/reset', { seed })
  for (const line of task.before || []) await call(site, line)
  const started = Date.now()
  const taken = await server.predict({ detached: true, task_suite: task.plan, profile_id: `${task.site}-${task.oracle}-${seed}` })
  if (taken.status !== 200) return { refused: taken.json?.detail || taken.text }
  const status = await follow(server, site, taken.json.run_id, task.answers || [])
  const { result } = await server.result(taken.json.run_id)
  const oracle = await site.admin('GET', `/__env__/oracle?task_id=${task.oracle}`)
  const got = keys(result?.artifacts?.find((a) => a.name === 'extracted_rows')?.data, task.rows || [])
  const want = task.rows ? keys(oracle.rows, task.rows) : []
  return {
    run: taken.json.run_id, status: status.status, halt: result?.halt_reason, seconds: (Date.now() - started) / 1000,
    oracle: oracle.passed, reasons: oracle.reasons, rows: `${want.filter((k) => got.includes(k)).length} of ${want.length}`,
    exact: !task.rows || JSON.stringify(got) === JSON.stringify(want),
    failed: (result?.step_details || []).map((s, i) => ({ ...s, i })).filter((s) => !s.success && !s.skip)
      .map((s) => `${s.i}: ${s.data}`),
  }
}

let site, server, bad = 0
for (const file of files) {
  const task = JSON.parse(fs.readFileSync(file))
  if (site?.name !== task.site) {
    await server?.stop()
    await site?.stop()
    site = Object.assign(await startSite(task.site), { name: task.site })
    server = await startServer({ dir: keep || undefined, env: { MANTIS_ENV_URL: site.url } })
  }
  for (const seed of seeds) {
    const r = await runTask(server, site, task, seed)
    const good = !r.refused && r.status === 'succeeded' && r.oracle && r.exact
    bad += !good
    if (asJson) console.log(JSON.stringify({ task: `${task.site}/${task.oracle}`, seed, good, ...r }))
    else {
      console.log(`${good ? 'ok  ' : 'FAIL'} ${task.site}/${task.oracle} seed ${seed} ${r.refused ? '' : `${r.seconds.toFixed(1)} s`}`)
      if (!good) console.log(`     ${r.refused ? `refused: ${r.refused}` : JSON.stringify(r)}`)
    }
  }
}
await server?.stop()
await site?.stop()
process.exitCode = bad ? 1 : 0
