// see.mjs - what a picture shows: words, lines of words and boxes, in its own pixels. Lines that were read once are
// remembered by their pixels.

import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { decode, doubled, flatten, grey, pipe } from './picture.mjs'
import { boxes, dots, lines, pieces, unselected } from './shapes.mjs'

const read = new Map() // hash of a line's pixels -> words, measured from its corner
const seen = new Map() // hash of a picture -> what it shows
const MARGIN = 12 // px around a line that is read
const LINE = '7', WORD = '8' // tesseract's --psm

function pixels(flat, width, l) {
  const hash = crypto.createHash('sha1').update(`${l.w}x${l.h}:`)
  for (let y = l.y; y < l.y + l.h; y++) hash.update(flat.subarray(y * width + l.x, y * width + l.x + l.w))
  return hash.digest('hex')
}

// Tesseract's table -> words by page; a page is one line of ours.
function words(table) {
  const pages = new Map()
  for (const row of table.split('\n').slice(1)) {
    const [level, page, , , , , x, y, w, h, sure, text] = row.split('\t')
    if (level !== '5' || !text?.trim()) continue
    if (!pages.has(page)) pages.set(page, [])
    pages.get(page).push({ text: text.trim(), x: x / 2 - MARGIN / 2, y: y / 2 - MARGIN / 2, w: w / 2, h: h / 2, sure: Number(sure) })
  }
  return pages
}

async function pass(files, mode) {
  const table = await pipe('tesseract', ['stdin', 'stdout', '--psm', mode, '--dpi', '150', 'tsv'], files.join('\n') + '\n')
  return words(table.toString())
}

// As lines; what that leaves blank, as words.
async function readFiles(files) {
  const lines = await pass(files, LINE), found = files.map((_, i) => lines.get(String(i + 1)) ?? [])
  const blank = files.map((_, i) => i).filter((i) => !found[i].length)
  if (!blank.length) return found
  const single = await pass(blank.map((i) => files[i]), WORD)
  blank.forEach((i, k) => { found[i] = single.get(String(k + 1)) ?? [] })
  return found
}

async function readLines(flat, width, todo) {
  if (!todo.length) return
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mantis-pilot-'))
  try {
    const files = todo.map(({ line }, i) => {
      fs.writeFileSync(path.join(dir, `${i}.pgm`), doubled(flat, width, line, MARGIN))
      return path.join(dir, `${i}.pgm`)
    })
    const found = await readFiles(files)
    todo.forEach(({ hash }, i) => read.set(hash, found[i]))
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}

async function look(bytes) {
  const { width, height, rgb } = await decode(bytes)
  const g = grey({ width, height, rgb }), flat = flatten(unselected(g, { width, height, rgb }), width, height)
  const all = pieces(flat, width, height)
  const found = lines(all).map((line) => ({ line, hash: pixels(flat, width, line) }))
  const unread = new Map(found.filter(({ hash }) => !read.has(hash)).map((l) => [l.hash, l]))
  await readLines(flat, width, [...unread.values()])
  const texts = found.map(({ line, hash }) => {
    const list = read.get(hash).map((w) => ({ ...w, x: w.x + line.x, y: w.y + line.y }))
    return { ...line, words: list, text: list.map((w) => w.text).join(' ') }
  }).filter((l) => l.text)
  return { width, height, rgb, lines: texts, dots: dots(all), boxes: boxes(g, width, height) }
}

// {width, height, rgb, lines: [{x, y, w, h, text, words}], dots, boxes: [{x, y, w, h}]} of a PNG or JPEG.
export function see(bytes) {
  const hash = crypto.createHash('sha1').update(bytes).digest('hex')
  if (!seen.has(hash)) seen.set(hash, look(bytes))
  return seen.get(hash)
}
