// faults_keys.test.mjs - the keys file replaced by all that is no keys file: who could call can call, the
// metric counts it, the log says it, nobody waits, and a good file counts within 5 s.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

import { execFileSync, slow, until } from './lib/harness.mjs'
import { HELD_UP, logLines, metric, Polls, Vitals } from './lib/faults.mjs'
import { roomy } from './lib/plans.mjs'
import { newToken, startTenants, TenantServer } from './lib/tenants.mjs'

const GOOD_WITHIN = 5000

// A server of its own for each case: they wait for looks at the file, so they wait together.
class Ground {
  static async start(t) {
    const g = new Ground()
    g.server = await startTenants({ acme: roomy, rival: roomy })
    g.tokens = g.server.tokens
    g.file = g.server.keysFile
    g.generation = 0
    const vitals = new Vitals(g.server)
    t.after(async () => { await vitals.well(); await g.server.stop() })
    return g
  }

  async status(token) { return (await this.server.request('GET', '/v1/queue', undefined, { 'X-Mantis-Token': token })).status }

  async errors() { return metric((await this.server.request('GET', '/metrics')).text, 'mantis_tenant_keys_load_errors_total') }

  // A new set with a token of its own, so that it shows whether it is in force.
  good() {
    const token = newToken()
    return { token, text: JSON.stringify({ tenant_keys: { [token]: { tenant_id: `gen${this.generation++}`, ...roomy }, [this.tokens.acme]: { tenant_id: 'acme', ...roomy }, [this.tokens.rival]: { tenant_id: 'rival', ...roomy } } }) }
  }

  clear() { fs.rmSync(this.file, { recursive: true, force: true }) }

  replace(text) {
    fs.writeFileSync(this.file + '.new', text, { mode: 0o600 })
    fs.renameSync(this.file + '.new', this.file)
  }

  async counts(token, what) { await until(GOOD_WITHIN * slow, what, async () => (await this.status(token)) === 200, 50) }

  async noticed(before) { await until(GOOD_WITHIN * slow, 'the load error to be counted', async () => (await this.errors()) > before, 50) }

  async mend() {
    const { token, text } = this.good()
    this.clear()
    this.replace(text)
    await this.counts(token, 'the good file to count')
    assert.equal(await this.status(this.tokens.acme), 200)
  }
}

const put = (text) => (g) => fs.writeFileSync(g.file, text)
const link = (to) => (g) => { g.clear(); fs.symlinkSync(to ?? g.file, g.file) }

const broken = {
  'garbage': [put(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256))), /not valid JSON/],
  'truncated JSON': [(g) => put(g.good().text.slice(0, 200))(g), /not valid JSON/],
  'an empty file': [put(''), /empty|not valid JSON/],
  'a sparse file of 100 MB': [(g) => { put('')(g); fs.truncateSync(g.file, 100 << 20) }, /larger than/],
  'a directory': [(g) => { g.clear(); fs.mkdirSync(g.file) }, /not a file/],
  'a FIFO that nobody writes to': [(g) => { g.clear(); execFileSync('mkfifo', [g.file]) }, /not a file/],
  'a device without end': [link('/dev/zero'), /not a file/],
  'a link to itself': [link(), /cannot open/],
  'a link to nothing': [link('/nowhere/keys'), /cannot open/],
  'no file at all': [(g) => g.clear(), /cannot open/],
  'JSON of another shape': [put('[1,2,3]'), /no object 'tenant_keys'/],
  'keys that are no object': [put('{"tenant_keys":"all"}'), /no object 'tenant_keys'/],
  'JSON that is nested without end': [put('['.repeat(1000000)), /nested deeper/],
  'defaults that are wrong': [put('{"defaults":{"scopes":5},"tenant_keys":{}}'), /defaults/],
  'a later schema': [put('{"schema_version":99,"tenant_keys":{}}'), /schema_version/],
}

