// find.mjs - where on a screen that was read something stands: words, fields, buttons, the address.

import { plain, same, within } from './words.mjs'

const FIELD = { low: 24, high: 130, wide: 56 } // px of a box that something is typed into
const BELOW = 34, BESIDE = 220 // px from a label to its field

export const middle = (b) => ({ x: Math.round(b.x + b.w / 2), y: Math.round(b.y + b.h / 2) })
export const holds = (box, p) => p.x >= box.x && p.x <= box.x + box.w && p.y >= box.y && p.y <= box.y + box.h

const ADDRESS = /[\w-]+(?:\.[\w-]+)+(?::\d+)?\/\S*|[\w-]+(?:\.[\w-]+)+:\d+/

// The line of the address bar, with the address alone as its text: it is at the top and looks like one.
export function address(screen) {
  const line = screen.lines.find((l) => l.y < screen.height / 8 && ADDRESS.test(l.text))
  return line && { ...line, text: ADDRESS.exec(line.text)[0] }
}

// Where the page begins, below the browser's own bars: they take an eighth of the screen when no address can be read.
export function pageTop(screen) {
  const bar = address(screen)
  return bar ? bar.y + bar.h + Math.round(screen.height / 60) : Math.round(screen.height / 8)
}

export const pageLines = (screen) => screen.lines.filter((l) => l.y >= pageTop(screen))

// The smallest box around a line, when it is no larger than buttons and fields are.
export function boxAround(screen, line) {
  const around = screen.boxes.filter((b) => holds(b, middle(line)) && b.h >= FIELD.low - 6 && b.h <= 76 && b.w >= line.w)
  return around.sort((a, b) => a.w * a.h - b.w * b.h)[0]
}

// Words of a line as a box of their own.
function part(line, [from, to]) {
  const w = line.words.slice(from, to), x = w[0].x, end = w.at(-1).x + w.at(-1).w
  return { ...line, x, w: end - x, text: w.map((v) => v.text).join(' '), line: line.text }
}

// Everywhere that a text stands: as a line of its own first, then as part of one.
export function places(screen, text, lines = pageLines(screen)) {
  const whole = lines.filter((l) => same(l.text, text))
  const parts = lines.filter((l) => !whole.includes(l)).map((l) => ({ l, at: within(l.words.map((w) => w.text), text) })).filter(({ at }) => at)
  return [...whole, ...parts.map(({ l, at }) => part(l, at))]
}

export const shows = (screen, text) => places(screen, text).length > 0 || plain(pageLines(screen).map((l) => l.text).join(' ')).includes(plain(text))

// Something to be pressed: a line of its own before a part of one, what stands in a box before what does not, the lower
// of equals.
export function button(screen, label) {
  const all = places(screen, label).map((l) => ({ l, box: boxAround(screen, l), whole: same(l.line ?? l.text, label) }))
  const rank = ({ l, box, whole }) => (whole ? 2 : 0) + (box && box.w < 3 * l.w + 400 ? 1 : 0)
  return all.sort((a, b) => rank(b) - rank(a) || b.l.y - a.l.y)[0]?.l
}

const isField = (b, screen) => b.h >= FIELD.low && b.h <= FIELD.high && b.w >= FIELD.wide && b.y >= pageTop(screen)

// The field of a label: below it, around it (a placeholder), or beside it.
export function field(screen, label) {
  const boxes = screen.boxes.filter((b) => isField(b, screen)), found = []
  for (const l of places(screen, label)) {
    for (const b of boxes) {
      const down = b.y - (l.y + l.h), along = b.x - (l.x + l.w)
      if (down >= -6 && down <= BELOW && Math.abs(b.x - l.x) < 30) found.push({ b, far: down })
      else if (holds(b, middle(l)) && b.h < 76) found.push({ b, far: BELOW + 1 })
      else if (along >= 0 && along <= BESIDE && holds({ ...b, x: l.x, w: l.w }, middle(l))) found.push({ b, far: BELOW + 2 + along })
    }
  }
  return found.sort((a, b) => a.far - b.far || b.b.w - a.b.w)[0]?.b
}

// What is written in a box.
export const written = (screen, box) => screen.lines.filter((l) => holds(box, middle(l))).map((l) => l.text).join(' ')

// What a field is called: the line above it, else what stands in it.
export function labelOf(screen, box) {
  const above = screen.lines.filter((l) => box.y - (l.y + l.h) >= -4 && box.y - (l.y + l.h) <= BELOW && Math.abs(l.x - box.x) < 30)
  return above.at(-1)?.text ?? written(screen, box)
}

function coloured({ rgb, width, height }, x, y) {
  if (x < 0 || y < 0 || x >= width || y >= height) return false
  const p = rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)
  return Math.max(...p) - Math.min(...p) > 70
}

// A coloured border all around says that the field has the focus.
export function ringed(screen, box) {
  let hits = 0
  for (let i = 1; i < 20; i++) {
    const x = Math.round(box.x + (box.w * i) / 20)
    if ([-4, -3, -2, -1, 0, 1].some((d) => coloured(screen, x, box.y + d))) hits++
  }
  return hits > 12
}
