// The console in a real Chromium: what an operator does with it, from signing in to the rows, at a desk and on a
// phone; that what pages say stays text; that everybody can use it.

import assert from 'node:assert/strict'
import http from 'node:http'
import test, { after, before } from 'node:test'
import { axe, chromium, mistakes, playwright, startBrowser } from './lib/browser.mjs'
import { slow, startServer, startSite, until } from './lib/harness.mjs'
import { needs } from './lib/npm.mjs'
import { startTenants } from './lib/tenants.mjs'

const desk = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }
const MARKUP = '<img src=x onerror="document.title=\'pwned\'">'
const RIGHT_TO_LEFT = '\u202eשלום עולם'
const LONG = 'W'.repeat(900)

// A page whose title and texts would like to be more than that.
const hostile = `<!doctype html><meta charset="utf-8"><title>${MARKUP.replaceAll('<', '&lt;')} ${RIGHT_TO_LEFT} ${LONG}</title><h1>Things</h1>
<table><tr><th>title</th><th>price</th></tr>${[MARKUP, RIGHT_TO_LEFT, LONG, 'javascript:alert(1)'].map((t, i) =>
  `<tr><td>${t.replaceAll('<', '&lt;')}</td><td>$ ${i + 1}.00</td></tr>`).join('')}</table>`

let site, server, browser, evil, ended
before(async () => {
  site = await startSite('marketplace')
  evil = http.createServer((_, reply) => reply.setHeader('Content-Type', 'text/html').end(hostile))
  await new Promise((resolve) => evil.listen(0, '127.0.0.1', resolve))
  server = await startTenants({
    acme: { max_concurrent_runs: 20, rate_limit_per_minute: 0, label: 'Acme day shift' }, reader: { tenant_id: 'acme', scopes: ['status', 'logs'] },
  }, { env: { MANTIS_ENV_URL: site.url, MANTIS_RUNTIME_CONCURRENCY: '2' } })
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await server?.stop()
  await site?.stop()
  evil?.close()
})

const options = { ...needs(playwright, chromium), timeout: 150000 * slow }
const acme = () => server.as('acme')

async function signIn(hash = '', viewport = desk, who = 'acme') {
  const page = await browser.open(`${server.base}/console${hash}`, { viewport })
  await page.getByLabel('Tenant token').fill(server.as(who).token)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Console' }).waitFor()
  return page
}

const status = (page, words) => page.locator('.run-title .chip', { hasText: words }).waitFor()
const noSideways = async (page) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the screen')
const frames = (page, n) => page.waitForFunction((m) => Number(document.querySelector('.live-canvas')?.dataset.frames) >= m, n)
const idOf = (page) => decodeURIComponent(new URL(page.url()).hash.split('/')[2].split('?')[0])

// One run that is over, for who only looks.
async function endedRun() {
  ended ??= acme().submit({ micro: 'plans/example/extract_listings.json', row_images: true, profile_id: 'ended', plan_name: 'Boats of the day' })
    .then(async (id) => { assert.equal((await acme().end(id, 100000)).status, 'succeeded'); return id })
  return ended
}

