// kill -9 of serve, the worker, Chromium or Xvfb at a step boundary of the example plan: the run ends
// succeeded with the same three rows, none twice. script/test takes a sample; script/soak sets
// MANTIS_SOAK=1 and takes every boundary.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { rowKey, Server, slow, startSite, tempDir, until, victim } from './lib/harness.mjs'
import fs from 'node:fs'

const whole = process.env.MANTIS_SOAK === '1'
const plan = JSON.parse(fs.readFileSync(new URL('../../plans/example/extract_listings.json', import.meta.url)))
const request = { micro: 'plans/example/extract_listings.json', profile_id: 'kill', max_cost: 2, max_time_minutes: 20 }

let site, truth, boundaries
const stepEnds = async (server, id) => (await server.events(id)).filter((e) => e.kind === 'step_end').length

before(async () => {
  site = await startSite('marketplace')
  truth = (await site.admin('GET', '/__env__/oracle?task_id=extract_listings')).rows.map(rowKey)
  const server = await new Server({ env: { MANTIS_ENV_URL: site.url } }).start()
  const id = await server.submit(request)
  assert.equal((await server.end(id)).status, 'succeeded')
  boundaries = await stepEnds(server, id)
  await server.stop()
  assert.ok(boundaries > (plan.steps || plan).length, `only ${boundaries} steps were executed`)
})
after(() => site?.stop())

async function killAt(boundary, kind) {
  const server = new Server({ dir: tempDir('kill'), env: { MANTIS_ENV_URL: site.url } })
  try {
    await server.start()
    const id = await server.submit(request)
    await until(60000 * slow, `step ${boundary}`, async () => (await stepEnds(server, id)) >= boundary, 5)
    if (kind === 'serve') {
      await server.kill('SIGKILL')
      await server.start()
    } else {
      const v = victim(server.child.pid, kind)
      if (v) process.kill(v.pid, 'SIGKILL')
    }
    const s = await server.end(id, 90000)
    assert.equal(s.status, 'succeeded', `${kind} at ${boundary}: ${JSON.stringify(s)}`)
    const { result } = await server.result(id)
    const rows = result.artifacts.find((a) => a.name === 'extracted_rows').data.map(rowKey)
    assert.deepEqual(rows, truth, `${kind} at ${boundary}`)
    assert.equal(result.viable, 3)
  } finally {
    await server.stop()
    fs.rmSync(server.dir, { recursive: true, force: true })
  }
}

for (const kind of ['serve', 'worker', 'chromium', 'xvfb']) {
  test(`kill -9 of ${kind} at ${whole ? 'every step boundary' : 'sampled step boundaries'}`, { timeout: 3600000 }, async () => {
    const sample = whole ? Array.from({ length: boundaries }, (_, i) => i) : [{ serve: 6, worker: 5, chromium: 3, xvfb: 8 }[kind]]
    for (const b of sample) {
      await killAt(b, kind)
      if (whole) console.error(`kill ${kind} at boundary ${b} of ${boundaries}: same 3 rows`)
    }
  })
}
