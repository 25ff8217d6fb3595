// picture.mjs - pixels of a PNG or a JPEG, and what has to be done to them before words can be read.

import { execFile } from 'node:child_process'
import zlib from 'node:zlib'

const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 } // by PNG colour type; palettes are not needed
const TILE = 16 // px: background is told per tile
const AROUND = 8 // px beyond a tile that have a say in its background
const STRONG = 190 // difference of grey that counts as black on white

// A program's standard output for some standard input.
export function pipe(program, args, input) {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 64 << 20, env: { ...process.env, OMP_THREAD_LIMIT: '1' } }
    const child = execFile(program, args, options, (error, out) => (error ? reject(error) : resolve(out)))
    child.stdin.on('error', () => {}) // it ended first; its status says why
    child.stdin.end(input)
  })
}

function chunks(png) {
  const data = []
  let header
  for (let at = 8; at + 8 <= png.length;) {
    const size = png.readUInt32BE(at)
    const kind = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + size)
    if (kind === 'IHDR') header = body
    if (kind === 'IDAT') data.push(body)
    at += 12 + size
  }
  return { header, data: zlib.inflateSync(Buffer.concat(data)) }
}

const paeth = (a, b, c) => {
  const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c)
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

// By filter type: what a byte was lessened by; a is left of it, b above, c left of that.
const filters = [() => 0, (a) => a, (a, b) => b, (a, b) => (a + b) >> 1, paeth]

function unfilter(kind, line, above, step) {
  const predict = filters[kind]
  if (kind) for (let i = 0; i < line.length; i++) line[i] += predict(i < step ? 0 : line[i - step], above[i], i < step ? 0 : above[i - step])
}

function decodePng(png) {
  const { header, data } = chunks(png)
  const width = header.readUInt32BE(0), height = header.readUInt32BE(4), step = CHANNELS[header[9]]
  if (header[8] !== 8 || !step || header[12]) throw new Error('a PNG of 8 bits a channel, not interlaced, without palette is read')
  const row = width * step, rgb = Buffer.alloc(width * height * 3)
  let above = Buffer.alloc(row)
  for (let y = 0; y < height; y++) {
    const line = data.subarray(y * (row + 1) + 1, (y + 1) * (row + 1))
    unfilter(data[y * (row + 1)], line, above, step)
    for (let x = 0; x < width; x++)
      for (let k = 0; k < 3; k++) rgb[(y * width + x) * 3 + k] = line[x * step + (step > 2 ? k : 0)]
    above = line
  }
  return { width, height, rgb }
}

async function decodeJpeg(jpeg) {
  const ppm = await pipe('djpeg', ['-pnm', '-rgb'], jpeg)
  const [head, width, height] = /^P6\s(\d+) (\d+)\s255\s/.exec(ppm.toString('latin1', 0, 40))
  return { width: Number(width), height: Number(height), rgb: ppm.subarray(head.length) }
}

// {width, height, rgb}
export async function decode(bytes) {
  return bytes.readUInt32BE(0) === 0x89504e47 ? decodePng(bytes) : decodeJpeg(bytes)
}

export function grey({ width, height, rgb }) {
  const out = new Uint8Array(width * height)
  for (let i = 0; i < out.length; i++) out[i] = (rgb[3 * i] * 77 + rgb[3 * i + 1] * 150 + rgb[3 * i + 2] * 29) >> 8
  return out
}

// The grey that most pixels about a tile have.
function background(g, width, height, left, top) {
  const counts = new Uint16Array(64)
  const x1 = Math.min(width, left + TILE + AROUND), y1 = Math.min(height, top + TILE + AROUND)
  for (let y = Math.max(0, top - AROUND); y < y1; y++)
    for (let x = Math.max(0, left - AROUND); x < x1; x++) counts[g[y * width + x] >> 2]++
  let best = 0
  for (let k = 1; k < 64; k++) if (counts[k] > counts[best]) best = k
  return best * 4 + 2
}

// Dark words on white, whatever they were: how much each pixel differs from what is around it.
export function flatten(g, width, height) {
  const out = new Uint8Array(width * height)
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const back = background(g, width, height, left, top)
      for (let y = top; y < Math.min(height, top + TILE); y++)
        for (let x = left; x < Math.min(width, left + TILE); x++)
          out[y * width + x] = 255 - Math.min(255, (Math.abs(g[y * width + x] - back) * 255) / STRONG)
    }
  }
  return out
}

// A part {x, y, w, h} of a grey picture, twice as large, in between linear, white around it, as a PGM file.
export function doubled(g, width, part, margin = 12) {
  const w = 2 * (part.w + margin), h = 2 * (part.h + margin), out = Buffer.alloc(w * h, 255)
  const right = part.x + part.w - 1, bottom = part.y + part.h - 1
  for (let y = 0; y < part.h * 2; y++) {
    const a = (part.y + (y >> 1)) * width, b = Math.min(bottom, part.y + ((y + 1) >> 1)) * width
    for (let x = 0; x < part.w * 2; x++) {
      const l = part.x + (x >> 1), r = Math.min(right, part.x + ((x + 1) >> 1))
      out[(y + margin) * w + margin + x] = (g[a + l] + g[a + r] + g[b + l] + g[b + r]) >> 2
    }
  }
  return Buffer.concat([Buffer.from(`P5 ${w} ${h} 255\n`), out])
}