test('the page has a policy, its files a type; both are gone when the operator turns them off', async () => {
  const page = await server.as('').request('GET', '/console')
  assert.equal(page.status, 200)
  assert.equal(page.headers.get('content-security-policy'), "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
  assert.doesNotMatch(page.text, /<script(?![^>]*src=)|style=|https?:/)
  const main = await server.as('').request('GET', `/${/src="(console\/main[^"]+)"/.exec(page.text)[1]}`)
  assert.equal(main.headers.get('content-type'), 'text/javascript; charset=utf-8')
  for (const name of ['index.html', '..%2fdocument.json', 'none.js']) assert.ok([400, 404].includes((await server.as('').request('GET', `/console/${name}`)).status), name)
  assert.equal((await server.as('').request('GET', '/docs/main.js')).status, 404)
  const off = await startServer({ env: { MANTIS_ENABLE_CONSOLE: 'no' } })
  try {
    for (const route of ['/console', '/console/main.js']) assert.equal((await off.request('GET', route)).status, 404, route)
  } finally {
    await off.stop()
  }
})

test('the steps of a run come with pictures, a page at a time', { timeout: 120000 * slow }, async () => {
  const id = await endedRun()
  const get = (path) => acme().request('GET', `/v1/runs/${id}${path}`)
  const all = (await get('/steps')).json
  assert.deepEqual([all.n_steps, all.steps.length, all.rows, all.plan.length, all.terminal, all.next_after], [14, 14, 3, 7, true, null])
  assert.equal(all.steps[0].before_url, null)
  assert.equal(all.steps[1].before_url, all.steps[0].after_url)
  assert.equal(all.steps[0].cost_usd, 0)
  assert.deepEqual((await get('/steps?after=12')).json.steps, all.steps.slice(12))
  const png = await fetch(server.base + all.steps[2].after_url, { headers: { 'X-Mantis-Token': acme().token } })
  assert.deepEqual([png.status, png.headers.get('content-type'), png.headers.get('x-content-type-options')], [200, 'image/png', 'nosniff'])
  for (const name of ['none.png', 'final', '.part', '..%2fscreenshots%2ffinal.png', '%2e%2e']) assert.equal((await get(`/screenshots/${name}`)).status, 404, name)
  assert.equal((await server.as('reader').request('GET', all.steps[2].after_url)).status, 403, 'pictures need the scope result')
})

test('a token is asked for, refused, taken, and kept nowhere', options, async () => {
  const page = await browser.open(`${server.base}/console#/usage`, { viewport: desk })
  await page.getByLabel('Tenant token').fill('f'.repeat(64))
  await page.keyboard.press('Enter')
  await page.getByText('This token is not known here.').waitFor()
  await page.getByLabel('Tenant token').fill(acme().token)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Usage' }).waitFor()
  await page.getByText('Acme day shift').first().waitFor()
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, document.documentElement.outerHTML]))
  assert.ok(!kept.includes(acme().token))
  assert.deepEqual(page.asked.filter((u) => u.includes(acme().token)), [])
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Tenant token').waitFor()
  assert.equal(await page.getByLabel('Tenant token').inputValue(), '')
  page.clean([/401/])
  await page.close()
})

for (const [name, viewport] of [['at a desk', desk], ['on a phone', phone]])
  test(`${name}: the example is started, watched live, and its rows are seen with their pictures`, options, async () => {
    const page = await signIn('#/start', viewport)
    await page.getByRole('button', { name: 'Example' }).click()
    await page.getByText('Understood.').waitFor()
    assert.equal(await page.locator('ol.plan li').count(), 7)
    await page.getByLabel('Name').fill(`Boats ${name}`)
    await page.getByLabel('Profile').fill(name.replaceAll(' ', '-'))
    await noSideways(page)
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByRole('heading', { name: `Boats ${name}` }).waitFor()
    await frames(page, 3)
    await status(page, 'Succeeded')
    assert.equal((await acme().status(idOf(page))).payload.row_images, true)
    const rows = page.locator('.data-table tbody tr')
    await rows.nth(2).waitFor()
    assert.equal(await rows.count(), 3)
    const crops = page.locator('.data-table img')
    await until(10000 * slow, 'pictures of rows', () => crops.evaluateAll((list) => list.length === 3 && list.every((i) => i.naturalWidth > 0)))
    assert.equal(await page.locator('button.step').count(), 14)
    await page.getByRole('button', { name: 'Where row 2 was seen' }).click()
    await page.getByRole('dialog').getByRole('row', { name: /^price 5,700 USD/ }).waitFor()
    await page.keyboard.press('Escape')
    const film = page.locator('video')
    await film.waitFor()
    await page.getByRole('list', { name: 'Chapters' }).getByRole('button').nth(3).click()
    await until(30000 * slow, 'the film to play', () => film.evaluate((v) => v.videoWidth > 0 && v.currentTime > 1))
    await rows.nth(1).getByRole('button', { name: 'Row 2, of step 9' }).click()
    await page.getByRole('heading', { name: 'Step 9: extract data' }).waitFor()
    await noSideways(page)
    page.clean()
    await page.close()
  })

