// pilots.test.mjs - whole flows on the practice sites, driven by a model that sees (tests/tools/pilot) as Holo3, Fara and
// Claude: pixels only, no page is read. What is injected (misses, loops, false done, 429, a crash of the model) must be
// healed, and told as healing. No key, token or credential is anywhere afterwards, nor meanwhile where others may look. A
// sample here; with MANTIS_SOAK=1 every flow as every model, with every fault.

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { bin, execFileSync, slow, startSite, tempDir, until, victim } from './lib/harness.mjs'
import { legible } from './lib/ocr.mjs'
import { pilotProfiles, pilotProgram, startPilot } from './lib/pilot.mjs'
import { roomy } from './lib/plans.mjs'
import { Receiver, signature } from './lib/receiver.mjs'
import { assertNoCores, crash, files, holders, knock, memory, Search, Watch } from './lib/secrets.mjs'
import { runTask, taskIn } from './lib/tasks.mjs'
import { TenantServer } from './lib/tenants.mjs'

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
  fara: (dir, faults, url) => ({ MANTIS_BRAIN: 'fara', MANTIS_MODEL_URL: url, MANTIS_MODEL_KEY_SECRET: 'model_key' }),
  claude: () => ({ MANTIS_BRAIN: 'claude' }),
}

// --- one flow ------------------------------------------------------------------------------------------

// Of a form that some program would write in another way than it is.
const newKey = (name) => `sk-${name}/${crypto.randomBytes(12).toString('hex')}+==`
const keys = () => ({ anthropic: newKey('anthropic'), acme: newKey('acme'), model: newKey('model'), webhook: newKey('webhook'), metrics: newKey('metrics') })

// Every key is used: the tenant's own where Claude reads or acts, that of the model server, the one that signs.
async function startAcme(dir, site, hook, env, secrets) {
  const tenants = { acme: { ...roomy, max_cost_per_run: 25, anthropic_secret_name: 'key_acme', webhook_url: hook.url('/acme'), webhook_secret_name: 'webhook_acme' }, rival: roomy }
  const server = new TenantServer(tenants, { dir: path.join(dir, 'data'), env: { MANTIS_ENV_URL: site.url, ANTHROPIC_API_KEY: secrets.anthropic, MANTIS_METRICS_TOKEN: secrets.metrics,
    MANTIS_PROFILES_DIR: path.join(dir, 'profiles'), MANTIS_WEBHOOK_ALLOW_PRIVATE: '1', LOG_LEVEL: 'DEBUG', ...env } })
  for (const [name, value] of [['key_acme', secrets.acme], ['model_key', secrets.model], ['webhook_acme', secrets.webhook]]) server.secret(name, value)
  await server.start()
  await until(30000 * slow, 'the model server', async () => (await fetch(`${server.base}/health`)).ok)
  return server
}

// What was written, printed, sent or told, and what could be seen meanwhile. The server is stopped in between: then all is written.
async function assertClean(server, watch, dir, hook, run) {
  const caller = server.as('acme')
  const told = [await caller.status(run), await caller.result(run), await caller.events(run), await caller.request('GET', `/v1/runs/${run}/webhook`), hook.got]
  assert.deepEqual(await watch.stop(), [])
  assert.ok(['mantis', 'mantis-worker', 'Xvfb', 'chromium'].every((name) => watch.seen.has(name)), [...watch.seen].join())
  for (const taken of watch.credentials.values()) assert.equal(knock(server, 'claude', taken), 401, 'a credential outlives its attempt')
  await server.stop()
  assert.deepEqual(holders(dir, watch.search), [])
  const texts = { log: server.logs + server.child.log, output: server.child.out, told: JSON.stringify(told) }
  for (const [what, text] of Object.entries(texts)) assert.deepEqual(watch.search.in(Buffer.from(text)), [], what)
  assert.ok(files(dir).some((f) => f.endsWith('mantis.db')) && files(dir).length > 20)
}

// Neither of the two can be read in a frame of the film or a screenshot.
function assertIllegible(work, [code]) {
  assert.match(code, /^\d{4,}$/)
  const seen = legible(work, [code, 'harbor-lantern-42'], 'dana@tallowmere.example')
  assert.deepEqual(seen.holders, [], `of ${seen.frames} frames`)
  console.log(`${seen.frames} frames read: neither password nor code`)
}

