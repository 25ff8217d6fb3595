// ocr.mjs - what a person could read in pictures and films of a run: every distinct frame, by tesseract.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { tempDir } from './harness.mjs'
import { files } from './secrets.mjs'

const LARGE = 'scale=1920:-1:flags=lanczos' // tesseract likes letters of 20 px and more

// The frames of a film that differ from the one before, or a picture, as files in dir.
function frames(file, dir) {
  const film = !file.endsWith('.png')
  execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-vf', `${film ? 'mpdecimate=max=0,' : ''}${LARGE}`, '-vsync', '0', path.join(dir, `${path.basename(file)}-%04d.png`)])
}

// Of all pictures and films below dir: {file: its words without blanks}. every: only each n-th frame.
export function readable(dir, every = 1) {
  const found = files(dir).filter((f) => /\.(png|mp4|webm|gif)$/.test(f))
  const work = tempDir('ocr', '/var/tmp')
  try {
    for (const f of found) frames(f, work)
    const all = fs.readdirSync(work).sort().filter((_, i) => i % every === 0)
    const list = path.join(work, 'list.txt')
    fs.writeFileSync(list, all.map((f) => `${path.join(work, f)}\n`).join(''))
    const said = execFileSync('tesseract', [list, '-', '--psm', '11'], { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26, env: { ...process.env, OMP_THREAD_LIMIT: '1' } })
    const pages = said.toString().split('\f').map((t) => t.replace(/\s/g, ''))
    return Object.fromEntries(all.map((f, i) => [f, pages[i] ?? '']))
  } finally {
    fs.rmSync(work, { recursive: true })
  }
}

// Where one of the secrets can be read. The reading is tried: `shown` must be found somewhere, too.
export function legible(dir, secrets, shown, every = 1) {
  const plain = (s) => s.replace(/\s/g, '').toLowerCase()
  const read = Object.entries(readable(dir, every)).map(([f, text]) => [f, text.toLowerCase()])
  if (!read.some(([, text]) => text.includes(plain(shown)))) throw new Error(`"${shown}" is to be read in none of ${read.length} frames: is the reading broken?`)
  return { frames: read.length, holders: read.filter(([, text]) => secrets.some((s) => text.includes(plain(s)))).map(([f]) => f) }
}