test('a step shows the screen before and after it, and where it pressed', options, async () => {
  const page = await signIn(`#/runs/${await endedRun()}`)
  await page.locator('button.step').nth(2).click()
  await page.getByRole('heading', { name: 'Step 3: click' }).waitFor()
  await page.locator('.shots .point.on').waitFor()
  const { steps } = (await acme().request('GET', `/v1/runs/${await endedRun()}/steps`)).json
  const { x, y } = steps[2].last_action.params
  const at = await page.locator('.shots .point').evaluate((p) => { const { naturalWidth: w, naturalHeight: h } = p.previousSibling; return [parseFloat(p.style.left) * w / 100, parseFloat(p.style.top) * h / 100] })
  assert.ok(Math.abs(at[0] - x) < 1 && Math.abs(at[1] - y) < 1, `${at} is ${x},${y}`)
  assert.equal(await page.locator('.shots img').count(), 2)
  assert.match(page.url(), /step=3/)
  await page.keyboard.press('j')
  await page.getByRole('heading', { name: 'Step 4: extract url' }).waitFor()
  await page.getByRole('tab', { name: 'Events' }).click()
  await page.getByText('events, newest first').waitFor()
  await page.getByRole('tab', { name: 'Files' }).click()
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download leads.csv' }).click()])
  assert.equal(file.suggestedFilename(), 'leads.csv')
  page.clean()
  await page.close()
})

test('a run is paused, taken over, typed into, given back and goes on', options, async () => {
  const id = await acme().submit({ profile_id: 'hands', plan_name: 'By hand', task_suite: [
    { type: 'navigate', intent: 'Open the boats', params: { url: '{{ENV_URL}}/boats/' } },
    { type: 'wait', intent: 'Wait for a person', params: { seconds: 25 } }, { type: 'extract_url', intent: 'Read the address' },
  ] })
  const page = await signIn(`#/runs/${id}`)
  await page.locator('.step', { hasText: 'Wait for a person' }).locator('.mark.live').waitFor()
  await frames(page, 1)
  await page.getByRole('button', { name: 'Pause' }).click()
  await status(page, 'Paused')
  await page.getByRole('button', { name: 'Resume' }).click()
  await status(page, 'Running')
  await page.getByRole('button', { name: 'Take over' }).click()
  await page.getByText('You have the controls: click the screen').waitFor()
  await status(page, 'Paused')
  await page.getByRole('button', { name: 'Step', exact: true }).click()
  await page.getByRole('heading', { name: 'Step 1: navigate' }).waitFor()
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  await page.getByText('You have the controls: click the screen').waitFor()
  await frames(page, 1)
  const box = await page.locator('.live-canvas').boundingBox()
  await page.mouse.click(box.x + box.width * 0.27, box.y + box.height * 0.165)
  await page.keyboard.type('Skerrry')
  await page.keyboard.press('Backspace')
  await page.keyboard.press('Backspace')
  await page.keyboard.type('y é')
  await page.keyboard.press('Enter')
  await frames(page, 2) // of a canvas that is new
  await page.getByRole('button', { name: 'Release' }).click()
  await status(page, 'Running')
  await status(page, 'Succeeded')
  const { events } = (await acme().request('GET', `/v1/runs/${id}/events`)).json
  const told = events.find((e) => e.kind === 'takeover')
  assert.ok(told, 'what a person changed is told')
  assert.match(decodeURIComponent(JSON.stringify(told.detail)).replaceAll('+', ' '), /Skerry é/)
  page.clean()
  await page.close()
})