const ofClaude = ['missed_target', 'bad_advice']

async function fly(model, name, faults, during) {
  const task = flow(name), dir = tempDir('pilot', '/var/tmp'), secrets = keys()
  fs.chmodSync(dir, 0o755)
  fs.mkdirSync(path.join(dir, 'data'), { mode: 0o711 })
  // Listings are read by Claude alone, whoever the brain is; targets and advice are Claude's, too.
  const ofBrain = model === 'holo3' && name !== 'listings' ? faults.filter((f) => !ofClaude.includes(f)) : []
  const pilot = await startPilot(dir, { model, faults: faults.filter((f) => !ofBrain.includes(f)) })
  const hook = await new Receiver().start()
  let site, server, watch
  try {
    pilotProfiles(path.join(dir, 'profiles'), pilot.url)
    site = await startSite(task.site)
    server = await startAcme(dir, site, hook, settings[model](dir, ofBrain, pilot.url), secrets)
    watch = new Watch(server, { ...secrets, ...server.tokens })
    const filmed = Boolean(process.env.MANTIS_SOAK) && name === 'login' && !during
    const flight = runTask(server.as('acme'), site, { ...task, body: { compute_backend: 'computer_plane', record_video: filmed } }, 42)
    const [how] = await Promise.all([flight, during?.({ server, watch, pilot, dir, secrets })])
    const { result } = await server.as('acme').result(how.run)
    const events = await server.as('acme').events(how.run)
    const call = await hook.call(how.run)
    assert.equal(call.headers['x-mantis-signature'], signature(secrets.webhook, call))
    if (filmed && how.good) assertIllegible(path.join(dir, 'data/tenants/acme/runs', how.run, 'work'), how.given)
    await assertClean(server, watch, dir, hook, how.run)
    return { how, result, events, happened: pilot.faults(), lives: watch.credentials.size }
  } finally {
    await watch?.stop()
    await server?.stop()
    await site?.stop()
    await hook.stop()
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

// --- and one whose worker dies with all it knows -------------------------------------------------------

// It faults in the middle of a sub-goal. What it knew then, which is what a core of it would hold, is its own credential and no key or
// token; and no core is written.
const dies = async ({ server, watch, pilot, dir, secrets }) => {
  await until(60000 * slow, 'an action of the model', () => pilot.record().some((l) => l.action))
  const worker = victim(server.child.pid, 'worker')
  process.kill(worker.pid, 'SIGSTOP') // to look at its memory takes long: it would have pressed "Sign in" by then, which is not done twice
  assertNoCores(server)
  if (process.getuid() === 0) {
    await until(5000 * slow, 'its credential', () => watch.credentials.has(worker.pid))
    const taken = watch.credentials.get(worker.pid)
    assert.equal(knock(server, 'claude', taken), 200)
    const search = new Search({ ...secrets, ...server.tokens, credential: taken.credential }), known = new Set()
    for (const part of memory(worker.pid)) for (const what of search.in(part)) known.add(what)
    assert.deepEqual([...known], ['credential'])
  }
  const cwd = fs.readlinkSync(`/proc/${worker.pid}/cwd`), cores = () => [...files(dir), ...fs.readdirSync(cwd)].filter((f) => /^core(\.\d+)?$/.test(path.basename(f)))
  const before = cores()
  if (process.getuid() === 0) await crash(worker.pid)
  process.kill(worker.pid, process.getuid() === 0 ? 'SIGCONT' : 'SIGKILL')
  await until(20000 * slow, 'another worker', () => ![undefined, worker.pid].includes(victim(server.child.pid, 'worker')?.pid))
  assert.deepEqual(cores(), before)
}

for (const model of process.env.MANTIS_SOAK ? Object.keys(settings) : ['fara'])
  test(`login as ${model}, whose worker faults, with rate_limit, crash`, { timeout: 600000 * slow }, async () => {
    const run = await fly(model, 'login', ['rate_limit', 'crash'], dies)
    assert.ok(run.how.good, JSON.stringify({ ...run.how, healing: run.result?.healing_events }))
    assert.deepEqual([...run.happened].sort(), ['crash', 'rate_limit'])
    assert.ok(run.events.some((e) => /attempt 1 was lost/.test(e.message)), 'an attempt was lost')
    assert.ok(process.getuid() || run.lives > 1, `${run.lives} credentials of two attempts`)
  })
