// brain.mjs - the next action of a sub-goal: what its sentence says is to be written, chosen and pressed is looked for
// on the screen, in this order; what the screen shows as done is done.

import { boxAround, button, field, holds, middle, pageTop, places, ringed, shows, written } from './find.mjs'
import { plain, quoted, same } from './words.mjs'

const SCROLL = 5 // notches
const CLOSERS = ['Reject all', 'No thanks', 'Close']

// --- what is wanted ------------------------------------------------------------------------------------

const verbs = { write: 'write type fill enter', choose: 'choose select pick', press: 'press click open tick' }
const kinds = Object.fromEntries(Object.entries(verbs).flatMap(([kind, words]) => words.split(' ').map((w) => [w, kind])))

// `Write "a" into "Email" and press "Sign in"` -> [{kind: write, value: a, label: Email}, {kind: press, label: Sign in}]
export function deeds(sentence) {
  const found = []
  const verb = new RegExp(`\\b(${Object.keys(kinds).join('|')})\\b`, 'gi')
  const starts = [...sentence.matchAll(/"[^"]*"|[A-Za-z]+/g)].filter((m) => m[0][0] !== '"' && new RegExp(`^${verb.source}$`, 'i').test(m[0]))
  starts.forEach((m, i) => {
    const kind = kinds[m[0].toLowerCase()], texts = quoted(sentence.slice(m.index, starts[i + 1]?.index))
    if (kind === 'press') for (const label of texts) found.push({ kind, label })
    else for (let k = 0; k + 1 < texts.length; k += 2) found.push({ kind, value: texts[k], label: texts[k + 1] })
  })
  return found
}

const line = (text, name) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]

// The task of a turn's text: its sentence, what must be seen in the end, names of its target, and what was done last.
export function goal(text) {
  const target = Object.fromEntries([...text.matchAll(/^- (\w+): (.*)$/gm)].map((m) => [m[1], m[2]]))
  const asked = /(?:this task|Their task|web browser)[^\n]*:\n+([^\n]+)/.exec(text)?.[1]
  const sentence = line(text, '(?:Task: )?Sub-goal') ?? line(text, '(?:Task: )?Task') ?? asked ?? ''
  return { sentence, until: quoted(line(text, 'It is reached when') ?? ''), target }
}

function wanted(g) {
  const list = deeds(g.sentence)
  if (list.length) return list
  const { label, value, option_label: option, dropdown_label: dropdown } = g.target
  if (option) return [{ kind: 'choose', value: option, label: dropdown ?? label }]
  if (value) return [{ kind: 'write', value, label }]
  return label ? [{ kind: 'press', label }] : []
}

// --- is it done? -----------------------------------------------------------------------------------------

const masked = (screen, box) => screen.dots.filter((d) => holds(box, middle(d))).length >= 4

function isWritten(screen, deed) {
  const box = field(screen, deed.label)
  if (!box) return false
  const text = written(screen, box)
  return same(text, deed.value) || plain(text).includes(plain(deed.value)) || (!/[\p{L}\p{N}]{3}/u.test(text) && masked(screen, box))
}

// A choice is made when its field, or what has its name, shows it. A list that stands open shows it twice.
function isChosen(screen, deed) {
  const box = field(screen, deed.label)
  return Boolean(box) && same(written(screen, box).replace(/ \S{1,2}$/, ''), deed.value)
}

const doneWhen = { write: isWritten, choose: isChosen }

// --- what to do for it -------------------------------------------------------------------------------------

const near = (box, p) => holds({ x: box.x - 6, y: box.y - 6, w: box.w + 12, h: box.h + 12 }, p)
const click = (box, why) => ({ action: 'click', ...middle(box), box, why })

// What stands in the field already is selected first: it is replaced then.
function write(screen, deed, history) {
  const last = history.at(-1), twice = history.at(-2)?.action === 'click' && last?.action === 'click'
  const box = field(screen, deed.label)
  if (!box) return null
  const focus = last?.action === 'click' && near(box, last) && (twice || ringed(screen, box))
  const there = written(screen, box), selected = last?.action === 'key'
  if (focus && there && !same(there, deed.label)) return { action: 'key', keys: 'ctrl+a', why: `what stands in "${deed.label}" is replaced` }
  if (focus || selected) return { action: 'type', text: deed.value, why: `the field "${deed.label}" has the focus` }
  return click(box, `the field "${deed.label}" is to be filled`)
}

// An entry of a list that was opened by the last click: near it, and not what the closed list shows.
function entry(screen, deed, last) {
  if (last?.action !== 'click') return null
  const box = field(screen, deed.label)
  if (box && !near(box, last)) return null
  const options = places(screen, deed.value).filter((l) => !box || !holds(box, middle(l)))
  return options.filter((l) => Math.abs(middle(l).x - last.x) < 320).sort((a, b) => Math.abs(a.y - last.y) - Math.abs(b.y - last.y))[0]
}