test('a question is answered, and a run is cancelled', options, async () => {
  const id = await acme().submit({ profile_id: 'asks', task_suite: [
    { type: 'request_user_input', intent: 'Ask', params: { prompt: `Which ${MARKUP}?` } }, { type: 'wait', intent: 'Wait', params: { seconds: 600 } },
  ] })
  const page = await signIn(`#/runs/${id}`, phone)
  await page.getByLabel(`Which ${MARKUP}?`).fill('that one')
  await noSideways(page)
  await page.keyboard.press('Enter')
  await status(page, 'Running')
  await page.getByRole('button', { name: 'Cancel …' }).click()
  await page.getByLabel('Reason (optional)').fill('enough')
  await page.getByRole('button', { name: 'Cancel the run' }).click()
  await status(page, 'Cancelled')
  assert.equal((await acme().status(id)).cancel_reason, 'enough')
  assert.notEqual(await page.title(), 'pwned')
  page.clean()
  await page.close()
})

test('what pages say stays text, however long it is and wherever it runs', options, async () => {
  const id = await acme().submit({ profile_id: 'hostile', plan_name: `${MARKUP} ${RIGHT_TO_LEFT} ${LONG.slice(0, 300)}`, task_suite: [
    { type: 'navigate', intent: `Open ${MARKUP} ${LONG}`, params: { url: `http://127.0.0.1:${evil.address().port}/` } },
    { type: 'extract_rows', intent: 'Every row', extract: { fields: [{ name: 'title' }, { name: 'price' }] } },
    { type: 'extract_data', intent: 'A gate that fails', gate: true, required: true, verify: `The heading "${MARKUP}" is shown` },
  ] })
  await acme().end(id)
  for (const viewport of [desk, phone]) {
    const page = await signIn(`#/runs/${id}`, viewport)
    await page.locator('.data-table tbody tr').first().waitFor()
    await page.locator('.data-table td', { hasText: MARKUP }).waitFor()
    for (const n of [0, 1, 2]) {
      await (n === 2 ? page.getByRole('button', { name: 'Show step 3' }) : page.locator('button.step').nth(n)).click()
      await page.getByRole('heading', { name: `Step ${n + 1}:` }).waitFor()
      await noSideways(page)
    }
    for (const tab of ['Events', 'Files', 'Request']) { await page.getByRole('tab', { name: tab }).click(); await noSideways(page) }
    await page.getByRole('link', { name: 'Runs', exact: true }).first().click()
    await page.locator('table.runs tr', { hasText: id }).waitFor()
    await noSideways(page)
    assert.equal(await page.locator('img[src="x"], main script').count(), 0)
    assert.equal(await page.locator('a[href^="javascript:"]').count(), 0)
    assert.doesNotMatch(await page.title(), /pwned$/)
    page.clean()
    await page.close()
  }
})

test('runs are found by status and by text, and the address keeps both', options, async () => {
  const id = await endedRun()
  const page = await signIn('#/runs')
  await page.getByRole('button', { name: 'Succeeded' }).click()
  await page.getByLabel('Search runs').fill('OF THE DAY')
  await page.locator('table.runs tbody tr', { hasText: id }).waitFor()
  await until(5000 * slow, 'one run', async () => await page.locator('table.runs tbody tr').count() === 1)
  assert.match(page.url(), /status=succeeded&q=OF\+THE\+DAY/)
  await page.getByLabel('Search runs').fill('no run is called like this')
  await page.getByText('No run is like that.').waitFor()
  await page.close()
})

test('a plan is checked as it is typed', options, async () => {
  const page = await signIn('#/start')
  const plan = page.getByLabel('Plan (JSON)')
  await plan.fill('[{"type": "navigate",\n "intent": oops}]')
  await page.getByText(/^line 2, column/).waitFor()
  assert.equal(await plan.getAttribute('aria-invalid'), 'true')
  await plan.fill('[{"type": "navigate"}]')
  await page.getByText("step 1: 'intent' is missing or empty").waitFor()
  await plan.fill('[{"type": "teleport", "intent": "Go there"}]')
  await page.getByText("unknown_step_type 'teleport'").waitFor()
  await page.getByRole('button', { name: 'In words' }).click()
  await page.getByLabel('What is to be done').fill('frobnicate it')
  await page.getByText('is not understood').waitFor()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('alert').getByText('is not understood').waitFor()
  await page.getByRole('button', { name: 'Plan', exact: true }).click()
  await plan.fill('[{"type": "wait", "intent": "Wait for nobody", "params": {"seconds": 600}}]')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('heading', { name: 'Wait for nobody' }).waitFor() // nobody named it
  await acme().request('POST', `/v1/runs/${idOf(page)}/cancel`)
  page.clean([/400/])
  await page.close()
})