describe('a keys file that is none', { concurrency: 8 }, () => {
  for (const [name, [breakIt, words]] of Object.entries(broken))
    test(`${name} as keys file: the last good set stays in force, and that is said`, async (t) => {
      const g = await Ground.start(t)
      const before = await g.errors()
      const polls = new Polls(g.server.as('acme'))
      breakIt(g)
      await g.noticed(before)
      assert.equal(await g.status(g.tokens.acme), 200)
      assert.equal(await g.status(g.tokens.rival), 200)
      assert.equal(await g.status('no-such-token'), 401)
      await polls.stop()
      assert.deepEqual([...polls.statuses], [200], 'nobody was refused meanwhile')
      assert.ok(polls.slowest < HELD_UP * slow, `a poll took ${polls.slowest} ms`)
      const said = await until(5000 * slow, 'the log line', () => logLines(g.server).find((l) => l.level === 'ERROR' && /tenant keys/.test(l.msg)), 50)
      assert.match(said.msg, words)
      assert.match(said.msg, /stay in force/)
      for (const token of Object.values(g.tokens)) assert.ok(!said.msg.includes(token))
      assert.equal(await g.errors(), before + 1, 'the same broken file counts once')
      await g.mend()
    })

  test('a file that cannot be read leaves the last good set in force', async (t) => {
    const nobody = 65534 // root could read it
    const root = process.getuid() === 0
    const server = new TenantServer({ acme: roomy }, root && { wrap: ['setpriv', '--reuid', nobody, '--regid', nobody, '--clear-groups', '--pdeathsig', 'TERM'] })
    t.after(() => server.stop())
    if (root) for (const at of [server.dir, server.config, server.secrets, server.keysFile]) fs.chownSync(at, nobody, nobody)
    await server.start()
    const ask = () => server.as('acme').request('GET', '/v1/queue')
    const errors = async () => metric((await server.request('GET', '/metrics')).text, 'mantis_tenant_keys_load_errors_total')
    assert.equal((await ask()).status, 200)
    fs.chmodSync(server.keysFile, 0)
    await until(GOOD_WITHIN * slow, 'the load error to be counted', async () => (await errors()) === 1, 50)
    assert.equal((await ask()).status, 200)
    assert.ok(logLines(server).some((l) => /cannot open .*Permission denied.*stay in force/.test(l.msg)))
  })

  test('a wrong type in one entry takes out that entry alone and the log names its tenant', async (t) => {
    const g = await Ground.start(t)
    const { token, text } = g.good()
    const doc = JSON.parse(text)
    doc.tenant_keys[g.tokens.rival].max_concurrent_runs = { five: 5 }
    doc.tenant_keys[newToken()] = 'a string'
    doc.tenant_keys[newToken()] = { tenant_id: 17 }
    g.replace(JSON.stringify(doc))
    await g.counts(token, 'the file to count')
    assert.equal(await g.status(g.tokens.acme), 200)
    assert.equal(await g.status(g.tokens.rival), 401)
    const lines = logLines(g.server).filter((l) => /is left out/.test(l.msg))
    assert.equal(lines.length, 3)
    assert.ok(lines.some((l) => /tenant 'rival'.*'max_concurrent_runs'/.test(l.msg)), lines.map((l) => l.msg).join('\n'))
    for (const l of lines) assert.ok(!l.msg.includes(g.tokens.rival), 'a token is not logged')
    assert.equal(await g.errors(), 0)
    await g.mend()
    assert.equal(await g.status(g.tokens.rival), 200)
  })

  test('links swapped as Kubernetes swaps them are followed, also through a broken version', async (t) => {
    const g = await Ground.start(t)
    const dir = path.join(g.server.config, 'mount')
    const mount = (name, text) => {
      fs.mkdirSync(path.join(dir, name), { recursive: true })
      fs.writeFileSync(path.join(dir, name, 'keys.json'), text)
      fs.symlinkSync(name, path.join(dir, '..data_tmp'))
      fs.renameSync(path.join(dir, '..data_tmp'), path.join(dir, '..data'))
    }
    const first = g.good()
    mount('..v1', first.text)
    fs.symlinkSync('..data/keys.json', path.join(dir, 'keys.json'))
    link(path.join(dir, 'keys.json'))(g)
    await g.counts(first.token, 'the first version')
    mount('..v2', '{"tenant_keys":')
    await g.noticed(0)
    assert.equal(await g.status(first.token), 200)
    const third = g.good()
    mount('..v3', third.text)
    fs.rmSync(path.join(dir, '..v1'), { recursive: true })
    fs.rmSync(path.join(dir, '..v2'), { recursive: true })
    await g.counts(third.token, 'the third version')
    assert.equal(await g.status(first.token), 401, 'what the new version leaves out is out')
  })

  test('a file that changes all the time is never read half: nobody is refused', async (t) => {
    const g = await Ground.start(t)
    const polls = new Polls(g.server.as('acme'))
    let last
    for (let i = 0; i < 200; i++) {
      g.replace((last = g.good()).text)
      await new Promise((r) => setTimeout(r, 10)) // longer than looks are apart, in all
    }
    await g.counts(last.token, 'the last one')
    await polls.stop()
    assert.deepEqual([...polls.statuses], [200])
    assert.equal(await g.errors(), 0)
  })

  test('a server that starts with a broken file refuses everybody, and lets them in when it is mended', async (t) => {
    const server = await startTenants({ acme: roomy })
    t.after(() => server.stop())
    const good = fs.readFileSync(server.keysFile)
    await server.kill('SIGTERM')
    fs.writeFileSync(server.keysFile, good.subarray(0, 30))
    await server.start()
    const ask = () => server.as('acme').request('GET', '/v1/queue')
    assert.equal((await ask()).status, 401)
    assert.equal((await server.request('GET', '/health')).status, 200)
    fs.writeFileSync(server.keysFile, good)
    await until(GOOD_WITHIN * slow, 'the mended file', async () => (await ask()).status === 200, 50)
  })
})
