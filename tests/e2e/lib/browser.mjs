// browser.mjs - a real Chromium for pages of ours, driven by playwright; pages keep what they asked for and
// complained about.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { slow, tempDir } from './harness.mjs'
import { fromNpm } from './npm.mjs'

export const [playwright, axe] = await Promise.all(['playwright-core', 'axe-core'].map(fromNpm))
export const chromium = ['chromium', 'google-chrome-stable', 'google-chrome'].map((name) => {
  try { return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim() } catch { return '' }
}).find(Boolean)

// Chromium keeps its sandbox, which root may not use: started by root it runs under a uid of its own.
const uid = 64317
function program(dir, data) {
  fs.mkdirSync(data)
  if (process.getuid() !== 0) return chromium
  const wrapper = path.join(dir, 'chromium.sh')
  fs.chownSync(data, uid, uid)
  fs.writeFileSync(wrapper, `#!/bin/sh
HOME='${data}' exec setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all --pdeathsig KILL '${chromium}' "$@"
`, { mode: 0o755 })
  return wrapper
}

// null when there is no browser or no playwright.
export async function startBrowser(options) {
  if (!playwright || !chromium) return null
  const profile = tempDir('page')
  const data = path.join(profile, 'data')
  const context = await playwright.chromium.launchPersistentContext(data, {
    executablePath: program(profile, data), headless: true, chromiumSandbox: true, ...options,
  })
  return {
    context,
    // A page at address; clean() of it says that it asked nobody else and broke no rule of its own.
    async open(address, { viewport, colorScheme } = {}) {
      const page = await context.newPage()
      const origin = new URL(address).origin
      const asked = []
      const complaints = []
      page.on('request', (r) => asked.push(r.url()))
      page.on('console', (m) => { if (m.type() === 'error') complaints.push(m.text()) })
      page.on('pageerror', (e) => complaints.push(String(e)))
      page.setDefaultTimeout(60000 * slow)
      if (viewport) await page.setViewportSize(viewport)
      if (colorScheme) await page.emulateMedia({ colorScheme })
      await page.goto(address)
      page.asked = asked
      page.clean = (expected = []) => {
        assert.deepEqual(asked.filter((u) => !u.startsWith(origin) && !/^(data|blob):/.test(u)), [])
        assert.deepEqual(complaints.filter((c) => !expected.some((e) => e.test(c))), [])
      }
      return page
    },
    async close() {
      await context.close()
      fs.rmSync(profile, { recursive: true, force: true })
    },
  }
}

// What the dark may make wrong of a page that is right in the light.
const COLOURS = { runOnly: ['color-contrast', 'link-in-text-block'] }

// What axe finds wrong, in light and in dark.
export async function mistakes(page) {
  await page.evaluate((axe.default ?? axe).source)
  const found = []
  for (const [colorScheme, rules] of [['light', {}], ['dark', COLOURS]]) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate((options) => globalThis.axe.run(options), { ...rules, resultTypes: ['violations'] })
    found.push(...violations.map((v) => `${colorScheme} ${v.impact} ${v.id}: ${v.help} (${v.nodes[0].html})`))
  }
  return found
}
