// allowed_domains: what a plan names, in every shape, before it starts; where the browser is, while it runs.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { cases } from '../lib/cases.mjs'
import { startSite, tempDir } from '../lib/harness.mjs'
import { dryRun, refused, roomy, wait } from '../lib/plans.mjs'
import { startTenants } from '../lib/tenants.mjs'

const go = (url, intent = 'Open it') => ({ type: 'navigate', intent, params: { url } })
const evil = 'https://evil.example/x'
const fine = 'https://shop.example/x'

// A site of two hosts: 127.0.0.1 and localhost are the same server and different names.
async function twoHosts() {
  const seen = []
  const pages = {
    '/': (other) => `<h1>Harbour</h1><a href="${other}/other">Leave the harbour</a> <a href="/quay">Along the quay</a>`,
    '/quay': () => '<h1>Quay</h1><p>Still here</p>',
    '/other': () => '<h1>Elsewhere</h1>',
    '/script': (other) => `<h1>Moment</h1><script>location.replace('${other}/other')</script>`,
    '/refresh': (other) => `<meta http-equiv="refresh" content="0;url=${other}/other"><h1>Moment</h1>`,
  }
  const server = http.createServer((req, res) => {
    const port = server.address().port
    seen.push(`${req.headers.host.split(':')[0]} ${req.url}`)
    res.setHeader('Content-Type', 'text/html')
    if (req.url === '/redirect') res.writeHead(302, { Location: `http://localhost:${port}/other` })
    res.end(`<!doctype html><title>${req.url}</title>${pages[req.url]?.(`http://localhost:${port}`) ?? ''}`)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, seen, stop: () => { server.closeAllConnections(); return new Promise((r) => server.close(r)) } }
}

// [what, plan on that site, ends as]; run as a tenant that may go to 127.0.0.1 only
const journeys = {
  redirected: (u) => [go(`${u}/redirect`), ...wait()],
  clicked: (u) => [go(`${u}/`), { type: 'click', intent: 'Follow the link "Leave the harbour"', params: { label: 'Leave the harbour' } }, ...wait()],
  scripted: (u) => [go(`${u}/script`), ...wait(0.2), ...wait()],
  refreshed: (u) => [go(`${u}/refresh`), ...wait(0.2), ...wait()],
  stayed: (u) => [go(`${u}/`), { type: 'click', intent: 'Follow the link "Along the quay"', params: { label: 'Along the quay' } }, ...wait()],
}

const start = async () => {
  const root = tempDir('plans')
  fs.mkdirSync(path.join(root, 'plans'))
  const file = (name, content) => fs.writeFileSync(path.join(root, 'plans', name), typeof content === 'string' ? content : JSON.stringify(content))
  file('bare.json', [go(evil)])
  file('wrapped.json', { steps: [go(evil)], runtime: { max_cost: 1 } })
  file('prose.txt', `Open ${evil} and read the list.`)
  file('suite.json', { session_name: 's', base_url: evil, tasks: [{ task_id: 't', intent: 'look' }] })
  file('fine.json', [go(fine)])
  const [site, lab] = await Promise.all([twoHosts(), startSite('lab')])
  const server = await startTenants({
    fenced: { ...roomy, allowed_domains: ['shop.example', '*.wild.example', 'UPPER.example', 'dot.example.', '10.0.0.1', '[2001:db8::1]'] },
    free: roomy, none: { ...roomy, allowed_domains: [] }, shut: { ...roomy, allowed_domains: ['no host at all'] },
    near: { ...roomy, allowed_domains: ['127.0.0.1'] }, both: { ...roomy, allowed_domains: ['127.0.0.1', 'localhost'] },
  }, { env: { MANTIS_REPO_ROOT: root, MANTIS_RUNTIME_CONCURRENCY: '2', MANTIS_ENV_URL: lab.url } })
  const near = server.as('near')
  const runs = {}
  for (const [name, plan] of Object.entries(journeys)) runs[name] = await near.submit({ task_suite: plan(site.url), profile_id: name })
  runs.drifted = await near.submit({ task_suite: [go('{{ENV_URL}}/lab/drift?to=host'), ...wait()], profile_id: 'drifted' })
  runs.both = await server.as('both').submit({ task_suite: journeys.clicked(site.url), profile_id: 'both' })
  const ends = {}
  for (const [name, id] of Object.entries(runs)) ends[name] = await server.as(name === 'both' ? 'both' : 'near').end(id, 90000)
  return { root, site, lab, server, runs, ends, fenced: server.as('fenced') }
}

const stop = async (g) => {
  await g.server.stop()
  await g.site.stop()
  await g.lab.stop()
  fs.rmSync(g.root, { recursive: true, force: true })
}

const denied = (reply, host = 'evil\\.example') => refused(reply, 403, new RegExp(host))

// [where the address stands, request]
const places = [
  ['params.url of a bare step', { task_suite: [go(evil)] }],
  ['the intent of a bare step', { task_suite: [{ type: 'click', intent: `Click the link to ${evil}` }] }],
  ['url of a bare step', { task_suite: [{ type: 'navigate', intent: 'Open it', url: evil }] }],
  ['the verify of a step', { task_suite: [{ type: 'click', intent: 'x', verify: `The address is ${evil}` }] }],
  ['a hint', { task_suite: [{ type: 'click', intent: 'x', hints: { expect_url_contains: [evil] } }] }],
  ['a later step', { task_suite: [go(fine), ...wait(), go(evil)] }],
  ['a _micro_plan\'s params.url', { task_suite: { _micro_plan: [go(evil)] } }],
  ['a _micro_plan\'s intent', { task_suite: { _micro_plan: [{ type: 'click', intent: `go to ${evil}` }] } }],
  ['a _micro_plan\'s verify', { task_suite: { _micro_plan: [{ type: 'click', intent: 'x', verify: evil }] } }],
  ['wrapped steps', { task_suite: { steps: [go(evil)], runtime: {} } }],
  ['a suite\'s base_url', { task_suite: { base_url: evil, _micro_plan: wait() } }],
  ['a task\'s start_url', { task_suite: { tasks: [{ task_id: 't', intent: 'look', start_url: evil }] } }],
  ['a task\'s intent', { task_suite: { tasks: [{ task_id: 't', intent: `look at ${fine} and ${evil}` }] } }],
  ['the _pagination_url_template', { task_suite: { _micro_plan: wait(), _pagination_url_template: `${evil}?page={n}` } }],
  ['task_file_contents', { task_file_contents: JSON.stringify({ _micro_plan: [go(evil)] }) }],
  ['task_file_contents of steps', { task_file_contents: JSON.stringify([go(evil)]) }],
  ['a file of steps', { micro: 'plans/bare.json' }],
  ['a wrapped file', { micro: 'plans/wrapped.json' }],
  ['a file by its other name', { micro_path: 'plans/bare.json' }],
  ['a suite file', { task_file: 'plans/suite.json' }],
  ['prose', { plan_text: `First open ${evil}. Then stop.` }],
  ['start_url of the request', { task_suite: wait(), start_url: evil }],
  ['base_url of the request', { task_suite: wait(), base_url: evil }],
  ['start_url beside prose', { plan_text: 'Read the list', start_url: evil }],
]

// [address, is shop.example or *.wild.example meant by it]
const addresses = [
  ['https://shop.example', true], ['http://shop.example/', true], ['HTTPS://SHOP.Example/A', true], ['http://shop.example:8443/', true], ['http://shop.example./', true],
  ['http://user:pw@shop.example/', true], ['http://shop.example?u=http', true], ['http://shop.example#top', true], ['http://shop.example/http', true], ['http://upper.example/', true], ['http://dot.example/', true],
  ['http://a.wild.example/', true], ['http://a.b.wild.example/', true], ['http://A.Wild.Example:81/', true], ['http://10.0.0.1/', true], ['http://[2001:db8::1]/', true], ['http://[2001:DB8:0::1]:80/', true],
  ['http://a.shop.example/', false], ['http://shop.example.evil.example/', false], ['http://xshop.example/', false], ['http://shop.exampl/', false], ['http://shop-example/', false],
  ['http://shop.example@evil.example/', false], ['http://shop.example:80@evil.example/', false], ['http://evil.example/?u=shop.example', false], ['http://evil.example#@shop.example', false], ['http://evil.example:80/shop.example', false],
  ['http://wild.example/', false], ['http://xwild.example/', false], ['http://a.wild.example.evil.example/', false], ['http://10.0.0.2/', false], ['http://10.0.0.1.evil.example/', false], ['http://[2001:db8::2]/', false],
  // what a browser may read as another host than we do
  ['http://evil%2eexample/', false], ['http://shop.example%2f@evil.example/', false], ['http://shop。example/', false], ['http://ｓhop.example/', false], ['http://0x0a000001/', false], ['http://167772161/', false], ['http://10.1/', false],
  ['http://shop.example\\@evil.example/', true], ['//evil.example/', false], ['http:\\\\evil.example', false], ['ht\ttp://evil.example/', false], ['http://ev\nil.example/', false], ['javascript:location="http://evil.example"', false],
  ['file:///etc/passwd', false], ['data:text/html,<h1>x', false],
]

// [text, is it fine]; an address ends at white space, quotes, backticks, ) and >
const texts = [
  ['see http://shop.example.', true], ['see (http://shop.example), please', true], ['see "http://shop.example"', true], ['see `http://shop.example`', true], ['see <http://shop.example>', true], ["see 'http://shop.example'", true],
  ['mail me@evil.example about shop.example', true], ['no address at all', true], ['the word http alone', true],
  ['see http://evil.example.', false], ['see (http://evil.example)', false], ['see http://shop.example,http://evil.example', false], ['see http://shop.example and HTTPS://EVIL.example', false], ['http://evil.example', false],
]

cases({ start, stop }, (check) => {
  for (const [where, request] of places)
    check('http-api 15', `a host that is not allowed in ${where}: 403 that lists it`, async (g) => {
      denied(await g.fenced.predict({ ...request, dry_run: true }))
      denied(await g.fenced.predict(request))
    })

  check('http-api 15', 'a file of prose that names such a host starts nothing', async (g) => {
    const r = await g.fenced.predict({ micro: 'plans/prose.txt' })
    assert.ok([400, 403].includes(r.status), r.text)
  })

  check('http-api 15', 'nothing is left of what was denied', async (g) => {
    const { queued, running, recovering } = (await g.fenced.request('GET', '/v1/queue')).json
    assert.deepEqual([queued, running, recovering], [0, 0, 0])
    assert.deepEqual((await g.fenced.request('GET', '/v1/webhooks')).json.deliveries, [])
  })

  check('http-api 15', 'every host that is not allowed is listed, once', async (g) => {
    const r = denied(await g.fenced.predict({ task_suite: [go('http://one.example/'), go('http://two.example/a'), go('http://one.example/b'), go(fine)] }), 'one\\.example.*two\\.example')
    assert.equal(r.json.detail.split('one.example').length, 2)
    assert.ok(!r.json.detail.includes('shop.example'))
  })

  check('http-api 15', 'a plan of allowed hosts passes, and one without any', async (g) => {
    await dryRun(g.fenced, { task_suite: [go(fine), go('http://x.wild.example/')] })
    await dryRun(g.fenced, { micro: 'plans/fine.json' })
    await dryRun(g.fenced, { task_suite: wait() })
  })

  for (const [text, ok] of [['evil.example', true], [evil, true]])
    check('http-api 15', `words to be typed open nothing: ${text}`, async (g) => {
      const r = await g.fenced.predict({ dry_run: true, task_suite: [{ type: 'fill_field', intent: 'Write it', params: { label: 'Homepage', value: text } }] })
      assert.equal(r.status === 200, ok, r.text)
    })

  for (const [url, ok] of addresses)
    check('http-api 15', `${JSON.stringify(url)} as an address is ${ok ? 'allowed' : 'not'}`, async (g) => {
      const r = await g.fenced.predict({ dry_run: true, task_suite: [go(url)] })
      if (ok) assert.equal(r.status, 200, r.text)
      else assert.ok([403, 400].includes(r.status), `${r.status} ${r.text}`)
    })

  for (const [text, ok] of texts)
    check('http-api 15', `${JSON.stringify(text)} as an intent is ${ok ? 'allowed' : 'not'}`, async (g) => {
      const r = await g.fenced.predict({ dry_run: true, task_suite: [{ type: 'click', intent: text }] })
      if (ok) assert.equal(r.status, 200, r.text)
      else denied(r)
    })

  for (const name of ['free', 'none'])
    check('http-api 15', `a tenant whose allowed_domains are ${name === 'free' ? 'absent' : 'empty'} may go anywhere`, async (g) => {
      for (const [where, request] of places.filter(([, r]) => !r.plan_text && !r.task_file && !r.task_suite?.tasks)) {
        const r = await g.server.as(name).predict({ ...request, dry_run: true })
        assert.notEqual(r.status, 403, `${where}: ${r.text}`)
      }
    })

  check('tenancy 3', 'a pattern that is no host matches nothing rather than everything', async (g) => {
    denied(await g.server.as('shut').predict({ task_suite: [go(evil)], dry_run: true }))
    assert.match(g.server.child.log, /no host at all.*matches nothing/)
  })

  // --- where the browser is

  for (const name of ['redirected', 'clicked', 'scripted', 'refreshed', 'drifted'])
    check('http-api 15', `a run that is ${name} to another host stops with off_allowlist`, async (g) => {
      const end = g.ends[name]
      assert.equal(end.status, 'halted', JSON.stringify(end))
      assert.equal(end.halt_class, 'off_allowlist')
      const { result } = await g.server.as('near').result(g.runs[name])
      assert.ok(result.steps_executed < 3 || name === 'clicked' || name === 'scripted' || name === 'refreshed')
      assert.ok(result.step_details.some((s) => s.failure_class === 'off_allowlist'), JSON.stringify(result.step_details))
      const phase = (await g.server.as('near').request('GET', `/v1/runs/${g.runs[name]}`)).json
      assert.deepEqual([phase.phase, phase.halt_class], ['halted', 'off_allowlist'])
      assert.ok(phase.failure_help.summary)
    })

  check('http-api 15', 'one that stays on its host is not stopped', async (g) => {
    assert.equal(g.ends.stayed.status, 'succeeded', JSON.stringify(g.ends.stayed))
    assert.ok(g.site.seen.includes('127.0.0.1 /quay'))
  })

  check('http-api 15', 'nor is one whose tenant may go to both', async (g) => {
    assert.equal(g.ends.both.status, 'succeeded', JSON.stringify(g.ends.both))
  })
})
