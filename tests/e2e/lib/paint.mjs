// paint.mjs - a page that shows one colour, which is told by us when to show another, and runs that stay on it.

import http from 'node:http'
import { until, slow } from './harness.mjs'

const page = (name) => `<!doctype html><title>${name}</title>
<style>body{margin:0;height:100vh}form{position:absolute;left:20px;top:20px}p{position:absolute;left:20px;top:90px;font:20px sans-serif}</style>
<form onsubmit="return false"><label>Note <input id="note" name="note" autocomplete="off"></label>
<label>Secret <input id="secret" type="password"></label></form><p id="seen">nothing</p>
<script>
const show = (c) => { document.body.style.background = c }
new EventSource('/told/${name}').onmessage = (e) => show(e.data)
document.getElementById('note').addEventListener('input', (e) => { document.getElementById('seen').textContent = e.target.value })
document.addEventListener('mousedown', (e) => fetch('/did/${name}?' + new URLSearchParams({ what: 'down', x: e.clientX, y: e.clientY, button: e.button })))
document.addEventListener('keydown', (e) => fetch('/did/${name}?' + new URLSearchParams({ what: 'key', key: e.key })))
document.addEventListener('wheel', (e) => fetch('/did/${name}?' + new URLSearchParams({ what: 'wheel', dy: Math.sign(e.deltaY) })))
fetch('/did/${name}?what=open')
</script>`

export class Painter {
  streams = new Map()
  did = []

  static async start() {
    const p = new Painter()
    p.server = http.createServer((req, res) => p.answer(req, res)).listen(0, '127.0.0.1')
    await new Promise((r) => p.server.on('listening', r))
    p.url = `http://127.0.0.1:${p.server.address().port}`
    return p
  }

  answer(req, res) {
    const url = new URL(req.url, this.url)
    const [, kind, name] = url.pathname.split('/')
    if (kind === 'told') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.write(':\n\n')
      this.streams.set(name, res)
    } else if (kind === 'did') {
      this.did.push({ name, ...Object.fromEntries(url.searchParams) })
      res.end()
    } else res.writeHead(200, { 'Content-Type': 'text/html' }).end(page(kind))
  }

  // The moment it was told, ms.
  tell(name, [r, g, b]) {
    const at = Date.now()
    this.streams.get(name).write(`data: rgb(${r},${g},${b})\n\n`)
    return at
  }

  shown(name) { return until(60000 * slow, `page ${name}`, () => this.streams.has(name)) }

  saw(what, ms = 10000) {
    return until(ms * slow, `${JSON.stringify(what)} in ${JSON.stringify(this.did)}`,
      () => this.did.find((d) => Object.entries(what).every(([k, v]) => d[k] === String(v))))
  }

  plan(name, seconds = 120, more = []) {
    const url = `${this.url}/${name}`
    return { _micro_plan: [{ intent: `Open ${url}`, type: 'navigate', params: { url } },
      { intent: 'Stay', type: 'wait', params: { seconds } }, ...more] }
  }

  stop() {
    for (const s of this.streams.values()) s.end()
    this.server.closeAllConnections?.()
    this.server.close()
  }
}
