// GET /v1/runs/{run_id}/video: who may, and the 404 of a run that has no recording.

import assert from 'node:assert/strict'
import { cases } from '../lib/cases.mjs'
import { neverWas, queued, refused, roomy, takeSlot, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const start = async () => {
  const tenant = (scopes) => ({ ...roomy, tenant_id: 'acme', scopes })
  const server = await startTenants({ acme: roomy, rival: roomy, busy: roomy, status: tenant(['status']), result: tenant(['result']), logs: tenant(['logs']), nothing: tenant([]) }, { env: { MANTIS_RUNTIME_CONCURRENCY: '1' } })
  const acme = server.as('acme')
  await takeSlot(server.as('busy'))
  const live = await queued(acme)
  const over = await queued(acme)
  await acme.predict({ action: 'cancel', run_id: over })
  return { server, acme, live, over }
}

const video = (caller, id, query = '') => caller.request('GET', `/v1/runs/${id}/video${query}`)

cases({ start, stop: (g) => g.server.stop() }, (check) => {
  check('http-api 17', 'without a token 401, with a wrong one 401', async (g) => {
    assert.equal((await fetch(`${g.server.base}/v1/runs/${g.over}/video`)).status, 401)
    refused(await video(g.server.as('nobody-holds-this'), g.over), 401, /invalid/)
  })

  for (const [scope, status] of [['result', 404], ['status', 403], ['logs', 403], ['nothing', 403]])
    check('http-api 17', `a token with ${scope === 'nothing' ? 'no scope' : `scope ${scope}`} gets ${status}`, async (g) => {
      assert.equal((await video(g.server.as(scope), g.over)).status, status)
    })

  check('http-api 17', 'a run without a recording is 404 that names it, over or not', async (g) => {
    for (const id of [g.over, g.live]) refused(await video(g.acme, id), 404, new RegExp(id))
  })

  for (const raw of ['1', 'true', 'yes', '0', 'false'])
    check('http-api 17', `?raw=${raw} asks for one file or the other: 404 as well`, async (g) => refused(await video(g.acme, g.over, `?raw=${raw}`), 404))

  check('http-api 17', 'an unknown run is 404, a malformed one 400, another tenant\'s 404', async (g) => {
    refused(await video(g.acme, neverWas), 404, new RegExp(neverWas))
    refused(await video(g.acme, 'a%20b'), 400, /run_id/)
    refused(await video(g.server.as('rival'), g.over), 404)
  })

  check('http-api 17', 'the method is GET', async (g) => {
    const r = await g.acme.request('POST', `/v1/runs/${g.over}/video`)
    assert.equal(r.status, 405)
    assert.match(r.headers.get('allow'), /GET/)
  })

  for (const [field, good, bad] of [['video_format', ['mp4', 'webm', 'gif'], ['avi', '', 'MP4 ', 5]], ['video_fps', [1, 5, 30, '30'], [0, 31, -1, 2.5, 'fast']], ['record_video', [false, 'no', true, 'yes'], ['perhaps', 2]]])
    check('http-api 17', `${field} takes ${JSON.stringify(good)} and refuses ${JSON.stringify(bad)}`, async (g) => {
      for (const v of good) assert.equal((await g.acme.predict({ task_suite: wait(), dry_run: true, [field]: v })).status, 200, `${v}`)
      for (const v of bad) refused(await g.acme.predict({ task_suite: wait(), dry_run: true, [field]: v }), 400, new RegExp(field))
    })
})
