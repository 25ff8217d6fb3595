// computer_plane: Chromium without any debugging switch. Navigation, scrolling and reading the URL work
// by pixels, keys and the address bar alone; what to do comes from the script brain.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test, { after, before } from 'node:test'
import { descendants, startServer, startSite, tempDir, until } from './lib/harness.mjs'

// Not below /tmp: a run has a /tmp of its own.
const dir = tempDir('script', '/var/tmp')
let site, server
before(async () => {
  fs.chmodSync(dir, 0o755)
  fs.writeFileSync(`${dir}/script.json`, JSON.stringify({
    actions: [
      { action_type: 'scroll', params: { direction: 'down', amount: 5 } },
      { action_type: 'done', params: { success: true, summary: 'scrolled' } },
    ],
    visible: [{ answer: 'yes', reason: 'the results are shown' }],
  }))
  site = await startSite('marketplace')
  server = await startServer({ env: { MANTIS_ENV_URL: site.url, MANTIS_BRAIN: `script:${dir}/script.json` } })
})
after(async () => {
  await server?.stop()
  await site?.stop()
  fs.rmSync(dir, { recursive: true })
})

test('navigate, scroll and read the URL without a DOM', async () => {
  const step = (type, intent, more) => ({ type, intent, ...more })
  const id = await server.submit({
    compute_backend: 'computer_plane',
    task_suite: {
      steps: [
        step('navigate', 'Open the boats', { params: { url: '{{ENV_URL}}/boats/' } }),
        step('extract_url', 'Read the address'),
        step('scroll', 'Scroll down one page', { params: { count: 1 } }),
        step('scroll', 'Scroll on until the next boats show'),
        step('navigate', 'Open private sellers', { params: { url: '{{ENV_URL}}/boats/?seller=private' } }),
        step('extract_url', 'Read the address again'),
      ],
    },
  })
  await until(30000, 'browser', async () => (await server.events(id)).some((e) => /browser is up/.test(e.message)))
  const chromium = descendants(server.child.pid).filter((p) => p.comm.startsWith('chrom'))
  assert.ok(chromium.length > 0)
  for (const p of chromium) assert.ok(!p.args.some((a) => /remote-debugging|enable-automation/.test(a)), p.args.join(' '))
  const s = await server.end(id, 90000)
  assert.equal(s.status, 'succeeded', JSON.stringify(s))
  const data = (await server.result(id)).result.step_details.map((d) => d.data)
  assert.equal(data[1], `URL:${site.url}/boats/`)
  assert.match(data[2], /^scroll:down/)
  assert.equal(data[5], `URL:${site.url}/boats/?seller=private`)
})
