// /docs and /redoc in a real Chromium: they load nothing from elsewhere, break no policy of their own,
// and a request sent from the page reaches the server.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { axe, chromium, mistakes, playwright, startBrowser } from './lib/browser.mjs'
import { slow, startServer } from './lib/harness.mjs'
import { needs } from './lib/npm.mjs'

let server, off, browser
before(async () => {
  server = await startServer()
  browser = await startBrowser({ colorScheme: 'dark' })
})
after(async () => {
  await browser?.close()
  await server?.stop()
  await off?.stop()
})

const open = (route) => browser.open(server.base + route)

const options = { ...needs(playwright, chromium), timeout: 90000 * slow }

test('assets have a type, a tag and a life; pages a policy', async () => {
  const page = await server.request('GET', '/docs')
  assert.equal(page.status, 200)
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self';/)
  const links = [...page.text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map((m) => m[1])
  assert.ok(links.length >= 2)
  for (const link of links) {
    const asset = await server.request('GET', `/${link}`)
    assert.equal(asset.status, 200, link)
    assert.match(asset.headers.get('content-type'), /^text\/(css|javascript); charset=utf-8$/)
    assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    assert.equal((await server.request('GET', `/${link}`, undefined, { 'If-None-Match': asset.headers.get('etag') })).status, 304)
    assert.equal((await server.request('GET', `/${link.split('?')[0]}?v=0`)).headers.get('cache-control'), 'no-cache')
  }
})

test('what is not an asset is not there', async () => {
  for (const name of ['document.json', 'operations.json', 'swagger.html', '..%2froutes.c', 'none.js', '%00'])
    assert.ok([400, 404].includes((await server.request('GET', `/docs/${name}`)).status), name)
})

test('a request sent from /docs is answered', options, async () => {
  const page = await open('/docs')
  const swagger = await page.evaluate(() => Boolean(globalThis.SwaggerUIBundle))
  if (swagger) {
    await page.getByRole('button', { name: 'Authorize' }).first().click()
    await page.getByLabel('auth-api-key').or(page.locator('.auth-container input')).first().fill(server.token)
    await page.locator('.auth-btn-wrapper button.authorize').click()
    await page.locator('.auth-btn-wrapper button.btn-done').click()
    const block = page.locator('#operations-runs-getQueue')
    await block.locator('.opblock-summary-control').click()
    await block.getByRole('button', { name: 'Execute' }).click()
    await block.locator('.live-responses-table').getByText('"tenant_id"').waitFor()
  } else {
    await page.locator('#token').fill(server.token)
    const op = page.locator('#getQueue')
    await op.getByText('Send a request').click()
    await op.getByRole('button', { name: 'Send' }).click()
    await op.getByText('"tenant_id"').waitFor()
  }
  assert.ok(page.asked.includes(`${server.base}/v1/queue`))
  page.clean()
  await page.close()
})

test('/redoc shows every operation', options, async () => {
  const page = await open('/redoc')
  await page.locator('section.op').first().waitFor()
  const { paths } = (await server.request('GET', '/openapi.json')).json
  const n = Object.values(paths).reduce((sum, item) => sum + Object.keys(item).length, 0)
  assert.equal(await page.locator('section.op').count(), n)
  assert.equal(await page.locator('form').count(), 0)
  page.clean()
  await page.close()
})

test('/redoc can be read by everybody, in light and in dark', { ...options, ...needs(playwright, chromium, axe) }, async () => {
  const page = await open('/redoc')
  await page.locator('section.op').first().waitFor()
  assert.deepEqual(await mistakes(page), [])
  await page.close()
})

test('both are gone when the operator turns them off; the document stays', async () => {
  off = await startServer({ env: { MANTIS_ENABLE_DOCS_UI: 'no' } })
  for (const route of ['/docs', '/redoc', '/docs/style.css']) {
    const r = await off.request('GET', route)
    assert.equal(r.status, 404, route)
    assert.deepEqual(r.json, { detail: 'Not Found' })
  }
  assert.equal((await off.request('GET', '/openapi.json')).status, 200)
})
