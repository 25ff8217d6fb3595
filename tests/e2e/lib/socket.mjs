// socket.mjs - a WebSocket client (RFC 6455), plain: what it is sent is kept in order, and it can be cut.
// And pictures: the messages of docs/live.md, and the colour of a JPEG by libjpeg's own djpeg.

import { execFileSync } from 'node:child_process'
import crypto from 'node:crypto'
import net from 'node:net'
import { until, slow } from './harness.mjs'

function frame(opcode, payload) {
  const n = payload.length
  const head = n < 126 ? Buffer.from([0x80 | opcode, 0x80 | n]) : n < 65536 ? Buffer.alloc(4) : Buffer.alloc(10)
  if (n >= 126) {
    head[0] = 0x80 | opcode
    head[1] = 0x80 | (n < 65536 ? 126 : 127)
    if (n < 65536) head.writeUInt16BE(n, 2)
    else head.writeBigUInt64BE(BigInt(n), 2)
  }
  const mask = crypto.randomBytes(4)
  const masked = Buffer.from(payload)
  for (let i = 0; i < n; i++) masked[i] ^= mask[i & 3]
  return Buffer.concat([head, mask, masked])
}

export class Socket {
  messages = [] // objects that came as text
  pictures = [] // parsed ones, each with at (ms)
  closed = null // {code, reason}, code 1006 when it was cut
  onpicture = null

  static open(port, path, { pause = false, headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const key = crypto.randomBytes(16).toString('base64')
      const s = new Socket()
      s.tcp = net.connect(port, '127.0.0.1', () => s.tcp.write([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`,
        'Upgrade: websocket', 'Connection: keep-alive, Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`,
        ...Object.entries(headers).map(([k, v]) => `${k}: ${v}`), '', ''].join('\r\n')))
      s.tcp.setNoDelay(true)
      s.rest = Buffer.alloc(0)
      let head = true
      s.tcp.on('data', (d) => {
        s.rest = Buffer.concat([s.rest, d])
        if (head) {
          const end = s.rest.indexOf('\r\n\r\n')
          if (end < 0) return
          const text = s.rest.subarray(0, end).toString()
          const status = Number(text.split(' ')[1])
          const accept = crypto.createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
          if (status !== 101 || !text.includes(accept)) {
            s.tcp.destroy()
            reject(Object.assign(new Error(`${status}: ${s.rest}`), { status, text: s.rest.toString() }))
            return
          }
          s.rest = s.rest.subarray(end + 4)
          head = false
          if (pause) s.tcp.pause()
          resolve(s)
        }
        s.take()
      })
      s.tcp.on('close', () => { s.closed ??= { code: 1006, reason: '' }; reject(new Error('closed')) })
      s.tcp.on('error', reject)
    })
  }

  take() {
    for (;;) {
      const b = this.rest
      if (b.length < 2) return
      let n = b[1] & 0x7f, at = 2
      if (n === 126) { if (b.length < 4) return; n = b.readUInt16BE(2); at = 4 }
      else if (n === 127) { if (b.length < 10) return; n = Number(b.readBigUInt64BE(2)); at = 10 }
      if (b.length < at + n) return
      this.rest = b.subarray(at + n)
      this.hear(b[0] & 0x0f, b.subarray(at, at + n))
    }
  }

  hear(opcode, data) {
    if (opcode === 1) this.messages.push(JSON.parse(data))
    else if (opcode === 2) {
      const p = picture(data)
      p.at = Date.now()
      this.pictures.push(p)
      this.onpicture?.(p)
    } else if (opcode === 8) {
      this.closed = { code: data.length >= 2 ? data.readUInt16BE(0) : 1005, reason: data.subarray(2).toString() }
      this.tcp.write(frame(8, data.subarray(0, 2)))
    } else if (opcode === 9) this.tcp.write(frame(10, data))
  }

  say(message) { this.tcp.write(frame(1, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)))) }
  cut() { this.tcp.destroy() }
  close() { if (!this.tcp.destroyed) { this.tcp.write(frame(8, Buffer.from([0x03, 0xe8]))); this.tcp.end() } }

  // The first message from number `from` on that fits; those before stay where they are.
  wait(type, fits = () => true, ms = 10000, from = 0) {
    return until(ms * slow, `message '${type}' of ${JSON.stringify(this.messages)}`, () => {
      const m = this.messages.slice(from).find((x) => x.type === type && fits(x))
      if (!m && this.closed) throw new Error(`closed: ${JSON.stringify(this.closed)}; ${JSON.stringify(this.messages)}`)
      return m
    }, 5)
  }

  ended(ms = 10000) { return until(ms * slow, 'the end of the socket', () => this.closed, 5) }
}

export function picture(b) {
  const p = { kind: b[0], whole: (b[1] & 1) === 1, width: b.readUInt16LE(4), height: b.readUInt16LE(6), taken: Number(b.readBigUInt64LE(8)) / 1000, regions: [] }
  let at = 16
  for (let i = 0; i < b.readUInt16LE(2); i++) {
    const len = b.readUInt32LE(at + 8)
    p.regions.push({ x: b.readUInt16LE(at), y: b.readUInt16LE(at + 2), w: b.readUInt16LE(at + 4), h: b.readUInt16LE(at + 6), jpeg: b.subarray(at + 12, at + 12 + len) })
    at += 12 + len
  }
  if (at !== b.length) throw new Error(`a picture message with ${b.length - at} bytes left over`)
  return p
}

// [r, g, b] at the middle of a JPEG.
export function colour(jpeg) {
  const ppm = execFileSync('djpeg', ['-ppm'], { input: jpeg, maxBuffer: 64 << 20 })
  const [, w, h] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 40).toString('latin1'))
  const start = ppm.length - w * h * 3
  const at = start + 3 * (Math.floor(h / 2) * w + Math.floor(w / 2))
  return [...ppm.subarray(at, at + 3)]
}

export const near = (a, b, by = 24) => a.every((v, i) => Math.abs(v - b[i]) <= by)

// The region of a picture that covers a point.
export const at = (p, x, y) => p.regions.find((r) => x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h)

// The parts of a multipart/x-mixed-replace answer, as they come.
export class Mjpeg {
  frames = []
  ended = false

  static async open(base, path) {
    const m = new Mjpeg()
    m.abort = new AbortController()
    const r = await fetch(base + path, { signal: m.abort.signal })
    m.status = r.status
    m.type = r.headers.get('content-type')
    if (r.status === 200) m.read(r.body.getReader())
    else { m.text = await r.text(); m.ended = true }
    return m
  }

  async read(reader) {
    const boundary = '--' + /boundary=(.*)/.exec(this.type)[1]
    let rest = Buffer.alloc(0)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        rest = Buffer.concat([rest, value])
        for (;;) {
          const head = rest.indexOf('\r\n\r\n')
          const len = head < 0 ? 0 : Number(/Content-Length: (\d+)/.exec(rest.subarray(0, head).toString())?.[1])
          if (head < 0 || rest.length < head + 4 + len + 2 + boundary.length + 2) break
          this.frames.push({ jpeg: rest.subarray(head + 4, head + 4 + len), at: Date.now() })
          rest = rest.subarray(head + 4 + len + 2 + boundary.length + 2)
        }
      }
    } catch { /* cut */ }
    this.ended = true
  }

  cut() { this.abort.abort() }
}
