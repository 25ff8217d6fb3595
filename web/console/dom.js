// DOM nodes from plain calls. Text stays text: nothing here reads markup.

const SVG = 'http://www.w3.org/2000/svg'

function apply(node, name, value) {
  if (value === undefined || value === null || value === false) return
  if (typeof value === 'function') node.addEventListener(name, value)
  else if (name === 'style') for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v)
  else if (name === 'value') node.value = value
  else if (name === 'dataset') Object.assign(node.dataset, value)
  else node.setAttribute(name, value === true ? '' : value)
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) apply(node, name, value)
  node.append(...flat(children))
  if (attributes?.value !== undefined && node.tagName === 'SELECT') node.value = attributes.value
  return node
}

const flat = (children) => children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false)

// h('a', {href: '#', click: fn}, 'text', [more])
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children)
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children)

// Replaces what is in node. What had the focus keeps it when a node with the same data-key is there again.
export function show(node, ...children) {
  const key = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined
  node.replaceChildren(...flat(children))
  if (key) [...node.querySelectorAll('[data-key]')].find((n) => n.dataset.key === key)?.focus()
  return node
}

// Children of parent as a list of items: a node is made once per key, and drawn again when its item changed.
export function list(parent, items, keyOf, draw) {
  const kept = parent.listed ?? (parent.listed = new Map())
  const wanted = new Set(items.map(keyOf))
  for (const [key, entry] of kept)
    if (!wanted.has(key)) { entry.node.remove(); kept.delete(key) }
  let at = parent.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    const stamp = JSON.stringify(item)
    let entry = kept.get(key)
    if (!entry || entry.stamp !== stamp) {
      const node = draw(item)
      if (entry) swap(entry.node, node)
      if (entry && at === entry.node) at = node
      kept.set(key, entry = { node, stamp })
    }
    if (entry.node === at) at = at.nextElementSibling
    else parent.insertBefore(entry.node, at)
  }
}

function swap(before, after) {
  const focused = before.contains(document.activeElement)
  before.replaceWith(after)
  if (focused) (after.matches('a,button') ? after : after.querySelector('a,button'))?.focus({ preventScroll: true })
}

export const button = (label, click, attributes = {}) => h('button', { type: 'button', click, ...attributes }, label)

// A field with its label and, below, a hint.
export function field(label, control, hint) {
  const id = control.id || (control.id = `f-${label.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`)
  if (hint) control.setAttribute('aria-describedby', `${id}-hint`)
  return h('div', { class: 'field' }, h('label', { for: id }, label), control,
    hint ? h('p', { class: 'hint', id: `${id}-hint` }, hint) : null)
}
