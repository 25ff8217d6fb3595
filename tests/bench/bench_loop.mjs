// The agent's own time per step of the inner loop, with a model that answers at once: from its answer to the next
// request that has come whole (parse, act, settle, perceive, encode, prompt, and the way through the gateway). Clicks on
// a page that stands still; of each sub-goal the clicks alone count.

import http from 'node:http'
import { startServer, startSite, until } from '../e2e/lib/harness.mjs'
import { median, percentile } from './lib.mjs'

const goals = 15, clicks = 4

// A model that knows the next action before it is asked. Gaps: milliseconds from an answer to the next request.
function quickModel() {
  const gaps = []
  let turn = 0, answered = 0
  const say = (content) => JSON.stringify({ choices: [{ message: { content } }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })
  const server = http.createServer((req, res) => {
    const body = []
    req.on('data', (d) => body.push(d))
    req.on('end', () => {
      const came = performance.now(), text = Buffer.concat(body).toString('latin1')
      if (!text.includes('image_url')) return res.end(req.url.endsWith('/models') ? '{"data":[{"id":"m"}]}' : say('[]'))
      if (!text.includes('"role":"system"')) return res.end(say('{"valid": true, "reason": "it is", "focused": false}'))
      const at = turn++ % (clicks + 1)
      if (at) gaps.push(came - answered)
      res.end(say(at === clicks ? 'done(success=True, summary="the margin was clicked")' : `click(x=${1200 - 40 * at}, y=${400 + 40 * at})`))
      answered = performance.now()
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, gaps, stop: () => server.close() })))
}

for (const backend of ['computer_plane', 'browser_use_plane']) {
  const model = await quickModel()
  const site = await startSite('shop')
  const server = await startServer({ env: { MANTIS_ENV_URL: site.url, MANTIS_BRAIN: 'holo3', MANTIS_MODEL_URL: model.url } })
  await until(30000, 'the model server', async () => (await fetch(`${server.base}/health`)).ok)
  const steps = [{ type: 'navigate', intent: 'Open the cart', params: { url: '{{ENV_URL}}/cart/' } }]
  for (let i = 0; i < goals; i++) steps.push({ type: 'holo3', intent: 'Click the margin of the page', budget: clicks + 1 })
  const id = await server.submit({ compute_backend: backend, task_suite: { steps } })
  const status = await server.end(id)
  const { result } = await server.result(id)
  await server.stop()
  await site.stop()
  model.stop()
  if (status.status !== 'succeeded' || model.gaps.length !== goals * clicks) throw new Error(`run ${id}: ${JSON.stringify(status)}, ${model.gaps.length} steps`)
  const of = (bucket) => result.step_details.slice(1).map((s) => (s.time_breakdown[bucket] * 1000) / clicks)
  const settle = median(of('settle'))
  const row = (name, ms, aim) => console.log(`  ${name.padEnd(24)} ${ms.toFixed(1).padStart(6)} ms${aim}`)
  console.log(`${backend}: a step without the model (${model.gaps.length} steps)`)
  row('all', median(model.gaps), `   (median; p90 ${percentile(model.gaps, 90).toFixed(1)} ms; aim <= 300)`)
  row('of which settle', settle, '')
  row('all but settle', median(model.gaps) - settle, '   (aim <= 20)')
  for (const bucket of ['perceive', 'act']) row(`  ${bucket}`, median(of(bucket)), '')
}
