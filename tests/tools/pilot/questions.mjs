// questions.mjs - what else a model is asked beside the next action: by the loop (words that ask for one JSON object)
// and by the readers (a tool that must answer). Answers are of the screen alone, in pixels of its picture.

import { goal, next, open, wanted } from './brain.mjs'
import { address, boxAround, button, field, holds, labelOf, middle, pageLines, pageTop, places, ringed, shows, written } from './find.mjs'
import { plain, quoted, same } from './words.mjs'

const PRICE = /(?:US)?\$ ?\d[\d,.]*k?|USD ?\d[\d,.]*|\d[\d,.]* ?USD/i
const PHONE = /(?:\+1[ .-])?\(?\b\d{3}\)?[ .-]{0,2}\d{3}[ .-]\d{4}\b/
const ADVERT = /^(sponsored|advertisement|ad|promoted)$/i

// --- where is it? ----------------------------------------------------------------------------------------

const point = (box, label) => ({ ...middle(box), box, label })

function fieldLike(screen, label) {
  const box = field(screen, label)
  return box && point(box, label)
}

function pressable(screen, label) {
  const at = button(screen, label)
  return at && point(boxAround(screen, at) ?? at, at.text)
}

const CLOSERS = ['Reject all', 'No thanks', 'Close', 'Accept all']
const purposes = [[/load more/i, ['Show more', 'Load more']], [/consent box|lies over the page/i, CLOSERS]]

// asked: {labels, purpose, typed}
function target(screen, asked) {
  const ways = asked.typed ? [fieldLike, pressable] : [pressable, fieldLike]
  const labels = [...asked.labels, ...(purposes.find(([re]) => re.test(asked.purpose))?.[1] ?? quoted(asked.purpose))]
  for (const label of labels)
    for (const way of ways) {
      const found = way(screen, label)
      if (found) return found
    }
  return null
}

// --- lists -----------------------------------------------------------------------------------------------

const aligned = (a, b) => Math.abs(a.x - b.x) <= 6

// A price with lines that begin where it does right above it is a card; the lines are its title.
function card(screen, price) {
  const title = []
  let top = price, sponsored = false
  for (const l of pageLines(screen).filter((v) => v.y < price.y && aligned(v, price)).reverse()) {
    if (top.y - (l.y + l.h) > 22 || title.length === 3) break
    if (ADVERT.test(l.text)) { sponsored = true; break }
    title.unshift(l)
    top = l
  }
  if (!title.length || !/[a-z]{3}/i.test(title[0].text)) return null
  const badge = pageLines(screen).find((l) => l.y < title[0].y && title[0].y - l.y < 40 && Math.abs(l.x - title[0].x) < 24)
  sponsored ||= ADVERT.test(badge?.text ?? '')
  const { x, y } = middle(title[0])
  return { x, y, box: title[0], title: title.map((l) => l.text).join(' '), is_organic: !sponsored, reason: badge?.text ?? '' }
}

const BADGE = /^(private seller|dealer)$/i

// The same from above: a badge with a title right below it, whatever the price is read as.
function badged(screen, badge) {
  const below = pageLines(screen).filter((l) => l.y > badge.y && l.y - badge.y < 70 && Math.abs(l.x - badge.x) < 14 && !PRICE.test(l.text))
  const first = below.sort((a, b) => a.y - b.y)[0]
  if (!first || first.y - badge.y > 34 || first.words.length < 2) return null
  const on = below.find((l) => l !== first && l.y - first.y < 28 && Math.abs(l.h - first.h) < 5)
  const { x, y } = middle(first)
  return { x, y, box: first, title: [first, on].filter(Boolean).map((l) => l.text).join(' '), is_organic: true, reason: badge.text }
}

export function cards(screen) {
  const lines = pageLines(screen), prices = lines.filter((l) => PRICE.test(l.text) && l.text.length < 16)
  const found = [...prices.map((p) => card(screen, p)), ...lines.filter((l) => BADGE.test(l.text)).map((l) => badged(screen, l))].filter(Boolean)
  const once = found.filter((c, i) => found.findIndex((d) => Math.abs(c.x - d.x) < 60 && Math.abs(c.y - d.y) < 20) === i)
  return once.sort((a, b) => (Math.abs(a.y - b.y) > 40 ? a.y - b.y : a.x - b.x))
}

// --- values ----------------------------------------------------------------------------------------------

