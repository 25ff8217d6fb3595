// deployment.mjs - a Mantis deployment that runs nothing: it answers the API as one would whose model has a given
// skill per task, decided by a seed. Several may stand at one address, each below a path of its own.

import http from 'node:http'

// The same words give the same number from 0 to 1 (FNV-1a, then mixed).
export function chance(...words) {
  let h = 2166136261
  for (const c of words.join('/')) h = Math.imul(h ^ c.charCodeAt(0), 16777619)
  h = Math.imul(h ^ (h >>> 16), 2246822507)
  h = Math.imul(h ^ (h >>> 13), 3266489909)
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296
}

const read = async (req) => {
  let text = ''
  for await (const chunk of req) text += chunk
  return text ? JSON.parse(text) : {}
}

export class Deployment {
  // ends(task, n): status the n-th run of a task ends with. seen: bodies of submissions, with their headers.
  constructor({ model = 'stub', ends = () => 'succeeded', cost = 0.01, limit = Infinity, pollsBefore = 0, route = '/v1/predict' } = {}) {
    Object.assign(this, { model, ends, cost, limit, pollsBefore, route })
    this.runs = new Map()
    this.keys = new Map()
    this.seen = []
    this.cancelled = []
    this.refused = 0
    this.live = 0
    this.most = 0
  }

  taskOf(body) { return body.task_suite?.session_name || body.plan_text || body.instruction }

  submit(body, headers) {
    const key = headers['idempotency-key']
    if (this.keys.has(key)) return [200, { status: 'queued', run_id: this.keys.get(key) }]
    if (this.live >= this.limit) {
      this.refused++
      return [429, { detail: 'max_concurrent_runs' }, { 'Retry-After': '1' }]
    }
    const task = this.taskOf(body), n = this.seen.filter((s) => s.task === task).length
    const id = `run_${this.seen.length}`
    this.seen.push({ task, body, headers })
    this.keys.set(key, id)
    this.runs.set(id, { status: this.ends(task, n), polls: 0 })
    this.most = Math.max(this.most, ++this.live)
    return [200, { status: 'queued', run_id: id }]
  }

  over(id, status) {
    const run = this.runs.get(id)
    if (!run.over) this.live--
    run.over = status
  }

  status(id) {
    const run = this.runs.get(id)
    return { run_id: id, status: run.over || (run.status === 'paused' ? 'paused' : 'running') }
  }

  phase(id) {
    const run = this.runs.get(id)
    if (!run) return [404, { detail: `run '${id}' is not known` }]
    if (!run.over && run.polls++ >= this.pollsBefore && !['paused', 'endless'].includes(run.status)) this.over(id, run.status)
    const phase = !run.over ? 'running' : run.over === 'cancelled' ? 'cancelled' : /succeeded|completed/.test(run.over) ? 'complete' : 'halted'
    return [200, { run_id: id, phase, polling_backoff_ms_hint: run.status === 'paused' ? 5000 : 20 }]
  }

  act(body) {
    if (!this.runs.has(body.run_id)) return [404, { detail: `run '${body.run_id}' is not known` }]
    if (body.action === 'cancel') {
      this.cancelled.push(body.run_id)
      this.over(body.run_id, 'cancelled')
    }
    const status = this.status(body.run_id)
    if (body.action !== 'result') return [200, status]
    return [200, { ...status, result: { final_url: 'https://x.example/end', costs: { total: this.cost }, leads: [] } }]
  }

  async answer(req, path) {
    if (req.method === 'GET' && path === '/v1/version') return [200, { version: '1', model: this.model, model_tag: '' }]
    if (req.method === 'GET' && path.startsWith('/v1/runs/')) return this.phase(path.slice('/v1/runs/'.length))
    const body = await read(req)
    if (path === '/v1/cua' || (path === this.route && !body.action)) return this.submit(body, req.headers)
    return path === this.route ? this.act(body) : [404, { detail: 'Not Found' }]
  }
}

// deployments: {"/a": Deployment}. Resolves to {url, close}.
export async function listen(deployments) {
  const server = http.createServer(async (req, res) => {
    const at = Object.keys(deployments).find((p) => req.url.startsWith(`${p}/`) || p === '')
    const [status, doc, headers] = at === undefined ? [404, { detail: 'Not Found' }] : await deployments[at].answer(req, req.url.slice(at.length))
    const text = JSON.stringify(doc)
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers })
    res.end(text)
  })
  server.keepAliveTimeout = 60000
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.close(); server.closeAllConnections() } }
}