test('its parsers read what is cut, odd or hostile', options, async () => {
  const page = await browser.open(`${server.base}/console`)
  const inPage = (module, fn, arg) => page.evaluate(async ([m, source, a]) => {
    const found = await import(new URL(`console/${m}.js`, document.baseURI))
    return found[source](...a)
  }, [module, fn, arg])
  // events, as they come in pieces
  assert.deepEqual(await inPage('stream', 'frames', [': ping\n\nid: a#1\nevent: step_end\ndata: {"a": ": b"}\n\nevent: pha']),
    [[{ id: 'a#1', event: 'step_end', data: '{"a": ": b"}' }], 'event: pha'])
  // where a text stops being JSON
  for (const [text, words] of [['[1,]', 'line 1, column 4: “]”'], ['{"a":1', 'line 1, column 7: the text ends'], ['{"steps":[\n{"type" "x"}]}', 'line 2, column 9'], ['["\\x"]', 'line 1, column 2'],
    ['[01]', 'line 1, column 3'], ['[]]', 'line 1, column 3'], ['{"a":1,}', 'line 1, column 8'], ['nul', 'line 1, column 1'], ['{}', 'a plan is an array'], ['[1]', 'step 1 is not an object']])
    assert.ok((await inPage('plan_check', 'checkPlan', [text])).problem.text.startsWith(words), text)
  assert.equal((await inPage('plan_check', 'checkPlan', ['{"tasks":[{"intent":"a \\u00e9 -1.5e3"}]}'])).steps.length, 1)
  for (const [text, named] of [['[{"type":"wait","intent":"a"}]', false], ['{"plan_name":"b","steps":[{"type":"wait","intent":"a"}]}', true]])
    assert.equal((await inPage('plan_check', 'checkPlan', [text])).named, named, text)
  // times
  for (const [seconds, words] of [[0.996, '1.0 s'], [9.97, '10 s'], [59.6, '1 min 0 s'], [119.7, '2 min 0 s'], [3599.9, '1 h 0 min']])
    assert.equal(await inPage('format', 'duration', [seconds]), words)
  // chapters
  assert.deepEqual(await inPage('video', 'cuesOf', ['WEBVTT\n\n00:00:03.500 --> 00:00:04.000\n1/2 a &lt;b&gt; &amp;amp;\n\n01:00:00.000 --> 01:00:01.000\nend\n\n']),
    [{ at: 3.5, words: '1/2 a <b> &amp;' }, { at: 3600, words: 'end' }])
  // keys: characters are left to the field, combinations and names are sent
  for (const [event, key] of [[{ key: 'a' }, null], [{ key: 'A', ctrlKey: true, shiftKey: true }, 'ctrl+a'], [{ key: 'Enter' }, 'Enter'], [{ key: 'Tab', shiftKey: true }, 'shift+Tab'],
    [{ key: 'ArrowDown', altKey: true }, 'alt+Down'], [{ key: 'F5' }, 'F5'], [{ key: 'Dead' }, null], [{ key: 'Process' }, null], [{ key: 'x', isComposing: true }, null]])
    assert.deepEqual(await inPage('live_input', 'keyMessage', [event]), key && { type: 'key', event: 'press', key })
  // addresses
  assert.deepEqual(await inPage('router', 'parse', ['#/runs/a%2Fb%?tab=x&step=%C3%A9']), { page: 'runs', id: 'a%2Fb%', query: { tab: 'x', step: 'é' } })
  assert.equal(await inPage('router', 'format', [{ page: 'runs', id: 'a/b', query: { q: 'x y', tab: '' } }]), '#/runs/a%2Fb?q=x+y')
  page.clean()
  await page.close()
})