const tallest = (list) => [...list].sort((a, b) => b.h - a.h)[0]
const heading = (screen) => tallest(pageLines(screen).filter((l) => l.words.length > 1 && !PRICE.test(l.text) && l.y > pageTop(screen) + 60))

// A heading may go on in the next line.
function title(screens) {
  const first = heading(screens[0])
  const on = first && pageLines(screens[0]).find((l) => aligned(l, first) && l.y > first.y && l.y - first.y < 2 * first.h && Math.abs(l.h - first.h) < 8)
  return [first, on].filter(Boolean).flatMap((l) => l.text.split(' '))
}

const readers = {
  year: (screens) => title(screens).find((w) => /^(19|20)\d\d$/.test(w)),
  price: (screens) => PRICE.exec(tallest(screens.flatMap(pageLines).filter((l) => PRICE.test(l.text) && !/month/.test(l.text)))?.text ?? '')?.[0],
  phone: (screens) => screens.flatMap(pageLines).map((l) => PHONE.exec(l.text)?.[0]).find(Boolean),
  url: (screens) => address(screens.at(-1))?.text,
}

// A value that stands beside or below its name.
function named(screens, name) {
  for (const s of screens)
    for (const l of places(s, name.replaceAll('_', ' ')).filter((v) => !v.line)) {
      const beside = pageLines(s).filter((v) => v.x > l.x).sort((a, b) => a.x - b.x).find((v) => v.x > l.x + l.w && v.x < l.x + l.w + 300 && holds({ ...v, x: l.x, w: l.w }, middle(l)))
      if (beside) return beside.text
    }
  return ''
}

function extract(screens, schema) {
  const out = {}
  for (const [name, { type }] of Object.entries(schema.properties)) {
    const value = type === 'boolean' ? false : (readers[name]?.(screens) ?? named(screens, name))
    out[name] = type === 'integer' && /^\d+$/.test(value) ? Number(value) : value
  }
  return out
}

// --- yes or no -------------------------------------------------------------------------------------------

function visible(screen, sentence) {
  const texts = quoted(sentence)
  const missing = texts.filter((t) => !shows(screen, t))
  if (missing.length) return { passed: false, reason: `"${missing[0]}" is not on the screen` }
  if (texts.length) return { passed: true, reason: `the screen shows "${texts[0]}"` }
  const page = plain(pageLines(screen).map((l) => l.text).join(' '))
  const words = sentence.split(/\W+/).filter((w) => w.length > 4), there = words.filter((w) => page.includes(plain(w)))
  return { passed: there.length * 3 >= words.length * 2, reason: `of its words the screen shows: ${there.join(', ')}` }
}

function navigated([before, after]) {
  const [a, b] = [before, after].map((s) => address(s)?.text ?? '')
  return same(a, b) && a ? { navigated: false, kind: 'no_change', reason: 'the address is the same' } : { navigated: true, kind: 'url_change', reason: `the address is ${b}` }
}

// --- the readers' questions -------------------------------------------------------------------------------

const none = (label) => ({ x: 0, y: 0, action: 'not_found', value: '', label })

function pointed(found, asked) {
  if (!found) return none(`no "${asked.labels[0] ?? asked.purpose}" is to be seen`)
  return { ...found, action: asked.typed ? 'type' : 'click', value: '' }
}

const said = (text, ...names) => names.map((n) => new RegExp(`^${n}: (.*)$`, 'm').exec(text)?.[1]).find((v) => v && v !== 'none') ?? ''

// What the words of a reader's question name.
export function asked(text) {
  const label = said(text, 'Its label', 'Label'), others = quoted(said(text, 'Other names, just as good', 'Other names'))
  const kind = said(text, 'What it is')
  return { labels: [label, ...others].filter(Boolean), purpose: said(text, 'What for'), typed: /^a (field|drop-down)/.test(kind) }
}

const between = (text, from, to) => text.split(from)[1]?.split(to)[0].trim() ?? ''

// One of those that may be clicked, unless it was.
function control({ screen, text }) {
  const allowed = quoted(between(text, 'Only these may be clicked:', 'Never these')), done = quoted(between(text, 'Already clicked:', '\n'))
  for (const name of allowed.filter((a) => !done.some((d) => same(d, a)))) {
    const found = pressable(screen, name)
    if (found) return { ...found, action: name, reason: 'it shows more' }
  }
  return { x: 0, y: 0, action: 'none', label: '', reason: 'there is none' }
}

