// pilots.test.mjs - whole flows on the practice sites, driven by a model that sees (tests/tools/pilot) as Holo3, Fara and
// Claude: pixels only, no page is read. What is injected (misses, loops, false done, 429, a crash of the model) must be
// healed, and told as healing. A sample here; with MANTIS_SOAK=1 every flow as every model, with every fault.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { bin, slow, startServer, startSite, tempDir, until } from './lib/harness.mjs'
import { pilotProfiles, pilotProgram, startPilot } from './lib/pilot.mjs'
import { runTask, taskIn } from './lib/tasks.mjs'

const flow = (name) => taskIn(fileURLToPath(new URL(`pilots/${name}.json`, import.meta.url)))

// Asked again at once or with its step, or done without: some questions of readers are asked once.
const again = (reason) => ['model_retry', 'step_retry', 'did_without'].map((kind) => ({ kind, reason }))

// What each fault shows as in healing_events: {kind, and what its other fields must match}, one of them.
const heals = {
  rate_limit: again(/\b429\b/),
  crash: again(/no answer|\b50\d\b/),
  false_done: [{ kind: 'done_rejected' }],
  misclick: [{ kind: 'missed_click', reason: /by [^ ;]*brain/ }],
  bad_advice: [{ kind: 'missed_click', reason: /by [^ ;]*director/ }],
  loop: [{ kind: 'loop_left' }, { kind: 'substitution', by: /^(director|loop-recovery)$/ }],
  missed_target: [{ kind: 'click_probe' }, { kind: 'step_retry', failure_class: /^(no_state_change|type_not_landed|wrong_target)$/ }],
}
const matches = (event, { kind, ...others }) => event.kind === kind && Object.entries(others).every(([name, re]) => re.test(event[name]))
const healed = (fault, events) => heals[fault].some((sign) => events.some((e) => matches(e, sign)))

// How a server is told of the model that is played. Holo3 is a llama-server of the pod, which serve starts again when it
// crashed; Fara runs elsewhere, and Claude at its maker's address, that of a profile of ours.
function holo3(dir, faults) {
  const models = path.join(dir, 'models')
  fs.mkdirSync(models)
  execFileSync(process.env.MAKE_GGUF || path.join(path.dirname(bin), 'tests/make_gguf'), [models])
  return { MANTIS_BRAIN: 'holo3', MANTIS_HOLO3_MODEL_DIR: models, MANTIS_HOLO3_GGUF: 'holo3.Q8_0.gguf',
    MANTIS_LLAMA_SERVER: pilotProgram(dir, { model: 'holo3', faults }), MANTIS_MODEL_LOG: path.join(dir, 'engine.log') }
}
const settings = {
  holo3,
  fara: (dir, faults, url) => ({ MANTIS_BRAIN: 'fara', MANTIS_MODEL_URL: url }),
  claude: () => ({ MANTIS_BRAIN: 'claude' }),
}

const ofClaude = ['missed_target', 'bad_advice']

async function fly(model, name, faults) {
  const task = flow(name), dir = tempDir('pilot', '/var/tmp')
  fs.chmodSync(dir, 0o755)
  // Listings are read by Claude alone, whoever the brain is; targets and advice are Claude's, too.
  const ofBrain = model === 'holo3' && name !== 'listings' ? faults.filter((f) => !ofClaude.includes(f)) : []
  const pilot = await startPilot(dir, { model, faults: faults.filter((f) => !ofBrain.includes(f)) })
  let site, server
  try {
    pilotProfiles(path.join(dir, 'profiles'), pilot.url)
    site = await startSite(task.site)
    server = await startServer({ env: {
      MANTIS_ENV_URL: site.url, ANTHROPIC_API_KEY: 'k'.repeat(40), MANTIS_PROFILES_DIR: path.join(dir, 'profiles'),
      ...settings[model](dir, ofBrain, pilot.url) } })
    await until(30000 * slow, 'the model server', async () => (await fetch(`${server.base}/health`)).ok)
    const how = await runTask(server, site, { ...task, body: { compute_backend: 'computer_plane' } }, 42)
    const { result } = await server.result(how.run)
    return { how, result, events: await server.events(how.run), happened: pilot.faults() }
  } finally {
    await server?.stop()
    await site?.stop()
    await pilot.stop()
    fs.rmSync(dir, { recursive: true })
  }
}

function check(name, model, faults) {
  test(`${name} as ${model}, with ${faults.join(', ')}`, { timeout: 600000 * slow }, async () => {
    const run = await fly(model, name, faults)
    assert.ok(run.how.good, JSON.stringify({ ...run.how, healing: run.result?.healing_events }))
    assert.deepEqual([...run.happened].sort(), [...faults].sort(), 'every fault happened')
    for (const f of faults) assert.ok(healed(f, run.result.healing_events), `${f}: ${JSON.stringify(run.result.healing_events)}`)
  })
}

const all = { listings: ['rate_limit', 'crash', 'missed_target'], login: ['rate_limit', 'crash', 'false_done', 'misclick', 'loop', 'bad_advice', 'missed_target'] }
all.checkout = all.login
const canHappen = (model, fault) => fault !== 'bad_advice' || model !== 'claude' // who is not advised
const sample = [['login', 'holo3', ['crash']], ['checkout', 'fara', ['false_done']], ['listings', 'claude', ['missed_target']]]
if (process.env.MANTIS_SOAK) for (const model of Object.keys(settings)) for (const [name, faults] of Object.entries(all)) check(name, model, faults.filter((f) => canHappen(model, f)))
else for (const [name, model, faults] of sample) check(name, model, faults)
