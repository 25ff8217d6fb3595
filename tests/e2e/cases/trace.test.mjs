// What a caller's traceparent is good for.

import assert from 'node:assert/strict'

import { startServer } from '../lib/harness.mjs'
import { cases } from '../lib/cases.mjs'
import { Receiver } from '../lib/receiver.mjs'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const suite = [{ type: 'wait', intent: 'w', params: { seconds: 600 } }]

async function start() {
  const receiver = await new Receiver().start()
  const server = await startServer({ env: { MANTIS_WEBHOOK_ALLOW_PRIVATE: '1' } })
  return { server, receiver }
}

async function stop({ server, receiver }) {
  await server.stop()
  receiver.stop()
}

cases({ start, stop }, (check) => {
  check('http-api 19', 'a traceparent is in the log lines of its call and goes with the webhook of its run', async ({ server, receiver }) => {
    const sent = `00-${trace}-00f067aa0ba902b7-01`
    const r = await server.predict({ task_suite: suite, callback_url: receiver.url('/a') }, { traceparent: sent })
    await server.request('POST', `/v1/runs/${r.json.run_id}/cancel`)
    const call = await receiver.call(r.json.run_id)
    assert.equal(call.headers.traceparent, sent)
    const line = server.child.log.split('\n').find((l) => l.includes(r.json.run_id) && l.includes('action=run'))
    assert.equal(JSON.parse(line).trace_id, trace)
  })

  for (const bad of ['', 'x', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${trace}-00f067aa0ba902b7-01`, `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`])
    check('http-api 19', `the traceparent '${bad.slice(0, 12)}' is ignored, and the call is not refused for it`, async ({ server, receiver }) => {
      const r = await server.predict({ task_suite: suite, callback_url: receiver.url('/b') }, { traceparent: bad })
      assert.equal(r.status, 200, r.text)
      await server.request('POST', `/v1/runs/${r.json.run_id}/cancel`)
      assert.equal((await receiver.call(r.json.run_id)).headers.traceparent, undefined)
    })
})
