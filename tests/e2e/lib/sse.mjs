// sse.mjs - event streams as bytes: what was sent, not what a client makes of it.

import http from 'node:http'

// Complete frames: {text, id, event, data}; a comment has only text.
export function frames(text) {
  const list = []
  for (let from = 0, to; (to = text.indexOf('\n\n', from)) >= 0; from = to + 2) {
    const frame = { text: text.slice(from, to + 2) }
    for (const line of text.slice(from, to).split('\n')) {
      const at = line.indexOf(': ')
      if (at > 0) frame[line.slice(0, at)] = line.slice(at + 2)
    }
    list.push(frame)
  }
  return list
}

// A stream of one run that is read as it comes. Resolves when the headers are there.
export function openStream(caller, id, query = '', headers = {}) {
  return new Promise((resolve, reject) => {
    const stream = { text: '', wakes: new Set() }
    const wake = () => { for (const w of stream.wakes) w() }
    const req = http.get(`${caller.base}/v1/runs/${id}/events?sse=true${query}`, { headers: { 'X-Mantis-Token': caller.token, ...headers } }, (res) => {
      stream.status = res.statusCode
      res.setEncoding('utf8')
      res.on('data', (d) => { stream.text += d; wake() })
      stream.ended = new Promise((done) => { res.on('end', done); res.on('close', done); res.on('error', done) })
      resolve(stream)
    })
    req.on('error', reject)
    stream.close = () => req.destroy()
    // A frame that fits, now or later.
    stream.has = (fits) => new Promise((done) => {
      const look = () => {
        const found = frames(stream.text).find(fits)
        if (found) { stream.wakes.delete(look); done(found) }
      }
      stream.wakes.add(look)
      look()
    })
  })
}