// A list that is too long to show it is searched by its name, as the keyboard does.
function choose(screen, deed, history) {
  const last = history.at(-1), box = field(screen, deed.label), option = entry(screen, deed, last)
  if (option) return click(option, `"${deed.value}" is in the list`)
  if (box && last?.action === 'click' && near(box, last)) return { action: 'type', text: deed.value, why: `"${deed.value}" is looked for in the list` }
  if (last?.action === 'type' && last.text === deed.value) return { action: 'key', keys: 'Return', why: `"${deed.value}" is taken` }
  const shown = box ? null : places(screen, deed.value)[0]
  return box ? click(box, `the list "${deed.label}" is to be opened`) : shown ? click(shown, `"${deed.value}" can be chosen`) : null
}

function press(screen, deed) {
  const at = button(screen, deed.label)
  return at ? click(boxAround(screen, at) ?? at, `"${deed.label}" is to be pressed`) : null
}

const ways = { write, choose, press }

// --- the turn --------------------------------------------------------------------------------------------------

const changed = (a) => !/no visible change/.test(a.came ?? '')

// Something came of a press on it; or it is gone, and it was the last that there was to press.
function pressed(screen, deed, history, isLast) {
  if (deed.kind !== 'press') return false
  const at = button(screen, deed.label), clicks = history.filter((a) => a.action === 'click' && changed(a))
  return at ? clicks.some((a) => near(boxAround(screen, at) ?? at, a)) : isLast && clicks.length > 0
}

export const finished = (screen, g) => g.until.length > 0 && g.until.every((text) => shows(screen, text))

const covering = (screen) => CLOSERS.map((c) => places(screen, c)[0]).find((l) => l && l.y > screen.height / 2)

const waits = (history) => history.slice(-2).filter((a) => a.action === 'wait').length

const seen = (screen, deed) => places(screen, deed.label).length > 0

// What was scrolled out of view was done: what comes after it in the sentence is on the screen, or it was typed just now.
const passed = (screen, todo, i, history) =>
  !seen(screen, todo[i]) && (todo.slice(i + 1).some((d) => seen(screen, d)) || history.some((a) => a.action === 'type' && a.text === todo[i].value))

function isDone(screen, todo, i, history) {
  const deed = todo[i]
  if (deed.kind === 'press') return pressed(screen, deed, history, i === todo.length - 1)
  return doneWhen[deed.kind](screen, deed) || passed(screen, todo, i, history)
}

// Nothing is left to do, and yet the screen is not as it should be: the last button once more, after two waits.
function notThere(screen, todo, history) {
  const again = waits(history) === 2 && todo.at(-1)?.kind === 'press' && press(screen, todo.at(-1))
  return again || { action: 'wait', seconds: 1, why: 'the page is not there yet' }
}

function search(screen, deed, history) {
  const scrolls = history.filter((a) => a.action === 'scroll').length
  if (scrolls > 8) return { action: 'done', success: false, summary: `"${deed.label}" is nowhere on the page` }
  const y = (pageTop(screen) + screen.height) >> 1
  return { action: 'scroll', direction: scrolls < 5 ? 'down' : 'up', amount: SCROLL, x: screen.width >> 1, y, why: `"${deed.label}" is not to be seen` }
}

// history: what it did in this sub-goal, the newest last, in pixels of the screen's picture.
export function next(screen, g, history) {
  const todo = wanted(g)
  if (finished(screen, g)) return { action: 'done', success: true, summary: `The screen shows ${g.until.map((t) => `"${t}"`).join(', ')}` }
  const opened = todo.find((d) => d.kind === 'choose' && !isChosen(screen, d) && entry(screen, d, history.at(-1)))
  const deed = opened ?? todo.find((_, i) => !isDone(screen, todo, i, history))
  if (!deed && !g.until.length) return { action: 'done', success: true, summary: `All of it is done: ${g.sentence}`.slice(0, 200) }
  if (!deed) return notThere(screen, todo, history)
  const cover = covering(screen)
  return ways[deed.kind](screen, deed, history) ?? (cover ? click(cover, `"${cover.text}" covers the page`) : search(screen, deed, history))
}

// What of the sub-goal the screen does not show as done, for those who ask.
export function open(screen, g) {
  if (g.until.length) return g.until.filter((t) => !shows(screen, t))
  return wanted(g).filter((d, i, all) => d.kind !== 'press' && !isDone(screen, all, i, [])).map((d) => d.label)
}
export { wanted }
