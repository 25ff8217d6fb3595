// shapes.mjs - where lines of words are in a flattened picture, and where boxes (fields, buttons) are.

const INK = 185 // below: part of a glyph
const GLYPH = { high: 40, wide: 60 } // px; larger shapes are pictures and borders
const VIVID = 70 // between the strongest and the weakest of red, green and blue
const EDGE = 9 // difference of grey between neighbouring rows
const SIDE = 22 // px of an edge that is one at all
const BOX = { low: 14, high: 130 }

// --- shapes that hang together -------------------------------------------------------------------------

// Stretches of ink, line by line, joined with those they touch above: boxes {x, y, w, h, ink} of what hangs together,
// with the number of its pixels.
export function pieces(flat, width, height) {
  const parent = [], box = [], ink = []
  const root = (i) => { while (parent[i] !== i) i = parent[i] = parent[parent[i]]; return i }
  const join = (a, b) => {
    a = root(a); b = root(b)
    if (a === b) return
    parent[b] = a
    ink[a] += ink[b]
    const p = box[a], q = box[b]
    p[0] = Math.min(p[0], q[0]); p[1] = Math.min(p[1], q[1]); p[2] = Math.max(p[2], q[2]); p[3] = Math.max(p[3], q[3])
  }
  let above = []
  for (let y = 0; y < height; y++) {
    const here = []
    let k = 0
    for (let x = 0; x < width;) {
      if (flat[y * width + x] >= INK) { x++; continue }
      const from = x
      while (x < width && flat[y * width + x] < INK) x++
      const id = parent.push(parent.length) - 1
      box.push([from, y, x, y + 1])
      ink.push(x - from)
      while (k < above.length && above[k].to < from) k++
      for (let j = k; j < above.length && above[j].from <= x; j++) join(above[j].id, id)
      here.push({ from, to: x, id })
    }
    above = here
  }
  const out = []
  for (let i = 0; i < parent.length; i++)
    if (parent[i] === i) out.push({ x: box[i][0], y: box[i][1], w: box[i][2] - box[i][0], h: box[i][3] - box[i][1], ink: ink[i] })
  return out
}

const vivid = (rgb, i) => Math.max(rgb[i], rgb[i + 1], rgb[i + 2]) - Math.min(rgb[i], rgb[i + 1], rgb[i + 2]) > VIVID
const isSelection = (p) => p.h >= 14 && p.h <= GLYPH.high && p.w > 1.2 * p.h && p.ink > 0.6 * p.w * p.h

// Grey, where words that are selected, light in a vivid patch, stand dark on white as all others do.
export function unselected(g, { width, height, rgb }) {
  const out = g.slice(), mask = Uint8Array.from(g, (_, i) => (vivid(rgb, 3 * i) ? 0 : 255))
  for (const p of pieces(mask, width, height).filter(isSelection)) {
    const back = g[(p.y + 1) * width + p.x + 1]
    for (let y = p.y; y < p.y + p.h; y++)
      for (let i = y * width + p.x; i < y * width + p.x + p.w; i++) out[i] = 255 - Math.abs(g[i] - back)
  }
  return out
}

const cover = (a, b) => {
  const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y)
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y }
}

// Beside each other like glyphs of one line: of like size, no further apart than two blanks.
function continues(line, glyph) {
  const gap = glyph.x - (line.x + line.w), low = Math.max(9, Math.min(line.h, glyph.h)), high = Math.max(line.h, glyph.h)
  const shared = Math.min(line.y + line.h, glyph.y + glyph.h) - Math.max(line.y, glyph.y)
  return gap <= 0.85 * low + 1 && gap > -low && high <= 2.4 * low && shared >= 0.5 * Math.min(line.h, glyph.h)
}

// Round marks, as a password shows.
export const dots = (all) => all.filter((p) => p.h >= 3 && p.h <= 13 && Math.abs(p.w - p.h) <= 3)

// Lines of words, from all pieces: boxes in reading order.
export function lines(all) {
  const glyphs = all.filter((p) => p.h <= GLYPH.high && p.w <= GLYPH.wide && (p.h > 3 || p.w > 1))
  const large = glyphs.filter((p) => p.h >= 6).sort((a, b) => a.x - b.x)
  let found = []
  for (const g of large) {
    const at = found.findIndex((l) => continues(l, g))
    if (at >= 0) found[at] = cover(found[at], g)
    else found.push({ ...g })
  }
  // dots, hyphens, what stands between
  for (const g of glyphs.filter((p) => p.h < 6)) {
    const at = found.findIndex((l) => g.x >= l.x - 3 && g.x <= l.x + l.w + 6 && g.y >= l.y - 6 && g.y <= l.y + l.h + 3)
    if (at >= 0) found[at] = cover(found[at], g)
  }
  found = joined(found)
  return found.filter((l) => l.h >= 7 && l.w >= 4).sort((a, b) => a.y - b.y || a.x - b.x)
}

// A line that was begun twice (a high glyph first, then low ones) is one.
function joined(list) {
  for (let i = 0; i < list.length; i++)
    for (let j = 0; j < list.length; j++)
      if (i !== j && list[i].x <= list[j].x && continues(list[i], list[j])) {
        list[i] = cover(list[i], list[j])
        list.splice(j, 1)
        return joined(list)
      }
  return list
}

// --- boxes -----------------------------------------------------------------------------------------------

// Stretches of a row that differ from the row below.
function edges(g, width, height) {
  const found = []
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0, row = y * width; x < width; x++) {
      if (Math.abs(g[row + x] - g[row + width + x]) < EDGE) continue
      const from = x
      let last = x
      for (; x < width && x - last < 3; x++) if (Math.abs(g[row + x] - g[row + width + x]) >= EDGE) last = x
      if (last - from >= SIDE) found.push({ y, from, to: last })
    }
  }
  return found
}

const alike = (a, b) => Math.abs(a.from - b.from) <= 8 && Math.abs(a.to - b.to) <= 8

// Two edges of one width above each other, with nothing of that width between them.
export function boxes(g, width, height) {
  const all = edges(g, width, height), found = []
  all.forEach((top, i) => {
    const bottom = all.slice(i + 1).find((e) => e.y - top.y >= BOX.low && alike(top, e))
    if (!bottom || bottom.y - top.y > BOX.high) return
    const box = { x: top.from, y: top.y, w: top.to - top.from, h: bottom.y - top.y }
    if (!found.some((b) => Math.abs(b.x - box.x) < 8 && Math.abs(b.y - box.y) < 6 && Math.abs(b.w - box.w) < 16)) found.push(box)
  })
  return found
}
