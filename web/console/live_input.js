// A person's mouse and keyboard on the picture of a screen, as messages (docs/live.md). Escape, held with
// Shift, gives the keyboard back to the page.

const BUTTONS = ['left', 'middle', 'right']
const NAMES = {
  ' ': 'space', ArrowUp: 'Up', ArrowDown: 'Down', ArrowLeft: 'Left', ArrowRight: 'Right', PageUp: 'Page_Up', PageDown: 'Page_Down',
  Enter: 'Enter', Tab: 'Tab', Backspace: 'Backspace', Delete: 'Delete', Escape: 'Escape', Home: 'Home', End: 'End', Insert: 'Insert',
}
const MODIFIERS = [['ctrlKey', 'ctrl'], ['altKey', 'alt'], ['metaKey', 'super']]
const NOTCH_PX = 100
const MOVES_MS = 16

// What a key event is as a message; null: nothing to send.
export function keyMessage(event) {
  const held = MODIFIERS.filter(([flag]) => event[flag]).map(([, name]) => name)
  if (event.isComposing || ['Control', 'Alt', 'Shift', 'Meta', 'Dead', 'Process', 'Unidentified', 'CapsLock'].includes(event.key)) return null
  if (event.key.length === 1 && !held.length) return { type: 'text', text: event.key }
  const name = NAMES[event.key] ?? (/^F\d{1,2}$/.test(event.key) || event.key.length === 1 ? event.key : null)
  if (!name) return null
  if (event.shiftKey && event.key.length > 1) held.push('shift')
  return { type: 'key', event: 'press', key: [...held, name.length === 1 ? name.toLowerCase() : name].join('+') }
}

// Where on the screen a point of the picture is, in its pixels.
export function pointOf(canvas, event) {
  const box = canvas.getBoundingClientRect()
  const clamp = (v, top) => Math.max(0, Math.min(top - 1, Math.round(v)))
  return { x: clamp(((event.clientX - box.left) / box.width) * canvas.width, canvas.width),
    y: clamp(((event.clientY - box.top) / box.height) * canvas.height, canvas.height) }
}

// Until the returned function is called, what is done on the canvas is sent.
export function operate(canvas, send) {
  const stop = new AbortController()
  let moved = 0
  let owed = { x: 0, y: 0 }
  const on = (name, fn, options) => canvas.addEventListener(name, fn, { signal: stop.signal, ...options })
  const pointer = (event, what) => {
    event.preventDefault()
    send({ type: 'pointer', event: what, ...pointOf(canvas, event), button: BUTTONS[event.button] ?? 'left' })
  }

  canvas.tabIndex = 0
  canvas.dataset.operates = ''
  canvas.setAttribute('role', 'application')
  on('pointerdown', (event) => { canvas.focus(); canvas.setPointerCapture(event.pointerId); pointer(event, 'down') })
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
    send({ type: 'wheel', ...pointOf(canvas, event), dx: Math.max(-20, Math.min(20, dx)), dy: Math.max(-20, Math.min(20, dy)) })
  }, { passive: false })
  on('keydown', (event) => {
    if (event.key === 'Escape' && event.shiftKey) return canvas.blur()
    const message = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v' ? null : keyMessage(event)
    if (!message) return
    event.preventDefault()
    event.stopPropagation()
    send(message)
  })
  on('paste', (event) => {
    const text = event.clipboardData.getData('text/plain')
    event.preventDefault()
    if (text) send({ type: 'paste', text })
  })
  return () => {
    stop.abort()
    canvas.removeAttribute('tabindex')
    canvas.setAttribute('role', 'img')
    delete canvas.dataset.operates
  }
}
