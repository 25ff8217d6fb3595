// receiver.mjs - a webhook receiver: real HTTP, everything that came is kept, answers as it is told.

import crypto from 'node:crypto'
import http from 'node:http'

import { slow, until } from './harness.mjs'

export class Receiver {
  constructor() {
    this.got = [] // {path, headers, body, json}
    this.answers = new Map() // path -> functions (res, call), one per call; then 200
  }

  start(port = 0) {
    this.http = http.createServer((req, res) => {
      let body = ''
      req.setEncoding('utf8')
      req.on('data', (d) => { body += d })
      req.on('end', () => {
        const call = { method: req.method, path: req.url, headers: req.headers, body }
        try { call.json = JSON.parse(body) } catch { /* a test will say so */ }
        this.got.push(call)
        const answer = this.answers.get(req.url)?.shift()
        if (answer) answer(res, call)
        else res.end('thanks')
      })
    })
    return new Promise((resolve) => this.http.listen(port, '127.0.0.1', () => {
      this.port = this.http.address().port
      resolve(this)
    }))
  }

  url(path) { return `http://127.0.0.1:${this.port}${path}` }

  // How calls of a path are answered, one after another: a status, or a function of the response.
  script(path, ...answers) {
    this.answers.set(path, answers.map((a) => (typeof a === 'function' ? a : (res) => { res.statusCode = a; res.end() })))
  }

  of(runId) { return this.got.filter((c) => c.json?.run_id === runId) }

  // The n-th call about a run.
  async call(runId, n = 1, ms = 20000) {
    await until(ms * slow, `webhook ${n} of run ${runId}`, () => this.of(runId).length >= n)
    return this.of(runId)[n - 1]
  }

  stop() {
    this.http.closeAllConnections()
    return new Promise((resolve) => this.http.close(resolve))
  }
}

const hmac = (secret, text) => crypto.createHmac('sha256', secret).update(text).digest('hex')
export const signature = (secret, call) => `sha256=${hmac(secret, call.body)}`
export const signatureWithTime = (secret, call) => {
  const t = call.headers['x-mantis-timestamp']
  return `t=${t},v1=${hmac(secret, `${t}.${call.body}`)}`
}
