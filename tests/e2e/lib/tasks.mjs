// tasks.mjs - plans with what a practice site's oracle must say afterwards (tests/e2e/tasks), and how one
// is run against a real server.
//
// A task is {about, site, oracle, and plan, plan_text or micro (a file of the source tree)}, and perhaps `before` (control calls of the site after its
// reset), `answers` (what a run that asks gets: a control call and the field of its reply), `rows`
// (fields that the extracted rows and those of the oracle must share), `body` (more of the request).

import fs from 'node:fs'
import path from 'node:path'
import { root, slow, startServer, startSite } from './harness.mjs'

const folder = path.join(root, 'tests/e2e/tasks')

// All tasks of these sites, or of every one: {name: "crm/add_note", ...task}.
export function tasksOf(...sites) {
  return (sites.length ? sites : fs.readdirSync(folder).sort()).flatMap((site) =>
    fs.readdirSync(path.join(folder, site)).sort().map((f) => taskIn(path.join(folder, site, f))))
}

export function taskIn(file) {
  return { name: `${path.basename(path.dirname(file))}/${path.basename(file, '.json')}`, ...JSON.parse(fs.readFileSync(file)) }
}

const call = (site, line) => site.admin(...line.split(' ').slice(0, 2))

// Answer what a paused run asks, until it ends. given: what it was told.
async function follow(server, site, id, answers, given) {
  const end = Date.now() + 180000 * slow
  for (let asked = 0; Date.now() < end;) {
    const s = await server.status(id)
    if (s.terminal) return s
    if (s.status === 'paused' && answers[asked]) {
      const reply = await call(site, answers[asked])
      given.push(reply[answers[asked++].split(' ')[2]])
      await server.predict({ action: 'resume', run_id: id, user_input: given.at(-1) })
    }
    await new Promise((r) => setTimeout(r, 100))
  }
  await server.predict({ action: 'cancel', run_id: id })
  return { status: 'given up after 180 s' }
}

const keys = (rows, fields) => (rows || []).map((r) => fields.map((f) => String(r[f] ?? '').trim()).join(' | ')).sort()

export async function runTask(server, site, task, seed) {
  await site.admin('POST', '/__env__/reset', { seed })
  for (const line of task.before || []) await call(site, line)
  const started = Date.now()
  const what = task.plan_text ? { plan_text: task.plan_text } : task.micro ? { micro: task.micro } : { task_suite: task.plan }
  const taken = await server.predict({ detached: true, ...what, ...task.body, profile_id: `${task.site}-${task.oracle}-${seed}` })
  if (taken.status !== 200) return { good: false, refused: taken.json?.detail || taken.text }
  const given = []
  const status = await follow(server, site, taken.json.run_id, task.answers || [], given)
  const { result } = await server.result(taken.json.run_id)
  const oracle = await site.admin('GET', `/__env__/oracle?task_id=${task.oracle}`)
  const got = keys(result?.artifacts?.find((a) => a.name === 'extracted_rows')?.data, task.rows || [])
  const want = task.rows ? keys(oracle.rows, task.rows) : []
  const exact = !task.rows || JSON.stringify(got) === JSON.stringify(want)
  return {
    good: status.status === 'succeeded' && oracle.passed && exact,
    run: taken.json.run_id, status: status.status, halt: result?.halt_reason, seconds: (Date.now() - started) / 1000,
    oracle: oracle.passed, reasons: oracle.reasons, rows: `${want.filter((k) => got.includes(k)).length} of ${want.length}`,
    exact, given,
    stepSeconds: (result?.step_details || []).map((s) => s.duration),
    failed: (result?.step_details || []).map((s, i) => ({ ...s, i })).filter((s) => !s.success && !s.skip)
      .map((s) => `${s.i}: ${s.data}`),
  }
}

// Run each task with each seed, one after the other, a server and a site at a time. tell(task, seed, how)
// after each; options of the server: dir, env.
export async function runTasks(tasks, seeds, tell, options = {}) {
  let site, server
  try {
    for (const task of tasks) {
      if (site?.name !== task.site) {
        await server?.stop()
        await site?.stop()
        site = Object.assign(await startSite(task.site), { name: task.site })
        server = await startServer({ ...options, env: { ...options.env, MANTIS_ENV_URL: site.url } })
      }
      for (const seed of seeds) tell(task, seed, await runTask(server, site, task, seed))
    }
  } finally {
    await server?.stop()
    await site?.stop()
  }
}
