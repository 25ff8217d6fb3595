// After runs that ended well and runs that were killed at random moments, nothing is left: no process,
// display lock, shared memory, temp file or profile lock. script/soak does 30 runs, ten killed.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { leftovers, slow, startServer, startSite, until, victim } from './lib/harness.mjs'

const whole = process.env.MANTIS_SOAK === '1'
const runs = whole ? 30 : 4
const kills = whole ? 10 : 2
// The moments are random but repeatable: the seed is printed and can be given.
const seed = Number(process.env.MANTIS_TEST_SEED || Date.now() % 100000)
let state = seed
const random = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648 }

test(`${runs} runs, ${kills} of them killed, leave nothing behind`, { timeout: 3600000 }, async (t) => {
  t.diagnostic(`MANTIS_TEST_SEED=${seed}`)
  const site = await startSite('marketplace')
  const before = leftovers()
  let server = await startServer({ env: { MANTIS_ENV_URL: site.url } })
  const kinds = ['worker', 'chromium', 'xvfb', 'serve']
  for (let i = 0; i < runs; i++) {
    const id = await server.submit({ micro: 'plans/example/extract_listings.json', profile_id: `p${i % 3}` })
    if (i % Math.floor(runs / kills) === 0) {
      await new Promise((r) => setTimeout(r, random() * 5000 * slow)) // the random moment itself
      const kind = kinds[Math.floor(random() * kinds.length)]
      if (kind === 'serve') {
        await server.kill('SIGKILL')
        await server.start()
      } else {
        const v = victim(server.child.pid, kind)
        if (v) process.kill(v.pid, 'SIGKILL')
      }
    }
    const s = await server.end(id, 90000)
    assert.equal(s.status, 'succeeded', `run ${i}: ${JSON.stringify(s)}`)
    const next = await server.predict({ micro: 'plans/example/extract_listings.json', profile_id: `p${i % 3}`, dry_run: false, detached: true })
    assert.equal(next.status, 200, `profile lock after run ${i}: ${next.text}`)
    await server.predict({ action: 'cancel', run_id: next.json.run_id })
    await until(10000 * slow, 'end of the cancelled run', async () => (await server.status(next.json.run_id)).terminal && !victim(server.child.pid, 'worker'))
  }
  for (const run of fs.readdirSync(`${server.dir}/tenants/default/runs`)) {
    const tmp = `${server.dir}/tenants/default/runs/${run}/work/tmp`
    assert.deepEqual(fs.existsSync(tmp) ? fs.readdirSync(tmp) : [], [], `temp files of ${run}`)
  }
  await server.stop()
  await site.stop()
  let left
  await until(5000, 'nothing left', () => JSON.stringify(left = leftovers()) === JSON.stringify(before)).catch(() => {})
  assert.deepEqual(left, before)
})