function listings({ screen }) {
  const list = cards(screen)
  return { status: list.length ? 'ok' : 'empty', listings: list }
}

function nextPage({ screen }) {
  const at = places(screen, 'Next')[0]
  return at ? point(at, at.text) : { x: 0, y: 0, label: 'none' }
}

function dropdown({ screen, text }) {
  const box = field(screen, quoted(text)[0])
  return { observed: box ? written(screen, box).replace(/ \S{1,2}$/, '') : 'unknown' }
}

function phone({ screens }) {
  const line = screens.flatMap(pageLines).find((l) => PHONE.test(l.text))
  return { phone: line ? PHONE.exec(line.text)[0] : '', context_quote: line?.text ?? '' }
}

const find = (q) => pointed(target(q.screen, q.asked), q.asked)

const bare = ({ x, y, label }) => ({ x, y, label })

// What stands near a point.
function ground(q) {
  const [x, y] = /\((-?\d+),(-?\d+)\)/.exec(q.text).slice(1).map(Number), at = q.mean({ x, y })
  const far = (l) => Math.hypot(middle(l).x - at.x, middle(l).y - at.y)
  const near = q.screen.lines.map((l) => ({ l, far: far(l) })).sort((a, b) => a.far - b.far)[0]
  return near && near.far < 80 ? bare(point(near.l, '')) : { none: true }
}

const tools = {
  report_clickable: ground,
  report_extracted_listing: (q) => extract(q.screens, q.schema),
  report_listings: listings,
  report_pagination: nextPage,
  report_filter_target: find,
  report_content_control: control,
  report_post_click_navigation: (q) => navigated(q.screens),
  report_gate_verification: (q) => visible(q.screen, between(q.text, 'Is this so on the screenshot?', 'Look at the heading')),
  report_form_target: find,
  report_target_by_affordance: find,
  report_dropdown_value: dropdown,
  report_description_screenshots: (q) => ({ indices: q.screens.map((_, i) => i + 1) }),
  report_seller_phone: phone,
}

// --- the loop's questions -----------------------------------------------------------------------------------

function safest(q) {
  const a = next(q.screen, q.goal, [])
  if (a.action !== 'click') return { action_type: 'wait', seconds: 1, rationale: 'the page may change' }
  return { action_type: 'click', x: a.x, y: a.y, box: a.box, rationale: a.why }
}

function focused(q) {
  const [x, y] = /\((-?\d+),(-?\d+)\)/.exec(q.text).slice(1).map(Number), at = q.mean({ x, y })
  const box = q.screen.boxes.filter((b) => holds(b, at) && b.h >= 24 && b.h < 80 && b.w >= 56).sort((a, b) => a.w * a.h - b.w * b.h)[0]
  const label = box && ringed(q.screen, box) ? labelOf(q.screen, box) : ''
  return { focused: Boolean(label), label: label.toLowerCase(), type: /pass/i.test(label) ? 'password' : 'text' }
}

function valid(q) {
  const left = open(q.screen, q.goal)
  return { valid: !left.length, reason: left.length ? `"${left[0]}" is not there` : 'the screen shows it' }
}

function sends(q) {
  const last = wanted(q.goal).findLast((d) => d.kind === 'press'), at = last && pressable(q.screen, last.label)
  return at ? { found: true, ...bare(at) } : { found: false }
}

// By the form in which the answer is wanted.
const inWords = [
  ['"valid"', valid],
  ['"focused"', focused],
  ['"found"', sends],
  ['"action_type"', safest],
  ['[{"label"', (q) => wanted(q.goal).filter((d) => d.value).map((d) => ({ label: d.label.toLowerCase(), value: d.value }))],
  ['"none": true', ground],
]

// Asked for one click, it acts.
function oneClick(q) {
  const found = target(q.screen, q.asked)
  return { act: found ? { action: 'click', ...found, why: 'It is there.' } : { action: 'done', success: false, summary: 'it is not to be seen' } }
}

// q: {text, tool, schema, screens, mean}; what is answered ({act}: as an action), or null when nothing here knows the
// question.
export function answerTo(q) {
  const all = { ...q, screen: q.screens.at(-1), goal: goal(q.text), asked: asked(q.text) }
  if (tools[q.tool]) return tools[q.tool](all)
  if (/^Where would you click/m.test(q.text)) return oneClick(all)
  const way = inWords.find(([form]) => q.text.includes(form))
  return way ? way[1](all) : null
}