test('who waits for a slot is shown no screen and no controls', options, async () => {
  const ids = []
  for (const n of [1, 2, 3]) ids.push(await acme().submit({ profile_id: `slot ${n}`, task_suite: [{ type: 'wait', intent: 'Wait', params: { seconds: 600 } }] }))
  const page = await signIn(`#/runs/${ids[2]}`) // there are two slots
  await page.getByText('Waiting for a slot.').waitFor()
  assert.equal(await page.locator('.live-canvas').isVisible(), false)
  assert.equal(await page.getByRole('button', { name: 'Take over' }).count(), 0)
  for (const id of ids) await acme().request('POST', `/v1/runs/${id}/cancel`)
  await page.close()
})

test('who may only look is offered nothing else', options, async () => {
  const id = await acme().submit({ profile_id: 'looked-at', task_suite: [{ type: 'wait', intent: 'Wait', params: { seconds: 600 } }] })
  const page = await signIn(`#/runs/${id}`, desk, 'reader')
  await status(page, 'Running')
  await frames(page, 1)
  for (const name of ['Pause', 'Cancel …', 'Take over']) assert.equal(await page.getByRole('button', { name }).count(), 0, name)
  assert.equal(await page.getByRole('link', { name: 'New run' }).count(), 0)
  await acme().request('POST', `/v1/runs/${id}/cancel`)
  await page.close()
})

test('everything can be reached by keyboard', options, async () => {
  const id = await endedRun()
  const page = await signIn('#/runs')
  await page.locator('table.runs tbody tr', { hasText: id }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard' }).getByText('Next run').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('/')
  await page.keyboard.type('of the day')
  await until(5000 * slow, 'one run', async () => await page.locator('table.runs tbody tr').count() === 1)
  await page.keyboard.press('Tab')
  await page.evaluate(() => document.activeElement.blur())
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Boats of the day' }).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
  await page.keyboard.press('g')
  await page.keyboard.press('u')
  await page.getByRole('heading', { name: 'Usage' }).waitFor()
  await page.close()
})

for (const [name, viewport] of [['at a desk', desk], ['on a phone', phone]])
  test(`nobody is kept out ${name}: every page, in light and in dark`, { ...options, ...needs(playwright, chromium, axe), timeout: 300000 * slow }, async () => {
    const id = await endedRun()
    const live = await acme().submit({ profile_id: `asked ${name}`, task_suite: [
      { type: 'navigate', intent: 'Open the boats', params: { url: '{{ENV_URL}}/boats/' } }, { type: 'request_user_input', intent: 'Ask', params: { prompt: 'Which?' } },
    ] })
    const bare = await browser.open(`${server.base}/console`, { viewport })
    assert.deepEqual(await mistakes(bare), [], 'sign in')
    await bare.close()
    const page = await signIn('#/runs', viewport)
    for (const [hash, ready] of [
      ['#/runs', (p) => p.locator('table.runs tbody tr').first().waitFor()],
      ['#/start', async (p) => { await p.getByRole('button', { name: 'Example' }).click(); await p.locator('ol.plan li').first().waitFor() }],
      ['#/usage', async (p) => { await p.locator('.figures').waitFor(); await p.getByText('As a table').click() }],
      [`#/runs/${id}?step=3`, async (p) => { await p.locator('.shots .point.on').waitFor(); await p.locator('.data-table tr').first().waitFor(); await p.getByText('Where the time went').click() }],
      [`#/runs/${live}`, async (p) => { await p.locator('#answer').waitFor(); await p.getByRole('button', { name: 'Take over' }).click(); await p.getByText('You have the controls: click').waitFor() }],
      [`#/runs/${id}?tab=events`, (p) => p.locator('.events li').first().waitFor()],
      ['#/runs', async (p) => { await p.locator('table.runs tbody tr').first().waitFor(); await p.keyboard.press('?'); await p.getByRole('dialog').waitFor() }],
    ]) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.evaluate((to) => { location.hash = to }, hash)
      await ready(page)
      assert.deepEqual(await mistakes(page), [], hash)
    }
    await page.close()
    await acme().request('POST', `/v1/runs/${live}/cancel`)
  })
