// A person's mouse and keyboard on the picture of a screen, as messages (docs/live.md). Escape, held with
// Shift, gives the keyboard back to the page.

import { h } from './dom.js'

const BUTTONS = ['left', 'middle', 'right']
const NAMES = {
  ArrowUp: 'Up', ArrowDown: 'Down', ArrowLeft: 'Left', ArrowRight: 'Right', PageUp: 'Page_Up', PageDown: 'Page_Down',
  Enter: 'Enter', Tab: 'Tab', Backspace: 'Backspace', Delete: 'Delete', Escape: 'Escape', Home: 'Home', End: 'End', Insert: 'Insert',
}
const MODIFIERS = [['ctrlKey', 'ctrl'], ['altKey', 'alt'], ['metaKey', 'super']]
const NOTCH_PX = 100
const MOVES_MS = 16
const BLANK = ' '

const clamp = (v, low, high) => Math.max(low, Math.min(high, v))

// What a key event is as a message; null: nothing to send, or a character that the field will have.
export function keyMessage(event) {
  const held = MODIFIERS.filter(([flag]) => event[flag]).map(([, name]) => name)
  if (event.isComposing || ['Control', 'Alt', 'Shift', 'Meta', 'Dead', 'Process', 'Unidentified', 'CapsLock'].includes(event.key)) return null
  if ([...event.key].length === 1 && (!held.length || event.getModifierState?.('AltGraph'))) return null
  const name = NAMES[event.key] ?? (/^F\d{1,2}$/.test(event.key) || event.key.length === 1 ? event.key : null)
  if (!name) return null
  if (event.shiftKey && event.key.length > 1) held.push('shift')
  return { type: 'key', event: 'press', key: [...held, name.length === 1 ? name.toLowerCase() : name].join('+') }
}

// Where on the screen a point of the picture is, in its pixels.
export function pointOf(canvas, event) {
  const box = canvas.getBoundingClientRect()
  const at = (from, size, pixels) => clamp(Math.round((from / size) * pixels), 0, pixels - 1)
  return { x: at(event.clientX - box.left, box.width, canvas.width), y: at(event.clientY - box.top, box.height, canvas.height) }
}

// What was typed since the last look at the field: words are taken whole, so that dead keys, input methods and
// the keyboards of phones work. A blank stands in it, and is missed when something was rubbed out.
function typed(field, send) {
  const { value } = field
  field.value = BLANK
  if (!value) return send({ type: 'key', event: 'press', key: 'Backspace' })
  const text = value.startsWith(BLANK) ? value.slice(BLANK.length) : value
  if (text) send({ type: 'text', text })
}

// The field that has the focus while a run is operated: it stands over the picture and shows nothing.
export function keyboard(send, release) {
  const field = h('textarea', { class: 'hands', value: BLANK, rows: 1, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off',
    'aria-label': 'Keyboard of the run. Shift and Escape give it back to this page.', dataset: { operates: '' } })
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && event.shiftKey) return release()
    const pasted = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v' // its text comes as a paste
    const message = pasted ? null : keyMessage(event)
    if (!message) return
    event.preventDefault()
    send(message)
  })
  field.addEventListener('input', (event) => { if (!event.isComposing) typed(field, send) })
  field.addEventListener('compositionend', () => typed(field, send))
  field.addEventListener('paste', (event) => {
    const text = event.clipboardData.getData('text/plain')
    event.preventDefault()
    if (text) send({ type: 'paste', text })
  })
  return field
}

// Until the returned function is called, what is done on the canvas is sent.
export function operate(canvas, send) {
  const stop = new AbortController()
  let moved = 0
  let owed = { x: 0, y: 0 }
  const field = keyboard(send, () => canvas.closest('.live-view').querySelector('button')?.focus())
  const on = (name, fn, options) => canvas.addEventListener(name, fn, { signal: stop.signal, ...options })
  const pointer = (event, what) => {
    event.preventDefault()
    send({ type: 'pointer', event: what, ...pointOf(canvas, event), button: BUTTONS[event.button] ?? 'left' })
  }

  canvas.after(field)
  field.focus({ preventScroll: true })
  on('pointerdown', (event) => { field.focus({ preventScroll: true }); canvas.setPointerCapture(event.pointerId); pointer(event, 'down') })
  on('pointerup', (event) => pointer(event, 'up'))
  on('pointercancel', (event) => pointer(event, 'up'))
  on('pointermove', (event) => {
    if (event.timeStamp - moved < MOVES_MS) return
    moved = event.timeStamp
    send({ type: 'pointer', event: 'move', ...pointOf(canvas, event) })
  })
  on('contextmenu', (event) => event.preventDefault())
  on('wheel', (event) => {
    event.preventDefault()
    const px = event.deltaMode === 1 ? 33 : 1
    owed = { x: owed.x + (event.deltaX * px) / NOTCH_PX, y: owed.y + (event.deltaY * px) / NOTCH_PX }
    const [dx, dy] = [Math.trunc(owed.x), Math.trunc(owed.y)]
    if (!dx && !dy) return
    owed = { x: owed.x - dx, y: owed.y - dy }
    send({ type: 'wheel', ...pointOf(canvas, event), dx: clamp(dx, -20, 20), dy: clamp(dy, -20, 20) })
  }, { passive: false })
  return () => { stop.abort(); field.remove() }
}
